"""Reads a request's body field by field: a field of the wrong type or out of range is an `ApiError` that names it.

JSON's null counts as left out, as OpenAI's clients mean it. Fields that nobody asks for are ignored. What the fields
mean is for the modules of the formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import msgspec

from pierian.server.errors import ApiError

MOST_NESTED = 100
"""Objects and lists within each other; the deepest schemas that people write have some twenty."""
_KINDS: dict[Any, str] = {
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}
_DECODER = msgspec.json.Decoder()


def wrong(param: str, message: str, *, code: str = "invalid_value") -> ApiError:
    """A request that is to be changed at `param`."""
    return ApiError(400, message, code=code, param=param or None)


def unsupported(param: str, what: str, instead: str) -> ApiError:
    """A request for something that changes the answer and that this server does not do."""
    return wrong(param, f"{what} not supported by this server. {instead}", code="unsupported_parameter")


class Fields:
    """One JSON object of the body and its place there."""

    __slots__ = ("_found", "where")

    def __init__(self, found: Mapping[str, Any], where: str = "") -> None:
        self._found = found
        self.where = where

    def path(self, name: str) -> str:
        """The place of a field, such as `messages[0].content`."""
        return f"{self.where}.{name}" if self.where else name

    def get(self, name: str) -> Any:
        """The field as it was decoded; None where it is null or left out."""
        return self._found.get(name)

    def mapping(self) -> Mapping[str, Any]:
        """The whole object as it was decoded."""
        return self._found

    def missing(self, name: str, expected: str) -> ApiError:
        return wrong(
            self.path(name), f"'{self.path(name)}' is missing: send {expected}.", code="missing_parameter"
        )

    def mistyped(self, name: str, expected: str) -> ApiError:
        kind = _KINDS.get(cast(Any, type(self.get(name))), "null")
        return wrong(self.path(name), f"'{self.path(name)}' is {kind}: send {expected}.", code="invalid_type")

    def text(self, name: str, *, most: int = 0) -> str | None:
        """A text of at most `most` characters; 0 for any length."""
        found = self.get(name)
        if found is None or (isinstance(found, str) and (not most or len(found) <= most)):
            return found
        if isinstance(found, str):
            raise wrong(self.path(name), f"'{self.path(name)}' is too long: send at most {most} characters.")
        raise self.mistyped(name, "a text")

    def needed(self, name: str, *, most: int = 0) -> str:
        """A text that must be there and not be empty."""
        if not (found := self.text(name, most=most)):
            raise self.missing(name, "a text that is not empty")
        return found

    def choice(self, name: str, known: Iterable[str]) -> str | None:
        """One of the known words."""
        found = self.text(name)
        if found is not None and found not in known:
            raise wrong(
                self.path(name), f"'{self.path(name)}' is {shown(found)}: send one of {', '.join(known)}."
            )
        return found

    def flag(self, name: str) -> bool | None:
        found = self.get(name)
        if found is not None and not isinstance(found, bool):
            raise self.mistyped(name, "true or false")
        return found

    def integer(self, name: str, low: int, high: int) -> int | None:
        found = self.get(name)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int):
            raise self.mistyped(name, f"a whole number from {low} to {high}")
        return self._within(name, found, low, high)

    def number(self, name: str, low: float, high: float) -> float | None:
        found = self.get(name)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise self.mistyped(name, f"a number from {low:g} to {high:g}")
        return float(self._within(name, found, low, high))

    def nested(self, name: str) -> Fields | None:
        """The object in that field."""
        found = self.get(name)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise self.mistyped(name, "an object")
        return Fields(cast(dict[str, Any], found), self.path(name))

    def listed(self, name: str) -> list[Any] | None:
        found = self.get(name)
        if found is not None and not isinstance(found, list):
            raise self.mistyped(name, "a list")
        return cast(list[Any] | None, found)

    def each(self, name: str) -> Iterator[Fields]:
        """The objects of a list, none where it is left out."""
        return objects(self.listed(name) or (), self.path(name))

    def texts(self, name: str, *, most: int) -> tuple[str, ...]:
        """One text or a list of texts, none of them empty."""
        found = self.get(name)
        if found is None:
            return ()
        several = cast(list[Any], found if isinstance(found, list) else [found])
        if len(several) > most:
            raise wrong(
                self.path(name), f"'{self.path(name)}' holds {len(several)} texts: send at most {most}."
            )
        for text in several:
            if not isinstance(text, str) or not text:
                raise wrong(self.path(name), f"'{self.path(name)}' must hold texts that are not empty.")
        return tuple(several)

    def refuse(self, names: Mapping[str, str]) -> None:
        """Raise for a field that is there and not supported; each name comes with what to do instead."""
        for name, instead in names.items():
            if (found := self.get(name)) is not None and found is not False and found not in ([], {}, ""):
                raise unsupported(self.path(name), f"'{self.path(name)}' is", instead)

    def _within(self, name: str, found: Any, low: Any, high: Any) -> Any:
        if not low <= found <= high:
            message = f"'{self.path(name)}' is {shown(found)}: send a number from {low:g} to {high:g}."
            raise wrong(self.path(name), message)
        return found


def objects(found: Iterable[Any], where: str) -> Iterator[Fields]:
    """The objects of a list that stands at `where`."""
    for index, entry in enumerate(found):
        place = f"{where}[{index}]"
        if not isinstance(entry, dict):
            raise wrong(place, f"'{place}' must be an object.", code="invalid_type")
        yield Fields(cast(dict[str, Any], entry), place)


def decoded(body: bytes) -> Fields:
    """The body of a request, which must be a JSON object."""
    try:
        found: Any = _DECODER.decode(body)
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ApiError(400, f"The body is not JSON: {error}.", code="invalid_json") from None
    if not isinstance(found, dict):
        raise ApiError(400, "The body must be a JSON object.", code="invalid_json")
    level: list[Any] = [found]
    for _ in range(MOST_NESTED):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return Fields(cast(dict[str, Any], found))
    raise _too_deep()


def json_object(text: str) -> dict[str, Any] | None:
    """The object that a JSON text stands for; None where it stands for anything else."""
    try:
        found: Any = _DECODER.decode(text)
    except (RecursionError, msgspec.MsgspecError, UnicodeError):
        return None
    return cast(dict[str, Any], found) if isinstance(found, dict) else None


def shown(value: object) -> str:
    """A value of the client's within a sentence."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [inner for inner in cast(dict[str, Any], value).values() if isinstance(inner, dict | list)]
    return [inner for inner in cast(list[Any], value) if isinstance(inner, dict | list)]


def _too_deep() -> ApiError:
    return ApiError(400, f"The body is nested more than {MOST_NESTED} deep.", code="invalid_json")
