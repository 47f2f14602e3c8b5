"""Test doubles for models, for the tests of whoever builds on Pierian.

    from pierian.testing import ScriptedModel, serve

    async with serve(ScriptedModel("Four.")) as server:
        settings = Settings(base_url=server.base_url, model="scripted")

A double stands where a `Model` stands: `AutomaticModel` gives schema-valid data, `FunctionalModel` asks your
function, `ScriptedModel` plays a strict queue. `serve` puts any of them behind a real loopback socket in the
OpenAI wire format, well behaved or with the faults that you ask for. Nothing in the package imports this.
"""

from pierian.testing.automatic import AutomaticModel
from pierian.testing.double import Double, Reply
from pierian.testing.examples import NoExample, example
from pierian.testing.faults import (
    CloseMidStream,
    ErrorMidStream,
    Fault,
    Garbage,
    IgnoreSchema,
    InvalidText,
    NotAStream,
    NoUsage,
    Overflow,
    Refuse,
    Silence,
)
from pierian.testing.functional import FunctionalModel
from pierian.testing.monitoring import Kind
from pierian.testing.scripted import ScriptedModel, UnexpectedCall, UnusedReplies
from pierian.testing.server import ModelServer, Received, serve, serve_in_thread

__all__ = [
    "AutomaticModel",
    "CloseMidStream",
    "Double",
    "ErrorMidStream",
    "Fault",
    "FunctionalModel",
    "Garbage",
    "IgnoreSchema",
    "InvalidText",
    "Kind",
    "ModelServer",
    "NoExample",
    "NoUsage",
    "NotAStream",
    "Overflow",
    "Received",
    "Refuse",
    "Reply",
    "ScriptedModel",
    "Silence",
    "UnexpectedCall",
    "UnusedReplies",
    "example",
    "serve",
    "serve_in_thread",
]
