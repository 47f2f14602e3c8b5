"""The shape of a result whose labels a tool sets itself.

A function that returns `Labelled` hides from its signature what is inside; a plan that uses a field of the result
needs to know. This only states the shape, it checks nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pierian.tools.tool import Tool


def returning(kind: Any) -> Callable[[Tool], Tool]:
    """Give a tool the JSON schema of `kind`, the value inside its `Labelled` result."""

    def shaped(made: Tool) -> Tool:
        return msgspec.structs.replace(made, result=msgspec.json.schema(kind))

    return shaped
