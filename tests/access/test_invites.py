"""An invitation makes one key, once, whoever else tries at the same moment."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from tests.postgresql import address

from pierian.access import AccessDenied, Grant, Invites, Keys, Passwords, Users
from pierian.access.secret import INVITE_PREFIX, new_secret
from pierian.exceptions import UnknownName, UserError
from pierian.storage import Database

NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


def test_a_partner_makes_a_key(database: Database) -> None:
    invites = Invites(database)
    later = datetime.now(UTC) + HOUR
    grant = Grant(modes=("instant",), requests_per_minute=5, day_cap=10**9)
    invite, code = invites.create("local", grant, "partner", later)
    assert invite.state(datetime.now(UTC)) == "open"
    user, key, secret = invites.accept(code, "Acme", "their key")
    assert (user.name, user.role, key.user, key.name, key.grant) == (
        "Acme",
        "partner",
        user.id,
        "their key",
        grant,
    )
    assert Keys(database).verify(secret).id == key.id
    (used,) = invites.list()
    assert (used.state(datetime.now(UTC)), used.used_by) == ("used", user.id)
    with pytest.raises(UserError, match="used already"):
        invites.revoke(invite.id)


def test_every_refusal_looks_the_same(database: Database) -> None:
    clock = Clock()
    invites = Invites(database, clock=clock)
    codes = {"malformed": "abc", "unknown": new_secret(INVITE_PREFIX).text}
    for reason, lasting in (("expired", HOUR), ("revoked", 2 * HOUR), ("used", 2 * HOUR)):
        invite, codes[reason] = invites.create("local", Grant(), "partner", NOON + lasting)
        if reason == "revoked":
            invites.revoke(invite.id)
    invites.accept(codes["used"], "Ada")
    clock.now = NOON + HOUR
    errors = list[AccessDenied]()
    for reason, code in codes.items():
        with pytest.raises(AccessDenied) as caught:
            invites.accept(code, "Bob")
        assert caught.value.reason == reason
        errors.append(caught.value)
    assert len({(str(error), error.hint) for error in errors}) == 1
    assert [user.name for user in Users(database).list()] == ["Ada"]


def test_a_code_works_until_the_moment_of_its_expiry(database: Database) -> None:
    clock = Clock()
    invites = Invites(database, clock=clock)
    _, code = invites.create("local", Grant(), "partner", NOON + HOUR)
    clock.now = NOON + HOUR - timedelta(microseconds=1)
    invites.accept(code, "Ada")


def test_a_name_that_is_taken_does_not_use_the_code_up(database: Database) -> None:
    Users(database).create("Acme")
    invites = Invites(database)
    _, code = invites.create("local", Grant(), "member", datetime.now(UTC) + HOUR)
    for name in ("ACME", ""):
        with pytest.raises(UserError):
            invites.accept(code, name)
    assert invites.accept(code, "Acme & Sons")[0].role == "member"


def test_what_cannot_be_invited(database: Database) -> None:
    invites = Invites(database, clock=Clock())
    with pytest.raises(UserError, match="not in the future"):
        invites.create("local", Grant(), "partner", NOON)
    with pytest.raises(UnknownName, match="role"):
        invites.create("local", Grant(), "king", NOON + HOUR)  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="invitation"):
        invites.revoke("nothing")
    assert invites.list() == []


def test_two_processes_accept_the_same_code_at_the_same_time(database: Database) -> None:
    later = datetime.now(UTC) + HOUR
    for attempt in range(3):
        _, code = Invites(database).create("local", Grant(), "partner", later)
        processes = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    ACCEPT,
                    address(database),
                    str(database.path),
                    code,
                    f"user {attempt} {n}",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for n in range(3)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        said = sorted(process.communicate()[0] for process in processes)
        assert said == ["accepted\n", "used\n", "used\n"]
        assert len(Users(database).list()) == len(Keys(database).list()) == attempt + 1


ACCEPT = """
import sys
from pathlib import Path
from pierian.access import AccessDenied, Invites
from pierian.storage import open_storage
invites = Invites(open_storage(sys.argv[1], Path(sys.argv[2])))
print("ready", flush=True)
sys.stdin.readline()
try:
    invites.accept(sys.argv[3], sys.argv[4])
    print("accepted")
except AccessDenied as error:
    print(error.reason)
"""


@pytest.mark.usefixtures("quick")
def test_who_joins_has_a_key_that_holds_the_limits(database: Database) -> None:
    invites = Invites(database)
    invite, code = invites.create("local", Grant(), "member", datetime.now(UTC) + HOUR)
    assert invites.open(code).id == invite.id
    Users(database).create("Bob")
    for name, password in (("Bob", "correct horse battery"), ("Ada", "short"), ("", "correct horse battery")):
        with pytest.raises(UserError):
            invites.join(code, name, password)
    user = invites.join(code, "Ada", "correct horse battery")
    assert (user.name, user.role) == ("Ada", "member")
    assert Passwords(database).check("Ada", "correct horse battery") == user
    assert [key.name for key in Keys(database).list()] == ["web"]
    assert invites.list()[0].used_by == user.id
    for act in (invites.open, lambda one: invites.join(one, "Eve", "correct horse battery")):
        with pytest.raises(AccessDenied) as caught:
            act(code)
        assert caught.value.reason == "used"
    assert [one.name for one in Users(database).list()] == ["Bob", "Ada"]
