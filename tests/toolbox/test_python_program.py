"""Programs as a tool: data in by name, a value or a helpful failure out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from pierian.provenance import Labelled, external
from pierian.sandbox import ProgramLimits, Sandbox
from pierian.toolbox import python_tools
from pierian.tools import Tool, ToolFailure, invoke


@pytest.fixture
async def program() -> AsyncIterator[Tool]:
    async with Sandbox(ProgramLimits(seconds=1.0)) as sandbox:
        yield python_tools(sandbox)[0]


async def run(made: Tool, program: str, data: dict[str, Any] | None = None) -> Labelled:
    found = await invoke(made, {"program": Labelled(program), "data": Labelled(data, external("file:/x"))})
    assert found is not None
    return found


async def test_data_goes_in_by_name_and_keeps_its_label(program: Tool) -> None:
    found = await run(program, "sum(p['price'] for p in rows)", {"rows": [{"price": 2}, {"price": 3.5}]})
    assert found == Labelled(5.5, external("file:/x"))


async def test_what_it_prints_counts_where_there_is_no_value(program: Tool) -> None:
    assert (await run(program, "print('a')\nprint('b')")).value == "a\nb"
    assert (await run(program, "print('a')\n7")).value == 7


async def test_values_become_plain_data(program: Tool) -> None:
    found = await run(program, "from datetime import date\n{'d': date(2026, 1, 2), 't': (1, 2)}")
    assert found.value == {"d": "2026-01-02", "t": [1, 2]}


@pytest.mark.parametrize(
    ("code", "failure", "says"),
    [
        ("x = 1\nx / 0", "failed", "line 2"),
        ("open('/etc/passwd').read()", "failed", "program failed"),
        ("while True:\n    pass", "timeout", "1 seconds"),
        ("'x' * 10**9", "too_large", "64 MB"),
        ("def f(n):\n    return f(n)\nf(1)", "too_large", "calls itself"),
        ("#" * 30_000, "too_large", "too long"),
    ],
)
async def test_failures_say_what_happened(program: Tool, code: str, failure: str, says: str) -> None:
    with pytest.raises(ToolFailure) as caught:
        await run(program, code)
    assert (caught.value.code, says in str(caught.value)) == (failure, True), str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "class", "x;y", "1a"])
async def test_a_name_that_is_none_is_refused(program: Tool, name: str) -> None:
    with pytest.raises(ToolFailure) as caught:
        await run(program, "1", {name: 1})
    assert caught.value.code == "invalid"
