"""Questions about generated charts whose answers are known from the chart's values, and the judging of answers.

Seven kinds: lookup, difference, ratio, trend, maximum, count, what-if. A question is asked only where the picture
tells its answer: names that stand in it, series that a legend names, winners that win clearly, thresholds that no
value is near. Each kind has two wordings for each split; those of `judge` were not used while the answering was
developed.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from msgspec import Struct

from benchmarks.chart_pictures import Split
from benchmarks.chart_specs import Truth, TruthSeries

KINDS = ("lookup", "difference", "ratio", "trend", "maximum", "count", "what-if")
TOLERANCE = 0.03
"""Of the axis's range, for values and their differences; of the value for totals; ratios may be off by 5%."""
CLEAR = 0.05
"""Of the range: by how much a winner wins, and how far values keep from a threshold."""
WORDINGS: dict[str, dict[Split, tuple[str, str]]] = {
    "lookup": {
        "develop": ("What is the value of {s} for {a}?", "How high is {s} in {a}?"),
        "judge": ("Which number does {a} have for {s}?", "Read off {s} at {a}."),
    },
    "difference": {
        "develop": (
            "What is the difference between {a} and {b} for {s}?",
            "By how much is {s} larger for {a} than for {b}?",
        ),
        "judge": (
            "How far apart are {a} and {b} in {s}?",
            "How much more does {s} come to at {a} compared with {b}?",
        ),
    },
    "ratio": {
        "develop": (
            "How many times as large is {s} for {a} as for {b}?",
            "What is the ratio of {a} to {b} for {s}?",
        ),
        "judge": ("Divide {s} of {a} by that of {b}: what comes out?", "{a} is what multiple of {b} in {s}?"),
    },
    "trend": {
        "develop": ("Is {s} rising or falling?", "Does {s} go up or down over the chart?"),
        "judge": ("In which direction is {s} heading from left to right?", "Did {s} grow or shrink overall?"),
    },
    "maximum": {
        "develop": ("Which has the highest {s}, and how much is it?", "Where is {s} largest?"),
        "judge": ("Name the peak of {s} and its value.", "At which label does {s} reach its top?"),
    },
    "count": {
        "develop": ("How many values of {s} are above {t}?", "In how many cases is {s} greater than {t}?"),
        "judge": ("How often does {s} exceed {t}?", "Count the entries of {s} that lie over {t}."),
    },
    "what-if": {
        "develop": (
            "What would the total of {s} be if {a} doubled?",
            "If {a} were twice as large, what would {s} sum up to?",
        ),
        "judge": (
            "Suppose {a} were zero: what would all of {s} add up to?",
            "With {a} halved, what is the sum over {s}?",
        ),
    },
}


class Asked(Struct, frozen=True, kw_only=True):
    """A question and what answers it: a name, a number with what it may be off by, or both."""

    kind: str
    text: str
    name: str = ""
    number: float | None = None
    allowed: float = 0.0
    words: tuple[str, ...] = ()
    """Any of them answers it; for trends."""
    log: bool = False


def questions(truth: Truth, split: Split, seed: int) -> list[Asked]:
    """All kinds that can be asked about a chart."""
    shown = {text.strip() for text, _ in truth.texts}
    if truth.kind not in ("bar", "line", "area", "pie") or truth.x_scale != "category":
        return []
    dice = random.Random(seed)
    series = dice.choice(truth.series)
    single = len(truth.series) == 1
    if not single and not (truth.named and series.name in shown):
        return []
    marks = {mark.label: mark.y for mark in series.marks if mark.label in shown}
    if len(marks) < 3:
        return []
    whole = len(marks) == len(series.marks)
    asker = _Asker(truth, split, dice, series, marks, single)
    makers: list[Callable[[], Asked | None]] = [asker.lookup, asker.difference, asker.ratio, asker.maximum]
    if whole:
        makers += [asker.trend, asker.count, asker.what_if]
    return [found for make in makers if (found := make()) is not None]


