"""`pierian users`, `keys` and `invites` as an operator and a partner use them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pierian.access import AccessDenied, Grant, Key, Keys
from pierian.cli import invites, keys, users
from pierian.cli.app import run as run_line
from pierian.config import paths
from pierian.exceptions import UnknownName, UserError
from pierian.storage import open_database


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def run(command: str, *words: str, typed: str = "") -> Result:
    app = {"keys": keys.app, "users": users.app, "invites": invites.app}[command]
    return CliRunner().invoke(app, words, input=typed, catch_exceptions=False)


def verified(secret: str) -> Key:
    with open_database(paths().database) as database:
        return Keys(database).verify(secret)


@pytest.fixture
def made() -> tuple[str, str]:
    """A key of Ada's: its id and its secret."""
    run("users", "create", "Ada")
    secret = run("keys", "create", "--user", "ada", "--name", "laptop").stdout.strip()
    return verified(secret).id, secret


def test_a_key_from_the_first_command_to_the_last(made: tuple[str, str]) -> None:
    key, secret = made
    listed = run("keys", "list").stdout
    assert key in listed
    assert "active" in listed
    assert secret[:14] in listed
    assert secret not in listed
    rotated = run("keys", "rotate", key[:20])
    new = rotated.stdout.strip()
    assert "It is not shown again" in rotated.stderr
    assert verified(new).id == key
    with pytest.raises(AccessDenied):
        verified(secret)
    assert f"{key} (laptop of Ada) no longer works" in run("keys", "revoke", key).stdout
    assert "revoked" in run("keys", "list").stdout
    with pytest.raises(AccessDenied):
        verified(new)


def test_everything_a_key_may_be_limited_by() -> None:
    run("users", "create", "Ada")
    words = "--mode instant --mode thinking --model small --requests-per-minute 60 --tokens-per-minute 1000"
    words += " --concurrent 2 --day-cap 2.50 --month-cap 20 --expires 2100-12-31"
    done = run("keys", "create", "--user", "Ada", *words.split(), "--json")
    entry = json.loads(done.stdout)
    expires = datetime(2101, 1, 1).astimezone()
    grant = Grant(("instant", "thinking"), ("small",), 60, 1_000, 2, 25 * 10**8, 20 * 10**9, expires)
    assert verified(entry["secret"]).grant == grant
    assert (entry["grant"]["day_cap"], entry["user_name"]) == (2.5, "Ada")
    shown = run("keys", "show", entry["id"]).stdout
    assert (
        "instant, thinking; models small; 60 requests a minute; 1,000 tokens a minute; 2 at the same time"
        in shown
    )
    assert "2.50 a day; 20.00 a month; until 2101-01-01 00:00" in shown
    assert "0.00 in 0 requests" in shown
    as_json = json.loads(run("keys", "show", entry["id"], "--json").stdout)
    assert as_json["used"] == {"day_requests": 0, "day_money": 0.0, "month_requests": 0, "month_money": 0.0}
    assert "secret" not in as_json
    (listed,) = json.loads(run("keys", "list", "--user", "ada", "--json").stdout)
    assert listed["id"] == entry["id"]


def test_changing_limits_leaves_the_others(made: tuple[str, str]) -> None:
    key, secret = made
    run("keys", "change", key, "--day-cap", "1", "--concurrent", "3")
    said = run("keys", "change", key, "--concurrent", "5", "--mode", "instant", "--expires", "30d").stdout
    assert "now allows instant; no models by themselves; 5 at the same time; 1.00 a day; until" in said
    grant = verified(secret).grant
    assert (grant.day_cap, grant.concurrent, grant.modes) == (10**9, 5, ("instant",))
    run("keys", "change", key, "--clear", "day-cap", "--clear", "mode", "--clear", "expires")
    assert verified(secret).grant == Grant(concurrent=5)
    with pytest.raises(UnknownName):
        run("keys", "change", key, "--clear", "night-cap")


