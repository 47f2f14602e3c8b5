"""Programs under limits: each ends as a value, an error with its line, or the limit that it hit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pierian.sandbox import Failed, LimitHit, ProgramLimits, Sandbox, Value


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(ProgramLimits(seconds=1.0)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("answer = 6 * 7\nanswer", 42),
        ("1 / 4", 0.25),
        ("'a' + 'b'", "ab"),
        ("[n for n in range(4)]", [0, 1, 2, 3]),
        ("x = 3\ny = 4\nx, y", (3, 4)),
        ("def f(n):\n    return 1 if n < 2 else n * f(n - 1)\nf(20)", 2432902008176640000),
        ("from datetime import date\n(date(2026, 12, 24) - date(2026, 11, 2)).days", 52),
        ("import math\nmath.sqrt(2) ** 2 > 2", True),
        ("2 ** 200", 2**200),
        ("x = 1", None),
        ("", None),
    ],
)
async def test_the_value_of_the_last_expression(sandbox: Sandbox, code: str, value: object) -> None:
    assert await sandbox.run(code) == Value(value)


async def test_what_it_prints_is_kept_apart(sandbox: Sandbox) -> None:
    assert await sandbox.run("print('working', 1)\n5") == Value(5, "working 1\n")


async def test_inputs_are_names(sandbox: Sandbox) -> None:
    inputs = {"prices": [1.5, 2.5], "name": "ü"}
    assert await sandbox.run("sum(prices), name", inputs) == Value((4.0, "ü"))


async def test_nothing_is_left_for_the_next_program(sandbox: Sandbox) -> None:
    await sandbox.run("secret = 1")
    result = await sandbox.run("secret")
    assert isinstance(result, Failed)
    assert "secret" in result.error


@pytest.mark.parametrize(
    ("code", "line", "says"),
    [
        ("a = 1\nb = 0\na / b", 3, "ZeroDivisionError"),
        ("x = 5\ny = x +\n", 2, "SyntaxError"),
        ("def f(n):\n    return n['k']\n\n\nf(3)", 2, "TypeError"),
        ("raise ValueError('no such pen')", 1, "no such pen"),
        ("undefined", 1, "NameError"),
        ("assert 1 == 2, 'sums differ'", 1, "sums differ"),
    ],
)
async def test_an_error_names_its_line(sandbox: Sandbox, code: str, line: int, says: str) -> None:
    result = await sandbox.run(code)
    assert isinstance(result, Failed)
    assert says in result.error
    assert result.line == line


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        ("while True:\n    pass", "time"),
        ("n = 0\nwhile True:\n    n += 1", "time"),
        ("try:\n    while True:\n        pass\nexcept BaseException:\n    pass\n1", "time"),
        ("a = 'x'\nwhile True:\n    a += a", "memory"),
        ("a = []\nwhile True:\n    a.append(a * 1)\n    a = a * 2", "memory"),
        ("'x' * 10**9", "memory"),
        ("[0] * 10**9", "memory"),
        ("def f(n):\n    return f(n + 1)\nf(0)", "recursion"),
        ("f = lambda g: g(g)\nf(f)", "recursion"),
    ],
)
async def test_a_limit_ends_it_and_the_next_one_runs(sandbox: Sandbox, code: str, limit: str) -> None:
    assert await sandbox.run(code) == LimitHit(limit)
    assert await sandbox.run("1 + 1") == Value(2)


@pytest.mark.parametrize("code", ["2 ** 10**10", "9**9**9**9", "10**10**8 % 7", "1 << 10**11"])
async def test_numbers_without_end_are_ended(sandbox: Sandbox, code: str) -> None:
    assert isinstance(await sandbox.run(code), LimitHit | Failed)
    assert await sandbox.run("1 + 1") == Value(2)


async def test_endless_printing_is_ended(sandbox: Sandbox) -> None:
    result = await sandbox.run("while True:\n    print('x' * 1000)")
    assert isinstance(result, LimitHit | Failed)
    assert await sandbox.run("1 + 1") == Value(2)


@pytest.mark.parametrize(
    "code",
    [
        "open('{file}').read()",
        "open('{file}', 'w').write('x')",
        "import os\nos.system('touch {file}.touched')",
        "import os\nos.listdir('/')",
        "import subprocess\nsubprocess.run(['true'])",
        "import socket\nsocket.create_connection(('127.0.0.1', 80))",
        "import urllib.request",
        "import sys\nsys.modules",
        "import builtins",
        "import ctypes",
        "from pathlib import Path\nPath('{file}').read_text()",
        "from pathlib import Path\nPath('{file}').write_text('x')",
        "__import__('os').getcwd()",
        "eval(\"open('{file}').read()\")",
        "exec(\"open('{file}', 'w').write('x')\")",
        "().__class__.__base__.__subclasses__()",
        "import os\nos.environ['HOME']",
        "import os\nos.getenv('HOME')",
        "input()",
    ],
)
async def test_nothing_of_the_machine_is_within_reach(sandbox: Sandbox, code: str, tmp_path: Path) -> None:
    file = tmp_path / "diary.txt"
    file.write_text("dear diary")
    result = await sandbox.run(code.replace("{file}", str(file)))
    assert isinstance(result, Failed), result
    assert file.read_text() == "dear diary"
    assert [f.name for f in tmp_path.iterdir()] == ["diary.txt"]


async def test_there_is_no_clock_to_measure_with(sandbox: Sandbox) -> None:
    result = await sandbox.run("import time\ntime.time()")
    assert isinstance(result, Failed) or result == await sandbox.run("import time\ntime.time()")


async def test_sleeping_does_not_wait(sandbox: Sandbox) -> None:
    result = await sandbox.run("import time\ntime.sleep(3600)\n1")
    assert isinstance(result, Value | Failed | LimitHit)


async def test_a_program_that_is_too_long_is_not_run(sandbox: Sandbox) -> None:
    assert await sandbox.run("#" * 20_001) == LimitHit("size")
    assert await sandbox.run("#" * 19_990 + "\n7") == Value(7)


@pytest.mark.parametrize(
    "code",
    [
        "(" * 5000,
        "(" * 5000 + ")" * 5000,
        "[" * 3000 + "]" * 3000,
        "-" * 15_000 + "1",
        "1" + "+1" * 9000,
        "\x00",
        "\ud800",
        "é = 1\né",
        "if " * 4000,
        "\t" * 9000 + "x",
        "x" * 19_000,
        "1" * 19_000,
    ],
    ids=range(12),
)
async def test_hostile_source_ends_as_a_result(sandbox: Sandbox, code: str) -> None:
    assert isinstance(await sandbox.run(code), Value | Failed | LimitHit)
    assert await sandbox.run("1 + 1") == Value(2)


async def test_a_sandbox_that_was_never_used_closes() -> None:
    async with Sandbox():
        pass


async def test_warming_twice_is_warming_once() -> None:
    async with Sandbox() as sandbox:
        sandbox.warm()
        sandbox.warm()
        assert await sandbox.run("3") == Value(3)


@settings(max_examples=8)  # each starts a process
@given(st.lists(st.text(max_size=60), min_size=4, max_size=20))
async def test_any_text_ends_as_a_result(texts: list[str]) -> None:
    async with Sandbox(ProgramLimits(seconds=0.5)) as sandbox:
        for text in texts:
            assert isinstance(await sandbox.run(text), Value | Failed | LimitHit)