class _Asker:
    def __init__(
        self,
        truth: Truth,
        split: Split,
        dice: random.Random,
        series: TruthSeries,
        marks: dict[str, float],
        single: bool,
    ) -> None:
        self.truth, self.split, self.dice, self.marks = truth, split, dice, marks
        self.name = ("the pie" if truth.kind == "pie" else "the chart") if single else series.name
        self.range = 1.0 if truth.kind == "pie" else truth.high - truth.low
        first, second = dice.sample(list(marks), 2)
        self.larger, self.smaller = sorted((first, second), key=lambda one: -marks[one])

    def _text(self, kind: str, **words: str) -> str:
        return self.dice.choice(WORDINGS[kind][self.split]).format(s=self.name, **words)

    def _number(self, kind: str, number: float, allowed: float, **words: str) -> Asked:
        return Asked(
            kind=kind, text=self._text(kind, **words), number=number, allowed=allowed, log=self.truth.log
        )

    def lookup(self) -> Asked | None:
        chosen = self.dice.choice(list(self.marks))
        return self._number("lookup", self.marks[chosen], self._allowed(self.marks[chosen]), a=chosen)

    def _allowed(self, value: float) -> float:
        if not self.truth.log:
            return TOLERANCE * self.range
        return abs(value) * (10 ** (TOLERANCE * math.log10(self.truth.high / self.truth.low)) - 1)

    def difference(self) -> Asked | None:
        if self.truth.log:
            return None
        number = self.marks[self.larger] - self.marks[self.smaller]
        if number < 2 * TOLERANCE * self.range:
            return None
        return self._number("difference", number, TOLERANCE * self.range, a=self.larger, b=self.smaller)

    def ratio(self) -> Asked | None:
        large, small = self.marks[self.larger], self.marks[self.smaller]
        if self.truth.log or small < 0.15 * self.range:
            return None
        return self._number("ratio", large / small, 0.05 * large / small, a=self.larger, b=self.smaller)

    def maximum(self) -> Asked | None:
        ordered = sorted(self.marks.values())
        if self.truth.log or ordered[-1] - ordered[-2] < CLEAR * self.range:
            return None
        best = max(self.marks, key=lambda one: self.marks[one])
        return Asked(kind="maximum", text=self._text("maximum"), name=best)

    def trend(self) -> Asked | None:
        values = list(self.marks.values())
        if self.truth.kind not in ("line", "area") or self.truth.log:
            return None
        up = sum(b > a for a, b in pairwise(values)) / (len(values) - 1)
        rise = values[-1] - values[0]
        if abs(rise) < 0.15 * self.range or 0.34 < up < 0.66 or (up > 0.5) != (rise > 0):
            return None
        words = (
            ("rising", "up", "grew", "grow", "increas", "rise")
            if rise > 0
            else ("falling", "down", "shr", "decreas", "fall")
        )
        return Asked(kind="trend", text=self._text("trend"), words=words)

    def count(self) -> Asked | None:
        ordered = sorted(self.marks.values())
        gaps = [(low, high) for low, high in pairwise(ordered) if high - low > 2 * CLEAR * self.range]
        if self.truth.log or not gaps:
            return None
        low, high = self.dice.choice(gaps)
        threshold = float(f"{(low + high) / 2:.2g}")
        if not low + 0.3 * (high - low) < threshold < high - 0.3 * (high - low):
            return None
        number = sum(value > threshold for value in ordered)
        said = f"{threshold:.10g}" if self.truth.kind != "pie" else f"{threshold * 100:.10g}%"
        return self._number("count", number, 0.0, t=said)

    def what_if(self) -> Asked | None:
        if self.truth.log or min(self.marks.values()) < 0 or self.truth.kind == "pie":
            return None
        chosen = self.dice.choice(list(self.marks))
        kind, total = "what-if", sum(self.marks.values())
        text = self._text(kind, a=chosen)
        factor = 0.0 if "zero" in text else 0.5 if "halved" in text else 2.0
        number = total + (factor - 1) * self.marks[chosen]
        return Asked(kind=kind, text=text, number=number, allowed=TOLERANCE * abs(number))


_NUMBER = re.compile(r"(?<![\w.])[-−]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")


def right(asked: Asked, text: str) -> bool:
    """Whether a short answer is right: the name is in it, and its first number (or last, after "=") is near enough.

    Values that an axis gives in thousands, millions or percent may be answered so.
    """
    said = re.sub(r"\([^)]*\bunsure\b[^)]*\)", "", text.casefold())
    if asked.words:
        return any(word in said for word in asked.words)
    if asked.name:
        return re.search(rf"(?<!\w){re.escape(asked.name.casefold())}(?!\w)", said) is not None
    numbers = [
        float(one.replace(",", "").replace("−", "-")) for one in _NUMBER.findall(said.replace("±", " ±"))
    ]
    if not numbers or asked.number is None:
        return False
    factors = (1.0,) if asked.kind in ("count", "ratio") else (1.0, 1e3, 1e6, 0.01)
    return any(abs(numbers[0] * factor - asked.number) <= asked.allowed + 1e-9 for factor in factors)


def chosen(pictures: Sequence[tuple[int, Truth]], split: Split, each: int) -> list[tuple[int, Asked]]:
    """Questions over pictures, `each` a picture at most, kinds taking turns."""
    used: dict[str, int] = dict.fromkeys(KINDS, 0)
    found: list[tuple[int, Asked]] = []
    for number, truth in pictures:
        possible = questions(truth, split, number)
        for _ in range(each):
            if possible:
                best = min(possible, key=lambda one: used[one.kind])
                possible.remove(best)
                used[best.kind] += 1
                found.append((number, best))
    return found
