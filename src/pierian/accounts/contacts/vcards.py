"""What a vCard says of a person, of versions 2.1, 3.0 and 4.0.

`icalendar` cuts a card into lines, their parameters and values; a line that it cannot read is left out, and the
others stand. What only 2.1 has (parameters without a name, quoted-printable) is put into the words of 3.0 before.
Pictures, sounds and keys are dropped. Nothing here writes cards.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator

from icalendar.parser import Contentline, Contentlines
from icalendar.parser.property import (
    split_on_unescaped_comma,
    split_on_unescaped_semicolon,
    unescape_backslash,
)
from msgspec import Struct

from pierian.storage.words import clean, fold

LONGEST_TEXT = 2_000
"""Of a name, an organisation or a note: what is longer is cut."""
MOST_VALUES = 100
"""Of one kind in one card."""

_BULKY = ("PHOTO", "LOGO", "SOUND", "KEY")
_ENCODINGS = ("QUOTED-PRINTABLE", "BASE64", "7BIT", "8BIT")


class Card(Struct, frozen=True, kw_only=True):
    """What a card says, cleaned but not folded."""

    uid: str = ""
    name: str = ""
    nicknames: tuple[str, ...] = ()
    organisation: str = ""
    note: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    data: str = ""
    """The card without its pictures."""

    @property
    def says_anything(self) -> bool:
        """Whether somebody could be found by it."""
        return bool(self.name or self.emails or self.phones)


def read_card(text: str) -> Card:
    """What the first card in `text` says; one without name and addresses where it is none."""
    values: dict[str, list[str]] = {}
    kept = list[str]()
    for name, value, line in _lines(text):
        if name not in _BULKY:
            kept.append(line)
            values.setdefault(name, []).append(value)
        if name == "END":
            break
    if "BEGIN" not in values or values["BEGIN"][0].strip().upper() != "VCARD":
        return Card()
    organisation = ", ".join(_parts(_first(values, "ORG")))
    emails = (_address(one) for one in values.get("EMAIL", ())[:MOST_VALUES])
    phones = (phone(one) for one in values.get("TEL", ())[:MOST_VALUES])
    name = unescape_backslash(_first(values, "FN")) or _structured(_first(values, "N"))
    nicknames = (one for value in values.get("NICKNAME", ()) for one in split_on_unescaped_comma(value))
    said = dict.fromkeys(tidy(one) for one in nicknames)
    return Card(
        uid=clean(_first(values, "UID").strip())[:LONGEST_TEXT],
        name=tidy(name or organisation),
        nicknames=tuple(one for one in said if one)[:MOST_VALUES],
        organisation=tidy(organisation),
        note=tidy(unescape_backslash(_first(values, "NOTE"))),
        emails=tuple(dict.fromkeys(one for one in emails if one)),
        phones=tuple(dict.fromkeys(one for one in phones if one)),
        data=clean("\r\n".join(kept)),
    )


def phone(text: str) -> str:
    """The digits of a telephone number, with the plus in front where there is one; empty where there are none."""
    number = re.sub(r"^tel:", "", text.strip(), flags=re.IGNORECASE).partition(";")[0]
    digits = re.sub(r"\D", "", number)
    return f"+{digits}" if digits and number.lstrip().startswith("+") else digits


def tidy(text: str) -> str:
    """A short text on one line."""
    return clean(" ".join(text.split()))[:LONGEST_TEXT]


def _lines(text: str) -> Iterator[tuple[str, str, str]]:
    """Name, value and the whole of each line that can be read; values are escaped as they were."""
    old = "VERSION:2.1" in text.upper()
    lines: list[Contentline] = Contentlines.from_ical(_joined(text) if old else text)  # pyright: ignore[reportUnknownMemberType]
    for line in lines:
        try:
            name, parameters, value = Contentline(_named(line) if old else line).raw_parts()
            if parameters.get("ENCODING", "").upper() == "QUOTED-PRINTABLE":
                # In a value of 2.1 a backslash before anything but a semicolon is meant.
                value = quopri.decodestring(value.encode()).decode(
                    parameters.get("CHARSET", "utf-8"), "replace"
                )
        except (ValueError, LookupError):  # no line of a card, or in no charset that there is
            continue
        yield name.rpartition(".")[2].upper(), value, line


def _joined(text: str) -> str:
    """A card of 2.1 whose quoted-printable lines go on with the next one where they end with `=`."""
    lines = list[str]()
    goes_on = False
    for line in re.split(r"\r\n|\n|\r", text.rstrip("\r\n")):
        if goes_on:
            lines[-1] = lines[-1].removesuffix("=")
            lines[-1] += line
        else:
            lines.append(line)
        quoted = goes_on or "QUOTED-PRINTABLE" in line.partition(":")[0].upper()
        goes_on = quoted and line.endswith("=")
    return "\r\n".join(lines)


def _named(line: str) -> str:
    """A line of 2.1 with a name before each parameter."""
    head, colon, value = line.partition(":")
    name, *parameters = head.split(";")
    full = (
        one if "=" in one else f"{'ENCODING' if one.upper() in _ENCODINGS else 'TYPE'}={one}"
        for one in parameters
        if one
    )
    return f"{';'.join([name, *full])}{colon}{value}"


def _first(values: dict[str, list[str]], name: str) -> str:
    return next((one for one in values.get(name, ()) if one.strip()), "")


def _parts(structured: str) -> list[str]:
    """The parts of a value with semicolons, the empty ones left out."""
    return [part for one in split_on_unescaped_semicolon(structured) if (part := one.strip())]


def _structured(name: str) -> str:
    """A name out of family name, given names and titles, as one says it."""
    parts = [" ".join(split_on_unescaped_comma(one)) for one in split_on_unescaped_semicolon(name)]
    family, given, further, before, behind = (*parts, "", "", "", "", "")[:5]
    return " ".join(part.strip() for part in (before, given, further, family, behind) if part.strip())


def _address(value: str) -> str:
    address = fold(clean(re.sub(r"^mailto:", "", unescape_backslash(value).strip(), flags=re.IGNORECASE)))
    return address if "@" in address and len(address) <= 320 and " " not in address else ""
