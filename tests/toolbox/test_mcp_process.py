"""Lines of a server's output: their ends are kept whatever was too long."""

from __future__ import annotations

import pytest

from pierian.toolbox.mcp_limits import MOST_MESSAGE_BYTES
from pierian.toolbox.mcp_process import Lines, TooLong


@pytest.mark.parametrize("size", [1, 7, 65_536])
def test_lines_keep_the_ends_of_what_is_too_long(size: int) -> None:
    long = b'{"id": 7, ' + b"x" * MOST_MESSAGE_BYTES + b"}"
    data = b"one\n\n" + (long if size > 100 else b"two") + b"\nlast\n"
    lines = Lines(MOST_MESSAGE_BYTES)
    found = [line for at in range(0, len(data), size) for line in lines.feed(data[at : at + size])]
    assert found[:2] == [b"one", b""]
    assert found[3] == b"last"
    if size > 100:
        assert isinstance(found[2], TooLong)
        assert found[2].head.startswith(b'{"id": 7')
        assert found[2].tail.endswith(b"x}")
