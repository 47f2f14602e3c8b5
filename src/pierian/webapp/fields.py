"""Forms that come back: what was typed stays, and at each field stands what is wrong with it.

`Reader` reads a form field by field and goes on where one is wrong, so that all that is wrong is said at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import Struct, field

from pierian.exceptions import UserError
from pierian.metering import parse_money
from pierian.webapp.forms import Form

Read = TypeVar("Read")


class Filled(Struct, frozen=True):
    """A form as its page shows it; nothing is typed and nothing wrong until somebody has sent it."""

    form: Form = Form({})
    problems: Mapping[str, str] = field(default_factory=dict[str, str])
    """What is wrong, by the names of the fields."""
    error: str = ""
    """What is wrong with the form as a whole."""
    hint: str = ""

    @property
    def wrong(self) -> bool:
        """Whether it has to be put right."""
        return bool(self.problems or self.error)


class Reader:
    """Reads the fields of a form; `problems` has what was wrong, by their names."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.problems: dict[str, str] = {}

    def take(self, name: str, read: Callable[[], Read], otherwise: Read) -> Read:
        """What `read` makes of a field; `otherwise` where it refuses, and then the reason is kept."""
        try:
            return read()
        except UserError as error:
            self.problems[name] = f"{error} {error.hint}".strip()
            return otherwise

    def number(self, name: str, what: str) -> int | None:
        """A whole number of at least one; None where the field is empty or wrong."""
        return self.take(name, lambda: self.form.number(name, what), None)

    def amount(self, name: str, what: str) -> float | None:
        """A number above zero; None where the field is empty or wrong."""
        return self.take(name, lambda: self.form.amount(name, what), None)

    def money(self, name: str) -> int | None:
        """Money in billionths; None where the field is empty or wrong."""
        given = self.form.text(name)
        return self.take(name, lambda: parse_money(given), None) if given else None

    def filled(self, error: UserError | None = None) -> Filled:
        """The form with what is wrong, as it goes back to its page."""
        told = ("", "") if error is None else (str(error), error.hint)
        return Filled(self.form, self.problems, *told)
