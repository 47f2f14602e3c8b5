"""`pierian keys`: make, list, show, change, rotate and revoke the keys with which others use the server.

The secret of a key is printed once, when it is made or rotated. What the options mean is kept in `access.Grant`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pierian.cli.storing import opened_storage
from pierian.cli.text import printable

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from pierian.access import Grant, Key, Keys

app = typer.Typer(
    no_args_is_help=True, help="Keys to the server: create, list, show, change, rotate, revoke."
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The key's id, or the beginning of it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Modes = Annotated[
    list[str] | None,
    typer.Option(
        "--mode", help="A mode it may use, once for each; default: all, or none but those of --model."
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        help="A model it may use by itself, once for each; default: all, or none where modes are named.",
    ),
]
Requests = Annotated[
    int | None, typer.Option("--requests-per-minute", metavar="N", help="Most requests in any minute.")
]
Tokens = Annotated[
    int | None,
    typer.Option(
        "--tokens-per-minute", metavar="N", help="Most tokens, of prompts and answers, in any minute."
    ),
]
Concurrent = Annotated[
    int | None, typer.Option("--concurrent", metavar="N", help="Most requests at the same time.")
]
DayCap = Annotated[
    str | None, typer.Option("--day-cap", metavar="MONEY", help="Most money a day, such as 2.50.")
]
MonthCap = Annotated[str | None, typer.Option("--month-cap", metavar="MONEY", help="Most money a month.")]
Expires = Annotated[
    str | None,
    typer.Option("--expires", metavar="WHEN", help="In 30d, 12h or 2w; or 2030-12-31, the last day."),
]


@app.command("create")
def create(
    user: Annotated[str, typer.Option("--user", help="Whose key it is: a name or an id.")],
    name: Annotated[str, typer.Option("--name", help="What to call it.")] = "key",
    modes: Modes = None,
    models: Models = None,
    requests: Requests = None,
    tokens: Tokens = None,
    concurrent: Concurrent = None,
    day_cap: DayCap = None,
    month_cap: MonthCap = None,
    expires: Expires = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. Its secret is printed once."""
    grant = grant_of(modes, models, requests, tokens, concurrent, day_cap, month_cap, expires)
    key, secret = opened().create(user, name, grant)
    print_secret(key, secret, as_json=as_json)


@app.command("list")
def list_command(
    user: Annotated[str | None, typer.Option("--user", help="Only the keys of this user.")] = None,
    as_json: AsJson = False,
) -> None:
    """List keys, the oldest first."""
    found = opened().list(user)
    if as_json:
        from pierian.access.keys import key_as_json

        print_json([key_as_json(one) for one in found])
        return
    if not found:
        typer.echo("There are no keys yet. One is made so: pierian keys create --user NAME")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("id", "state", "user", "name", "secret", "last used", "allows"):
        table.add_column(column, no_wrap=column not in ("allows", "user", "name"), overflow="fold")
    now = moment_now()
    for one in found:
        used = f"{one.last_used_at.astimezone():%Y-%m-%d %H:%M}" if one.last_used_at else "never"
        table.add_row(
            one.id,
            one.state(now),
            Text(printable(one.user_name)),
            Text(printable(one.name)),
            f"{one.shown}…",
            used,
            Text(printable(allows(one.grant))),
        )
    Console(highlight=False).print(table)


@app.command("show")
def show(key: Id, as_json: AsJson = False) -> None:
    """Show one key: what it allows, and what it has used of its caps."""
    from pierian.metering import UsageReport, money_text

    store = opened()
    one = store.show(key)
    totals = UsageReport(store.database).totals(one.id)
    if as_json:
        from msgspec.structs import asdict

        from pierian.access.keys import key_as_json

        used = {name: value / 10**9 if "money" in name else value for name, value in asdict(totals).items()}
        print_json(key_as_json(one) | {"used": used})
        return
    lines = {
        "id": one.id,
        "name": one.name,
        "user": f"{one.user_name} ({one.role})",
        "secret": f"{one.shown}…",
        "state": one.state(moment_now()),
        "allows": allows(one.grant),
        "today": f"{money_text(totals.day_money)} in {totals.day_requests:,} requests",
        "this month": f"{money_text(totals.month_money)} in {totals.month_requests:,} requests",
        "created": f"{one.created_at.astimezone():%Y-%m-%d %H:%M}",
        "last used": f"{one.last_used_at.astimezone():%Y-%m-%d %H:%M}" if one.last_used_at else "never",
    }
    for label, value in lines.items():
        typer.echo(f"{label:<11} {printable(value)}")


