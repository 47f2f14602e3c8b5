"""Programs explained to a reader, with the numbers that they really had."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.reasoning.explanation import explain, steps_of
from pierian.sandbox import Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as opened:
        yield opened


PENS = """# pens come at 3 for 2 euros
groups = 18 / 3
price = groups * 2
# she pays with a 20 euro note
change = 20 - price
answer = price, change
answer"""


async def test_each_comment_stands_before_its_numbers(sandbox: Sandbox) -> None:
    assert await explain(sandbox, PENS, "12, 8") == (
        "- Pens come at 3 for 2 euros: groups = 18 / 3 = 6; price = 6 × 2 = 12\n"
        "- She pays with a 20 euro note: 20 − 12 = 8\n\n"
        "**Answer: price 12, change 8**"
    )


async def test_a_name_that_is_given_a_new_value_shows_each(sandbox: Sandbox) -> None:
    code = "a = 1\n# then\na = a + 1\n# then again\na = a * 5\nanswer = a\nanswer"
    assert (await explain(sandbox, code, "10")).splitlines()[:3] == [
        "- a = 1",
        "- Then: 1 + 1 = 2",
        "- Then again: 2 × 5 = 10",
    ]


async def test_a_number_that_the_comment_says_is_not_said_twice(sandbox: Sandbox) -> None:
    code = (
        "# there are 50 guests\nguests = 50\n# in all 50 * 2 = 100\ncost = guests * 2\nanswer = cost\nanswer"
    )
    assert (await explain(sandbox, code, "100")).splitlines()[:2] == [
        "- There are 50 guests",
        "- In all 50 * 2 = 100",
    ]


async def test_an_answer_that_is_worked_out_on_its_own_line(sandbox: Sandbox) -> None:
    code = "a = 3\n# the rest\nanswer = a - 1\nanswer"
    assert "- The rest: 3 − 1 = 2" in await explain(sandbox, code, "2")


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    return 2\nanswer = f()\nanswer",
        "for n in range(3):\n    answer = n\nanswer",
        "a, b = 1, 2\nanswer = a\nanswer",
        "answer += 1\nanswer",
        "this is no program",
        "",
        "answer = 1 / 0\nanswer",
    ],
)
async def test_what_cannot_be_explained_is_not(sandbox: Sandbox, code: str) -> None:
    assert await explain(sandbox, code, "2") == ""


async def test_values_that_are_no_numbers_are_left_out(sandbox: Sandbox) -> None:
    code = "# the prices\nprices = [1, 2]\n# together\nanswer = sum(prices)\nanswer"
    assert await explain(sandbox, code, "3") == "- Together: sum(prices) = 3\n\n**Answer: 3**"


@given(st.text())
def test_any_text_can_be_read(code: str) -> None:
    steps_of(code)


NUMBERS = st.integers(1, 99)


@given(st.lists(st.tuples(st.sampled_from("+-*"), NUMBERS), min_size=1, max_size=6), NUMBERS)
async def test_every_number_shown_is_one_the_program_had(
    sandbox: Sandbox, steps: list[tuple[str, int]], first: int
) -> None:
    lines, value, expected = [f"v0 = {first}"], first, []
    for index, (sign, number) in enumerate(steps, 1):
        lines.append(f"v{index} = v{index - 1} {sign} {number}")
        value = {"+": value + number, "-": value - number, "*": value * number}[sign]
        expected.append(value)
    code = "\n".join([*lines, f"answer = v{len(steps)}", "answer"])
    text = (await explain(sandbox, code, str(value))).replace("−", "-")
    assert [int(n) for n in re.findall(r"= (-?\d+)(?:$|;)", text, re.MULTILINE)][-len(steps) :] == expected
