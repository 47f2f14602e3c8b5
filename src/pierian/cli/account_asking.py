"""How the commands that link accounts talk to the person: what they ask, and how they show what was found.

With `--yes` nothing is asked: what is missing is an error that names the option. Passwords are typed unseen, or come
from standard input. Nothing here knows protocols.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import typer

from pierian.cli.text import printable

if TYPE_CHECKING:
    from pierian.accounts.account import Switches
    from pierian.accounts.checking import Checked
    from pierian.accounts.scopes import Scope

LONGEST_PASSWORD = 4096


class Guide:
    """Asks a person, or nobody."""

    def __init__(self, *, yes: bool, password_stdin: bool = False) -> None:
        from pierian.exceptions import UserError

        if password_stdin and not yes:
            raise UserError(
                "With --password-stdin all of standard input is the password, so nothing can be asked.",
                hint="Add --yes.",
            )
        self.silent = yes
        self._password_stdin = password_stdin

    def word(self, question: str, option: str, default: str = "") -> str:
        """A word, unless nobody is asked: then it must have come by `option`."""
        from pierian.exceptions import UserError

        if self.silent:
            raise UserError(f"{question} is missing.", hint=f"Give {option}.")
        return str(typer.prompt(question, default=default or None)).strip()

    def allowed(self, question: str, *, default: bool = False) -> bool:
        """Whether the person says yes; `default` where nobody is asked."""
        return default if self.silent else typer.confirm(printable(question), default=default)

    def agree(self, question: str) -> None:
        """Go on only if the person agrees; ends the command with "Nothing was changed." otherwise."""
        if not self.silent:
            typer.confirm(printable(question), default=True, abort=True)

    def password(self, question: str) -> str:
        """A password: typed unseen, or all that stands on standard input."""
        from pierian.exceptions import UserError

        if self._password_stdin:
            text = sys.stdin.read(LONGEST_PASSWORD + 1).rstrip("\r\n")
        elif self.silent:
            raise UserError("The password is missing.", hint="Add --password-stdin and write it there.")
        else:
            text = str(typer.prompt(printable(question), hide_input=True))
        if not text or len(text) > LONGEST_PASSWORD or any(c in "\r\n\0" for c in text):
            raise UserError("This is no password.", hint="It is one line, and not empty.")
        return text

    def switches(self, wanted: Switches, questions: Sequence[tuple[str, str]]) -> Switches:
        """What the account may be used for: as the options say, and where none was given as the person says.

        `questions` are those that fit the account: pairs of a switch and its question.
        """
        from pierian.accounts.account import Switches

        if self.silent or wanted != Switches() or not questions:
            return wanted
        say("It may read. Each of the following can be changed later with `pierian accounts switch`.")
        answers = {switch: self.allowed(question) for switch, question in questions}
        return Switches(**answers)


def say(text: str, *, style: str = "") -> None:
    """A line for the person, on standard error: what a script reads is the end of the command alone."""
    dim = style == "dim"
    typer.secho(printable(text), err=True, dim=dim or None, fg=None if dim else style or None)


def show_rows(rows: Iterable[tuple[str, str]]) -> None:
    """Pairs, in two columns."""
    listed = list(rows)
    width = max((len(left) for left, _ in listed), default=0)
    for left, right in listed:
        say(f"  {left:<{width}}  {right}")


def show_scopes(scopes: Sequence[Scope], name: str) -> None:
    """Which permissions are asked for, and why."""
    say(f"{name} will be asked for:")
    show_rows((one.name, one.why) for one in scopes)


def show_checks(checked: Iterable[Checked]) -> None:
    """What works and what not."""
    from pierian.accounts.checking import NAMES

    for one in checked:
        good = one.code is None
        say(f"  {'✓' if good else '✗'} {NAMES[one.service.kind]}: {one.says}", style="" if good else "red")
        if one.hint:
            say(f"    {one.hint}", style="dim")


def in_words(switches: Switches) -> str:
    """What an account may be used for."""
    allowed = [name for name in ("read", "write", "send") if getattr(switches, name)]
    words = ", ".join(allowed) or "nothing"
    return f"{words} (calendars: free/busy only)" if switches.free_busy_only else words


def where_the_key_is() -> str:
    """Where the key lies that seals passwords."""
    from pierian.accounts import secrets

    return "the system's keyring" if secrets.where() == "keyring" else str(secrets.key_file())
