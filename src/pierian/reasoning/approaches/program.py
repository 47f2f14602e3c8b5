"""Program: the answer as a few lines of Python, run in the sandbox. Its mistakes are of another kind than those
of prose, so that agreement between the two means something."""

from __future__ import annotations

import math
import re
from typing import Any

from msgspec import structs

from pierian.reasoning.approach import Approach
from pierian.reasoning.approaches.examples import PROGRAMS, QUESTIONS
from pierian.reasoning.arithmetic import to_fraction
from pierian.reasoning.values import FinalValue, numbers_normal

MAX_VALUES = 12
MAX_VALUE = 10**18

_FENCE = re.compile(r"```(?:python)?\s*\n(.*?)(?:```|\Z)", re.DOTALL)
_ASSIGNED = re.compile(r"^[ \t]*([A-Za-z_]\w*)\s*=(?!=)", re.MULTILINE)


def code_of(text: str) -> str:
    """The program in a draft, ending in the name that holds its answer; empty when there is none."""
    found = _FENCE.findall(text)
    code = (found[-1] if found else text).strip()
    names = _ASSIGNED.findall(code)
    if not names:
        return ""
    return f"{code}\n{'answer' if 'answer' in names else names[-1]}"


def value_of(result: Any) -> FinalValue:
    """A program's result as a final value; empty for anything but numbers."""
    values: list[Any] = list(result) if isinstance(result, list | tuple) else [result]  # pyright: ignore[reportUnknownArgumentType]
    written = [number_text(v) for v in values[:MAX_VALUES]]
    if not written or any(not w for w in written):
        return FinalValue()
    return FinalValue(", ".join(written), numbers_normal(written))


def number_text(value: Any) -> str:
    """A number as people write it; empty for anything else, and for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    # Binary floats are shown as people would write them: 0.1 + 0.2 is 0.3.
    if isinstance(value, float):
        if not math.isfinite(value) or abs(value) > MAX_VALUE:
            return ""
        text = (
            f"{value:.10f}".rstrip("0").rstrip(".")
            if abs(value) < 1e5
            else f"{value:.4f}".rstrip("0").rstrip(".")
        )
    else:
        text = str(value) if abs(value) <= MAX_VALUE else ""
    return text if to_fraction(text) is not None else ""


def value_of_run(text: str, letters: str) -> FinalValue:
    """Nothing yet: the value of a program comes from running it."""
    return FinalValue()


PROGRAM = Approach(
    name="program",
    system="Solve the problem with a short Python program: name each quantity, compute step by step, set answer.",
    shots=tuple((q, f"```python\n{p}\n```") for q, p in zip(QUESTIONS, PROGRAMS, strict=True)),
    max_tokens=300,
    usual_tokens=60,
    read=value_of_run,
    computes=True,
    evidence=2.9,
    usual_logprob=-0.108,
    sureness=8.0,
)

FORMULA_PROGRAM = structs.replace(PROGRAM, evidence=1.5)
"""The same for competition problems, where programs are less often right than words."""
