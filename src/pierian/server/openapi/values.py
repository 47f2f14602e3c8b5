"""What the descriptions of several wire formats share: names of models, efforts, limits, parts of messages.

The parsers read bodies field by field, in an order and with words that no schema could give them; the structs of the
`openapi_…` modules say the same to programs. Nothing is decoded with them. That both agree is what
`tests/server/test_openapi.py` shows, with requests made from the schemas and with real answers.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from pierian.server.call import EFFORTS, MODE_MODELS
from pierian.server.formats import chat_completions as chat
from pierian.server.formats import pictures
from pierian.server.formats import tools as tools_format
from pierian.server.formats.history import MOST_MESSAGES


def one_of(*known: str | None, description: str = "") -> Meta:
    """One of some words."""
    return Meta(extra_json_schema={"enum": list(known)}, description=description or None)


MODES = ", ".join(f"`{name}`" for name in MODE_MODELS)
Text = Annotated[str, Meta(min_length=1)]
ModelName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=500,
        description=f"A mode ({MODES}), or the name of a model of the engine's, as `/v1/models` lists them.",
        examples=list(MODE_MODELS),
    ),
]
Effort = Annotated[
    str | None,
    one_of(
        *EFFORTS,
        None,
        description="How deep to think where the model is `pierian-auto`: "
        + ", ".join(f"`{effort}` is {mode.value}" for effort, mode in EFFORTS.items())
        + ". Any other model decides by its name.",
    ),
]
MostTokens = Annotated[
    int, Meta(ge=1, le=chat.MOST_TOKENS, description="Most tokens to generate, thoughts included.")
]
_DIRECT = "For models by themselves; modes do not follow it and say so in `pierian.ignored`."
Temperature = Annotated[float, Meta(ge=0, le=2, description=_DIRECT)]
Share = Annotated[float, Meta(ge=0, le=1, description=_DIRECT)]
Alternatives = Annotated[int, Meta(ge=0, le=20, description="How many alternatives to tell of each token.")]
Stops = (
    Annotated[str, Meta(min_length=1)]
    | Annotated[
        list[Text], Meta(max_length=chat.MOST_STOPS, description="The answer ends before any of them.")
    ]
)
ToolName = Annotated[
    str,
    Meta(
        pattern=f"^{tools_format.NAME.pattern}$",
        description="Letters, digits, `_` and `-`; no tool choice's name.",
    ),
]
Schema = Annotated[
    dict[str, Any],
    Meta(description="A JSON schema. It may refer to its own parts only (`#/$defs/…`)."),
]
Arguments = Annotated[str, Meta(description="The JSON text of an object, as the model wrote it.")]
DataUrl = Annotated[
    str,
    Meta(
        pattern="^(data:|https?://)",
        description="The picture itself as `data:image/png;base64,…`: "
        + ", ".join(pictures.TYPES)
        + f", at most {pictures.MOST_PICTURE_BYTES // 2**20} MB. An address is fetched only where the server's "
        "settings say so.",
    ),
]
MostTools = Meta(max_length=tools_format.MOST_TOOLS)
Conversation = Meta(min_length=1, max_length=MOST_MESSAGES)
Choice = Annotated[
    str,
    one_of(*tools_format.CHOICES, description="`auto`: the model decides; `required`: it has to call one."),
]


class TextPart(Struct, tag_field="type", tag="text"):
    text: str


class RefusalPart(Struct, tag_field="type", tag="refusal"):
    refusal: str


class FunctionName(Struct):
    name: Text


class PlainFormat(Struct, tag_field="type", tag="text"):
    """Text in any form."""


class ObjectFormat(Struct, tag_field="type", tag="json_object"):
    """Any JSON object."""


class Alternative(Struct):
    token: str
    logprob: Annotated[float, Meta(le=0)]
    bytes: list[int]


class TokenLogprob(Alternative):
    """How likely a token was, and what else might have stood there."""

    top_logprobs: list[Alternative]


Seconds = Annotated[int, Meta(description="Seconds since 1970.")]
Cost = Annotated[float, Meta(description="In the currency of the server's prices.")]


# ---------------------------------------------------------------- errors


class OpenAIFailure(Struct):
    message: Annotated[str, Meta(description="What is wrong and what to do about it, for people.")]
    type: str
    param: Annotated[str | None, Meta(description="The field to change, such as `messages[2].content`.")]
    code: Annotated[
        str | None, Meta(description="The reason, for programs; docs/api.md has a table of them.")
    ]


class OpenAIError(Struct):
    """A request that failed, in OpenAI's format."""

    error: OpenAIFailure


class AnthropicFailure(Struct):
    type: str
    message: Annotated[str, Meta(description="What is wrong and what to do about it, for people.")]


class AnthropicError(Struct):
    """A request that failed, in Anthropic's format."""

    type: Literal["error"]
    error: AnthropicFailure
    request_id: str | None