def test_rotation_with_grace(made: tuple[str, str]) -> None:
    key, secret = made
    new = json.loads(run("keys", "rotate", key, "--grace", "1h", "--json").stdout)["secret"]
    assert verified(secret).id == verified(new).id == key


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--day-cap", "much"),
        ("--day-cap", "-1"),
        ("--concurrent", "0"),
        ("--mode", "deep"),
        ("--expires", "yesterday"),
        ("--expires", "2020-01-01"),
        ("--expires", "0d"),
        ("--expires", "99999d"),
        ("--expires", "٣d"),
    ],
)
def test_what_cannot_be_meant_makes_no_key(option: str, value: str) -> None:
    run("users", "create", "Ada")
    with pytest.raises(UserError):
        run("keys", "create", "--user", "Ada", f"{option}={value}")
    assert "There are no keys yet" in run("keys", "list").stdout


def test_spans_and_expiries() -> None:
    assert keys.parse_span("45m") == timedelta(minutes=45)
    assert keys.parse_span(" 2w ") == timedelta(weeks=2)
    in_a_month = keys.parse_expiry("30d") - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < in_a_month <= timedelta(days=30)


def test_nobody_and_nothing_yet() -> None:
    assert "pierian users create NAME" in run("users", "list").stdout
    assert "pierian invites create" in run("invites", "list").stdout
    assert json.loads(run("users", "list", "--json").stdout) == []
    assert run_line(["keys", "create", "--user", "Ada"]) == 2
    assert run_line(["keys", "revoke", "nothing"]) == 2


def test_users() -> None:
    said = run("users", "create", "Acme [bold]Corp[/bold]", "--role", "Partner").stdout
    assert re.fullmatch(r"[0-9a-z]{26}  Acme \[bold\]Corp\[/bold\] \(partner\)\n", said)
    user = said[:26]
    assert "Acme [bold]Corp[/bold]" in run("users", "list").stdout
    assert "now called Acme" in run("users", "rename", user, "Acme").stdout
    run("users", "disable", "acme")
    assert "disabled" in run("users", "list").stdout
    run("users", "enable", "acme")
    assert "disabled" not in run("users", "list").stdout
    with pytest.raises(UnknownName, match="role"):
        run("users", "create", "Bob", "--role", "king")
    assert run("users", "delete", "acme", typed="n\n").exit_code == 1
    assert "Acme" in run("users", "list").stdout
    assert run("users", "delete", "acme", "--yes").stdout == "Deleted.\n"
    assert "no users yet" in run("users", "list").stdout


def test_a_partner_makes_their_own_key() -> None:
    made = run("invites", "create", "--day-cap", "5", "--expires", "7d", "--key-expires", "2100-01-01")
    code = made.stdout.strip()
    assert "It is not shown again, works once" in made.stderr
    listed = run("invites", "list").stdout
    assert "open" in listed
    assert "5.00 a day; until 2100-01-02" in listed
    assert code not in listed
    accepted = run("invites", "accept", "--user", "Acme", typed=f"{code}\n")
    secret = accepted.stdout.splitlines()[-1]
    key = verified(secret)
    assert (key.user_name, key.role, key.grant.day_cap) == ("Acme", "partner", 5 * 10**9)
    assert "It is not shown again" in accepted.stderr
    assert "used" in run("invites", "list").stdout
    with pytest.raises(AccessDenied):
        run("invites", "accept", "--user", "Other", "--code", code)


def test_an_invitation_can_be_taken_back() -> None:
    made = json.loads(run("invites", "create", "--json").stdout)
    assert "no longer works" in run("invites", "revoke", made["id"]).stdout
    with pytest.raises(AccessDenied):
        run("invites", "accept", "--user", "Acme", "--code", made["code"])
    (listed,) = json.loads(run("invites", "list", "--json").stdout)
    assert listed["revoked_at"]
