"""The OpenAPI document is complete and true: requests made from it are answered as it says, real answers fit it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.openapi.checks import *
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.server.running import Running, running

from pierian.models.wire import CallPiece, Piece, Request
from pierian.server.application import build
from pierian.testing import FunctionalModel


def _document(*, keyless: bool = False) -> Any:
    service = cast(Any, SimpleNamespace(metrics=None, keyless=keyless))
    edge = build(service, cast(Any, None), hosts=())
    return json.loads(cast(Any, edge)._application.state.openapi)


DOCUMENT = _document()
CONVERSATIONS = {"createChatCompletion", "createResponse", "createMessage"}
"""In which one message depends on another, which no schema can say: what fits the schema may be refused."""
CONFIG = schemathesis.config.SchemathesisConfig.from_dict(
    {
        "seed": 1,
        "generation": {"max-examples": 30, "deterministic": True},
        # 422 is for an Idempotency-Key that came before with another body, as keys that are made at random do.
        "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
        "phases": {"coverage": {"generate-duplicate-query-parameters": False}},
    }
)
ACCEPTED = ["2xx", 401, 403, 404, 409, 422, 429]


def label(case: Any) -> str:
    return case.operation.definition.raw["operationId"]


schema = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)


def reply(request: Request) -> Any:
    if request.schema is not None:
        return '{"name": "fox"}'
    if request.tools and request.messages[-1].role != "tool":
        return [CallPiece(0, "call_1", "weather", ""), CallPiece(0, arguments='{"city": "Oslo"}')]
    return [Piece("Hm. ", thought=True), Piece("A fox "), Piece("ran.")]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIERIAN_HOME", str(tmp_path_factory.mktemp("home")))
        with running(FunctionalModel(reply, name="small")) as one:
            yield one


@schema.parametrize()
def test_requests_made_from_the_document_are_answered_as_it_says(case: Any, api: Running) -> None:
    case.call_and_validate(
        base_url=api.address, headers={"Authorization": f"Bearer {api.secret}"}, timeout=20,
        excluded_checks=[positive_data_acceptance] if label(case) in CONVERSATIONS else [],
    )
