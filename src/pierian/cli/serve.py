"""`pierian serve`: the web app and the API on this machine, until they are told to stop."""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pierian.exceptions import UserError
from pierian.server.required_packages import check_installed

if TYPE_CHECKING:
    import uvicorn

    from pierian.config import Settings

PORT = 8420


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any free one.")] = PORT,
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="A name under which it is asked for, such as ai.example.org.")
    ] = None,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Answer without keys; on this machine only.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="Model from the catalogue, or of the server.")] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Servers that run the model, with commas; default: the own engine.")
    ] = None,
    json_logs: Annotated[bool, typer.Option("--json-logs", help="Log as JSON, one object a line.")] = False,
) -> None:
    """Serve the web app, and the APIs of OpenAI and Anthropic to programs that show a key. Ctrl-C stops it."""
    check_installed()
    from pierian.config import load
    from pierian.server.logs import set_up
    from pierian.server.process import run
    from pierian.server.service import Service
    from pierian.webapp.application import Pages

    if without_keys and not _is_loopback(host):
        raise UserError(
            f"Without keys anybody who reaches {host} could use this server.",
            hint="Leave out --without-keys, or listen on 127.0.0.1.",
        )
    settings = load(model=model, base_url=base_url)
    set_up(as_json=json_logs)
    listening = _listen(host, port)
    names = {"localhost", socket.gethostname(), *(allowed_host or ()), *([] if _is_address(host) else [host])}
    address = f"http://{_shown(host)}:{listening.getsockname()[1]}"
    welcome = "" if without_keys else _prepared(settings)

    def started(server: uvicorn.Server) -> None:
        typer.echo(f"Serving {settings.model} at {address}/v1, the app at {address} · Ctrl-C stops it.")
        if welcome:
            typer.echo(f"Your first visit, a link that works once: {address}/welcome/{welcome}")

    run(Service(settings, keyless=without_keys), listening, names, started, Pages)


def _prepared(settings: Settings) -> str:
    """The code of the link for the first visit, where the owner has not chosen a password yet; else empty.

    Whoever starts the server for the first time at a terminal also gets a key, which is shown once; elsewhere none is
    made, since what a service prints is kept in a log. The link is printed there too: it works once, for a day.
    """
    from pierian.access import Keys, Links, Passwords, Users
    from pierian.config import paths
    from pierian.storage import open_storage

    with open_storage(settings.database_url, paths().database) as database:
        users = Users(database)
        owner = next((one for one in users.list() if one.role == "owner"), None)
        owner = owner or users.create("owner", "owner")
        if sys.stdout.isatty() and not Keys(database).list():
            _, secret = Keys(database).create(owner.id, "first")
            typer.echo(f"Your key for programs, shown only this once: {secret}")
            typer.echo("`pierian keys create` makes others, with limits.")
        return "" if Passwords(database).has(owner.id) else Links(database).create(owner.id)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        raise UserError(
            f"Port {port} of {host} cannot be used: {error.strerror or error}.",
            hint="Choose another with --port, or end what listens there.",
        ) from error
    return listening


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
