"""The format of embeddings, as OpenAI's own client writes and reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.server.official_clients import Server

from pierian.server.errors import ApiError
from pierian.server.formats.embeddings import Parsed, parse, whole

VECTORS = [[0.5, -0.25], [1.0, 0.0]]


@pytest.mark.parametrize("encoding", ["float", None])
def test_the_client_reads_vectors(encoding: Any) -> None:
    asked = {} if encoding is None else {"encoding_format": encoding}
    server = Server(whole(Parsed("m", ("a", "b"), "float"), VECTORS, 7))
    server.openai.embeddings.create(model="m", input=["a", "b"], **asked)
    understood = parse(server.bodies[0])
    assert understood == Parsed("m", ("a", "b"), "float" if encoding else "base64")
    client = Server(whole(understood, VECTORS, 7)).openai
    client._strict_response_validation = False  # it would look before the client has decoded base64
    made = client.embeddings.create(model="m", input=["a", "b"], **asked)
    assert [entry.embedding for entry in made.data] == VECTORS
    assert made.usage.total_tokens == 7


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": [1, 2]}, "input"),
        ({"input": [[1, 2]]}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"model": None}, "model"),
        ({"dimensions": 2}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
    ],
)
def test_a_request_that_is_wrong_is_refused_by_the_name_of_the_field(
    fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(ApiError) as refused:
        parse(json.dumps({"model": "m", "input": "a"} | fields).encode())
    assert (refused.value.status, refused.value.param) == (400, param)