@app.command("change")
def change(
    key: Id,
    modes: Modes = None,
    models: Models = None,
    requests: Requests = None,
    tokens: Tokens = None,
    concurrent: Concurrent = None,
    day_cap: DayCap = None,
    month_cap: MonthCap = None,
    expires: Expires = None,
    clear: Annotated[
        list[str] | None,
        typer.Option(
            "--clear", metavar="OPTION", help="A limit to take away, such as day-cap; once for each."
        ),
    ] = None,
) -> None:
    """Change what a key allows. Options that are not given stay as they are."""
    from msgspec.structs import asdict, replace

    from pierian.access import Grant
    from pierian.exceptions import UnknownName

    store = opened()
    one = store.show(key)
    given = asdict(grant_of(modes, models, requests, tokens, concurrent, day_cap, month_cap, expires))
    fresh = asdict(Grant())
    wanted = {field: value for field, value in given.items() if value != fresh[field]}
    for name in clear or ():
        field = {"mode": "modes", "model": "models", "expires": "expires_at"}.get(
            name, name.replace("-", "_")
        )
        if field not in fresh:
            raise UnknownName("limit", name, [known.replace("_", "-") for known in fresh])
        wanted[field] = fresh[field]
    typer.echo(
        printable(
            f"The key {one.id} now allows {allows(store.change(key, replace(one.grant, **wanted)).grant)}."
        )
    )


@app.command("rotate")
def rotate(
    key: Id,
    grace: Annotated[
        str | None,
        typer.Option("--grace", metavar="TIME", help="How long the old secret still works, such as 1h."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret, printed once. The old one stops working at once, or after --grace."""
    from datetime import timedelta

    one, secret = opened().rotate(key, timedelta() if grace is None else parse_span(grace))
    print_secret(one, secret, as_json=as_json)


@app.command("revoke")
def revoke(key: Id) -> None:
    """End a key for good."""
    one = opened().revoke(key)
    typer.echo(printable(f"The key {one.id} ({one.name} of {one.user_name}) no longer works."))


def opened() -> Keys:
    """The keys in this user's database."""
    from pierian.access import Keys

    return Keys(opened_storage())


def grant_of(
    modes: list[str] | None,
    models: list[str] | None,
    requests: int | None,
    tokens: int | None,
    concurrent: int | None,
    day_cap: str | None,
    month_cap: str | None,
    expires: str | None,
) -> Grant:
    """What the options allow."""
    from pierian.access import Grant
    from pierian.metering import parse_money

    return Grant(
        tuple(modes or ()),
        tuple(models or ()),
        requests,
        tokens,
        concurrent,
        None if day_cap is None else parse_money(day_cap),
        None if month_cap is None else parse_money(month_cap),
        None if expires is None else parse_expiry(expires),
    )


def allows(grant: Grant) -> str:
    """A grant in words."""
    from pierian.metering import money_text

    named = f"models {', '.join(grant.models)}"
    if grant.modes:
        parts = [", ".join(grant.modes), named if grant.models else "no models by themselves"]
    else:
        parts = [f"{named}, and modes that work with them"] if grant.models else ["all modes", "all models"]
    parts += [f"{n:,} {what}" for n, what in _limits(grant) if n is not None]
    parts += [
        f"{money_text(cap)} a {period}"
        for cap, period in ((grant.day_cap, "day"), (grant.month_cap, "month"))
        if cap is not None
    ]
    if grant.expires_at is not None:
        parts.append(f"until {grant.expires_at.astimezone():%Y-%m-%d %H:%M}")
    return "; ".join(parts)


def _limits(grant: Grant) -> tuple[tuple[int | None, str], ...]:
    return (
        (grant.requests_per_minute, "requests a minute"),
        (grant.tokens_per_minute, "tokens a minute"),
        (grant.concurrent, "at the same time"),
    )


def print_secret(key: Key, secret: str, *, as_json: bool) -> None:
    """A new secret, with the sentence that it is not shown again."""
    if as_json:
        from pierian.access.keys import key_as_json

        print_json(key_as_json(key) | {"secret": secret})
        return
    typer.echo(secret)
    typer.echo(
        printable(
            f"This is the secret of the key {key.id} ({key.name} of {key.user_name}). "
            "It is not shown again: keep it where passwords are kept."
        ),
        err=True,
    )


def print_json(value: Any) -> None:
    """`value` as JSON on standard output; what a terminal would obey is escaped."""
    from pierian.cli.conversations import print_json as escaped

    escaped(value)


def moment_now() -> datetime:
    """The time of day, aware."""
    from datetime import UTC, datetime

    return datetime.now(UTC)


_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_span(text: str) -> timedelta:
    """How long `30d`, `12h`, `45m` or `2w` is; raises `UserError`."""
    from datetime import timedelta

    from pierian.exceptions import UserError

    number, unit = text.strip()[:-1], text.strip()[-1:]
    if not (
        number.isascii() and number.isdigit() and len(number) <= 4 and unit in _UNITS and int(number) > 0
    ):
        raise UserError(f"{text!r} is not a span of time.", hint="For example 30d, 12h, 45m or 2w.")
    return timedelta(**{_UNITS[unit]: int(number)})


def parse_expiry(text: str) -> datetime:
    """The moment of `30d` from now, or the end of a local day such as `2030-12-31`; raises `UserError`."""
    from datetime import date, datetime, time, timedelta

    from pierian.exceptions import UserError

    try:
        day = date.fromisoformat(text.strip())
        return datetime.combine(day + timedelta(days=1), time()).astimezone()
    except (ValueError, OverflowError):
        pass
    try:
        return moment_now() + parse_span(text)
    except UserError as error:
        raise UserError(
            f"{text!r} is not an expiry.",
            hint="For example 30d or 12h from now, or a date such as 2030-12-31, the last day.",
        ) from error
