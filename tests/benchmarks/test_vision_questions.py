"""The questions about generated charts and the judging of answers: what is asked can be answered, and both ways."""

from __future__ import annotations

import pytest
from benchmarks.chart_specs import Truth, TruthMark, TruthSeries
from benchmarks.vision_questions import WORDINGS, Asked, questions, right

VALUES = {"Jan": 10.0, "Feb": 40.0, "Mar": 90.0}


def truth(*, shown: bool = True) -> Truth:
    marks = tuple(TruthMark(x, y, label) for x, (label, y) in enumerate(VALUES.items()))
    return Truth(
        library="matplotlib",
        theme="default",
        kind="line",
        horizontal=False,
        stacked=False,
        named=True,
        series=(TruthSeries("Total", marks),),
        high=100.0,
        x_scale="category",
        texts=tuple((name, (0.0, 0.0, 1.0, 1.0)) for name in VALUES) if shown else (),
    )


def test_every_kind_is_asked_with_its_answer() -> None:
    found = {asked.kind: asked for asked in questions(truth(), "develop", 5)}
    assert set(found) == set(WORDINGS)
    assert found["maximum"].name == "Mar"
    assert right(found["trend"], "rising")
    assert not right(found["trend"], "It is falling.")
    number = found["difference"].number
    assert number is not None
    assert right(found["difference"], f"{number + 2:.2f} ± 0.05 units")
    assert not right(found["difference"], f"{number + 4:.2f}")
    assert questions(truth(shown=False), "develop", 5) == []


@pytest.mark.parametrize(
    ("asked", "said", "is_right"),
    [
        (Asked(kind="maximum", text="", name="Mar"), "Mar: 90.0 ± 0.5", True),
        (Asked(kind="maximum", text="", name="Mar"), "March", False),
        (
            Asked(kind="lookup", text="", number=4.2e6, allowed=1e5),
            "4.2",
            True,
        ),  # as an axis in millions says it
        (Asked(kind="lookup", text="", number=0.21, allowed=0.03), "(21.3 ± 0.2)%", True),
        (Asked(kind="count", text="", number=3, allowed=0), "0.003", False),
        (Asked(kind="ratio", text="", number=1.5, allowed=0.05), "no number", False),
    ],
)
def test_answers_are_judged(asked: Asked, said: str, is_right: bool) -> None:
    assert right(asked, said) is is_right
