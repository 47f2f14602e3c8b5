"""Checks values against the JSON schemas of tools, which other people may have written, within bounds.

A schema comes from somebody else, and a check of it is a small program: regular expressions that never end,
references that double at each step, references to the network. Here references stay inside the schema, a check has a
bounded computing time, and the keywords whose single step can be unbounded (regular expressions, uniqueness) are left
to whoever declares them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any, cast

Check = Callable[[Any], str]
"""What is wrong with a value, empty if nothing is."""

CHECK_SECONDS = 1.0
"""Computing time of one check."""
_UNBOUNDED = ("pattern", "patternProperties", "uniqueItems", "unevaluatedProperties", "unevaluatedItems")
_MOST_CHARACTERS = 300

_deadline: ContextVar[float] = ContextVar("deadline of the check in progress")


class SchemaUnusable(Exception):
    """The schema is not valid, refers to something outside, or cannot be checked in time."""


def compiled(schema: Mapping[str, Any]) -> Check:
    """A check of values; raises `SchemaUnusable`, now or when a value is checked."""
    from jsonschema import exceptions
    from referencing import Registry

    kind = _bounded("draft-07" in str(schema.get("$schema", "")))
    try:
        kind.check_schema(dict(schema))
        validator = kind(dict(schema), registry=cast(Any, Registry)())
    except exceptions.SchemaError as error:
        raise SchemaUnusable(error.message[:_MOST_CHARACTERS]) from error
    except (
        Exception
    ) as error:  # a library fed with somebody's schema: whatever it raises, the schema is no use
        raise SchemaUnusable(f"{type(error).__name__}: {error}"[:_MOST_CHARACTERS]) from error

    def check(value: Any) -> str:
        token = _deadline.set(time.thread_time() + CHECK_SECONDS)
        try:
            error = next(validator.iter_errors(value), None)
        except SchemaUnusable:
            raise
        except Exception as error:  # as above
            raise SchemaUnusable(f"{type(error).__name__}: {error}"[:_MOST_CHARACTERS]) from error
        finally:
            _deadline.reset(token)
        if error is None:
            return ""
        place = ".".join(str(part) for part in error.absolute_path)
        return f"{place}: {error.message}" if place else error.message

    return check


@cache
def _bounded(draft_7: bool) -> Any:
    """A validator class that looks at the clock at each step and skips the unbounded keywords."""
    import jsonschema
    from jsonschema import validators

    base: Any = jsonschema.Draft7Validator if draft_7 else jsonschema.Draft202012Validator
    own: dict[str, Any] = {name: _timed(keyword) for name, keyword in base.VALIDATORS.items()}
    own |= dict.fromkeys(_UNBOUNDED, _skipped)
    own["additionalProperties"] = _without_patterns(own["additionalProperties"])
    bounded: Any = cast(Any, validators).extend(base, own)
    bounded.check_schema = base.check_schema  # the metaschema is not the server's: all of it is checked
    return bounded


def _without_patterns(additional: Callable[..., Any]) -> Callable[..., Any]:
    """Which properties are additional depends on the patterns; where there are any, that is left open too."""

    def run(checker: Any, value: Any, instance: Any, schema: Any) -> Any:
        return () if "patternProperties" in schema else additional(checker, value, instance, schema)

    return run


def _timed(keyword: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    def run(checker: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if time.thread_time() > _deadline.get():
            raise SchemaUnusable(f"checking took longer than {CHECK_SECONDS:g} s")
        for error in keyword(checker, value, instance, schema) or ():
            # The message repeats the value, which may be large, and branches keep all of their errors.
            error.message = error.message[:_MOST_CHARACTERS]
            yield error

    return run


def _skipped(_checker: Any, _value: Any, _instance: Any, _schema: Any) -> tuple[()]:
    return ()
