"""`pierian users link` gives a user a way in, once."""

from __future__ import annotations

from click.testing import Result
from typer.testing import CliRunner

from pierian.access import Links
from pierian.cli import users
from pierian.cli.app import run as run_line
from pierian.config import paths
from pierian.storage import Conversations, open_database


def test_a_link_for_somebody_who_forgot_their_password() -> None:
    CliRunner().invoke(users.app, ["create", "Ada"], catch_exceptions=False)
    made = CliRunner().invoke(users.app, ["link", "ada", "--hours", "2"], catch_exceptions=False)
    path = made.stdout.strip()
    assert path.startswith("/welcome/pierian-link-")
    assert "Put the server's address in front of it and give it to Ada" in made.stderr
    assert "for 2 hours" in made.stderr
    with open_database(paths().database) as database:
        assert Links(database).open(path.removeprefix("/welcome/")).name == "Ada"
    assert run_line(["users", "link", "nobody"]) == 2
    assert run_line(["users", "link", "Ada", "--hours", "0"]) == 2


def test_what_owners_asked_goes_with_the_last_of_them_and_it_says_so() -> None:
    def line(*arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(users.app, [*arguments], input=typed, catch_exceptions=False)

    for name in ("Ada", "Bob"):
        line("create", name, "--role", "owner")
    with open_database(paths().database) as database:
        Conversations(database).create("Pens")
    first = line("delete", "Ada", typed="y\n")
    assert "at the terminal" not in first.stdout
    assert "and stays" in first.stderr
    last = line("delete", "Bob", typed="y\n")
    assert "Delete Bob and all that is theirs, with what was asked at the terminal, for good?" in last.stdout
    assert last.stderr == ""
    with open_database(paths().database) as database:
        assert Conversations(database).count() == 0
