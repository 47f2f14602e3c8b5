"""Names without a value are found while a program is written, and only where that is certain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.reasoning.undefined import undefined_name

LINES = st.sampled_from(
    [
        "a = 1",
        "b = a + 1",
        "c = b * zz",
        "# why",
        "",
        "  d = 2",
        "for x in y:",
        "import math",
        "answer = c, a",
        "x =",
    ]
)


@pytest.mark.parametrize(
    ("program", "name", "rest"),
    [
        ("a = 1\nb = a + c\n", "c", "b = a + c\n"),
        ("a = 1\n# the sum\n# of both\nb = a + c\nd", "c", "# the sum\n# of both\nb = a + c\nd"),
        ("b = Amber + 2\n", "Amber", "b = Amber + 2\n"),
    ],
)
def test_a_forgotten_value(program: str, name: str, rest: str) -> None:
    text = f"Here it is:\n```python\n{program}"
    found = undefined_name(text)
    assert found is not None
    assert found.name == name
    assert text[found.position :] == rest


@pytest.mark.parametrize(
    "program",
    [
        "a = 1\nb = a + 1\n",
        "a = 1\nb = c",  # still being written
        "b = sum([1, 2]) + round(2.5)\n",
        "b = [n * 2 for n in (1, 2)]\n",
        "f = lambda n: n + 1\n",
        "import math\nb = math.sqrt(4)\n",
        "def f(n):\n    return n\nb = f(k)\n",
        "if True:\n    a = 1\nb = a\n",
        "b = c +\n",
        "a, b = 1, 2\nc = a + b\n",
        "```\n",
        "",
    ],
)
def test_what_is_well_or_cannot_be_told(program: str) -> None:
    assert undefined_name(f"```python\n{program}") is None


@given(st.text() | st.lists(LINES).map("\n".join))
def test_any_text_can_be_looked_at_and_the_place_begins_a_line(text: str) -> None:
    found = undefined_name(text)
    if found is not None:
        assert found.position == 0 or text[found.position - 1] == "\n"
        assert found.name.isidentifier()
