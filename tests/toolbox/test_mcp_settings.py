"""`mcp.json`: the usual form is read, and what is wrong in it is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pierian.exceptions import SettingsError
from pierian.toolbox.mcp_servers import mcp_file, read_servers


def write(content: Any) -> Path:
    file = mcp_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_the_usual_form_is_read() -> None:
    program = {"command": "npx", "args": ["-y", "files"], "env": {"KEY": "1"}, "effects": {"read": "read"}}
    address = {"type": "http", "url": "https://example.org/mcp", "headers": {"Authorization": "Bearer x"}}
    off = {"command": "x", "disabled": True}
    write({"mcpServers": {"files": program, "remote": address, "off": off}, "inputs": []})
    files, remote = read_servers()
    assert (files.name, files.command, files.args, files.env) == (
        "files",
        "npx",
        ("-y", "files"),
        {"KEY": "1"},
    )
    assert files.effects == {"read": "read"}
    assert (remote.url, remote.headers) == ("https://example.org/mcp", {"Authorization": "Bearer x"})


def test_no_file_is_no_servers() -> None:
    assert read_servers() == ()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"mcpServers": {\n  "a": }}', "line 2, column 8"),
        ("[]", "the whole must be an object"),
        ({"mcpServers": []}, "mcpServers must be an object"),
        ({"mcpServers": {"a": "npx"}}, "mcpServers.a must be an object"),
        ({"mcpServers": {"a": {}}}, "mcpServers.a must have either a command or a url"),
        ({"mcpServers": {"a": {"command": "x", "url": "http://y"}}}, "either a command or a url"),
        ({"mcpServers": {"a": {"command": 1}}}, "mcpServers.a.command is wrong: Expected `str`, got `int`"),
        ({"mcpServers": {"a": {"command": "x", "args": ["y", 2]}}}, "mcpServers.a.args[1]"),
        ({"mcpServers": {"a": {"command": "x", "header": {}}}}, "unknown field `header`"),
        ({"mcpServers": {"a": {"command": "x", "name": "b"}}}, "mcpServers.a.name"),
        ({"mcpServers": {"a": {"command": "x", "effects": {"t": "harmless"}}}}, "mcpServers.a.effects"),
        ({"mcpServers": {"a": {"type": "sse", "url": "http://y"}}}, "mcpServers.a.type"),
        ({"mcpServers": {"a": {"url": "file:///etc/passwd"}}}, "mcpServers.a.url"),
        ({"mcpServers": {"a": {"url": "http://[::1"}}}, "mcpServers.a.url"),
        ({"mcpServers": {"a": {"command": "x\0"}}}, "zero byte"),
        ({"mcpServers": {"my server": {"command": "x"}}}, "mcpServers.my server must have a name"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_malformed_file_names_the_place(content: Any, says: str) -> None:
    file = write(content)
    with pytest.raises(SettingsError) as raised:
        read_servers()
    assert says in str(raised.value)
    assert str(file) in str(raised.value)
    assert raised.value.hint


def test_a_file_in_another_encoding_is_one_sentence() -> None:
    write("").write_bytes(b'{"mcpServers": "\xff"}')
    with pytest.raises(SettingsError, match="not JSON text"):
        read_servers()
