"""The user's `mcp.json`: which MCP servers there are and how each is reached.

The file has the form that other MCP clients read: `{"mcpServers": {"name": {"command": …} or {"url": …}}}`. Beside it
a server may have `"effects": {"tool": "read"}`, where the user knows better than the server what a tool does. Nothing
is started here.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from pierian.config import paths
from pierian.exceptions import SettingsError
from pierian.tools import Effect

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_EXAMPLE = 'A server is {"command": "program", "args": […]} or {"url": "https://…"}.'


class McpServer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One server: a program that is started (`command`), or an address (`url`)."""

    name: str
    type: Literal["stdio", "http", "streamable-http"] | None = None
    """What other clients write; `command` and `url` say the same."""
    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    """Added to the few harmless variables that a server gets; the rest of the environment stays here."""
    url: str = ""
    headers: dict[str, str] = {}
    effects: dict[str, Effect] = {}
    """The user's own word on what a tool does, instead of the server's."""
    disabled: bool = False


def mcp_file() -> Path:
    """Where the servers are written down."""
    return paths().config / "mcp.json"


def read_servers(file: Path | None = None) -> tuple[McpServer, ...]:
    """The servers that are not disabled, in order; an absent file has none. Raises `SettingsError` with the place."""
    file = file or mcp_file()
    document = document_of(file)
    servers = document.get("mcpServers", {})
    if not isinstance(servers, dict):
        raise _wrong(file, "mcpServers", "must be an object with a server under each name")
    read = [server_of(file, name, entry) for name, entry in cast(dict[str, Any], servers).items()]
    return tuple(server for server in read if not server.disabled)


def document_of(file: Path) -> dict[str, Any]:
    """The whole file; empty where it is absent."""
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"{file} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}.",
            hint="Mend that line, or move the file away.",
        ) from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            f"{file} is not JSON text: {error}.", hint="Write it anew as UTF-8 text, or move the file away."
        ) from error
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be read: {error.strerror}.", hint="Check its permissions."
        ) from error
    if not isinstance(document, dict):
        raise _wrong(file, "the whole", 'must be an object such as {"mcpServers": {}}')
    return cast(dict[str, Any], document)


def server_of(file: Path, name: str, entry: Any) -> McpServer:
    """One server of it; raises `SettingsError` with the place."""
    place = f"mcpServers.{name}"
    if not _NAME.fullmatch(name):
        raise _wrong(
            file,
            place,
            "must have a name that begins with a letter and has at most 32 letters, digits, - and _",
            hint="The name stands before each of its tools, as in calendar.create_event.",
        )
    if not isinstance(entry, dict):
        raise _wrong(file, place, "must be an object")
    if "name" in entry:
        raise _wrong(file, f"{place}.name", "is not known: the name is the key before the server")
    try:
        server = msgspec.convert({**cast(dict[str, Any], entry), "name": name}, McpServer)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        raise _wrong(file, place + where.rstrip("`"), f"is wrong: {what}") from error
    if bool(server.command) == bool(server.url):
        raise _wrong(file, place, "must have either a command or a url")
    if server.url and not _is_address(server.url):
        raise _wrong(file, f"{place}.url", "is not an http or https address")
    if any("\0" in text for text in (server.command, *server.args, *server.env, *server.env.values())):
        raise _wrong(file, place, "has a zero byte in its command line or environment")
    return server


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _wrong(file: Path, place: str, what: str, *, hint: str = _EXAMPLE) -> SettingsError:
    return SettingsError(f"In {file}, {place} {what}.", hint=hint)
