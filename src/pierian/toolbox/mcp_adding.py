"""Adding a server to the user's `mcp.json` and taking it out again; the rest of the file stays as it is.

What is written is read back by `mcp_settings` first, so that nothing is written which could not be read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from pierian.config import write_private
from pierian.exceptions import UserError
from pierian.toolbox.mcp_settings import document_of, mcp_file, read_servers, server_of


def add_server(name: str, *, url: str = "", command: tuple[str, ...] = (), file: Path | None = None) -> Path:
    """Write a server down; raises `UserError` where one of that name is there or it is not well formed."""
    file = file or mcp_file()
    read_servers(file)  # a damaged file is reported, never overwritten
    document = document_of(file)
    servers = _servers(document)
    if name in servers:
        raise UserError(
            f"{file} has a server called {name!r} already.",
            hint="Choose another name, or unlink that one first.",
        )
    entry: dict[str, Any] = {"url": url} if url else {"command": command[0], "args": [*command[1:]]}
    server_of(file, name, entry)
    servers[name] = entry
    return _write(file, document | {"mcpServers": servers})


def remove_server(name: str, file: Path | None = None) -> bool:
    """Take a server out; False where it is not there."""
    file = file or mcp_file()
    document = document_of(file)
    servers = _servers(document)
    if servers.pop(name, None) is None:
        return False
    _write(file, document | {"mcpServers": servers})
    return True


def _servers(document: dict[str, Any]) -> dict[str, Any]:
    found = document.get("mcpServers", {})
    return {**cast(dict[str, Any], found)} if isinstance(found, dict) else {}


def _write(file: Path, document: dict[str, Any]) -> Path:
    write_private(file, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return file
