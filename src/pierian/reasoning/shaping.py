"""An answer in a form that the asker gave as a JSON schema.

Instant writes it at once, decoded under the schema. The deeper modes first answer in words, as they always do; what
they came to is then written into the form, so that reasoning is not squeezed into braces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import structs

from pierian.exceptions import QuestionError, SchemaIgnored
from pierian.models.structured import decoded
from pierian.models.wire import Message, Request
from pierian.reasoning.payment import payment_of
from pierian.reasoning.run import Draft, Run
from pierian.reasoning.values import FinalValue
from pierian.tools.schema import SchemaUnusable, compiled

MOST_TOKENS = 2000
LEAST_TOKENS = 50
"""Fewest tokens with which a form is worth asking for; askers allow fewer than the largest takes."""


async def shape(run: Run, schema: Mapping[str, Any]) -> None:
    """Make the run's answer JSON text that fits `schema`; the result is `run.chosen`.

    Raises:
        QuestionError: The schema cannot be used.
        SchemaIgnored: The model did not keep to it, even after one repair.
    """
    try:
        wrong_with = compiled(schema)
    except SchemaUnusable as error:
        raise _refused(error) from error

    unusable: list[SchemaUnusable] = []

    def read(text: str) -> str:
        value = msgspec.json.decode(text)
        try:
            found = wrong_with(value)
        except SchemaUnusable as error:  # no fault of the model's, which is not asked again for it
            unusable.append(error)
            return ""
        if found:
            raise SchemaIgnored(found)
        return msgspec.json.encode(value).decode()

    run.partial = ""  # words that are cut off here would not be in the form
    said, run.chosen = run.chosen, None
    request = Request(
        messages=_messages(run, said),
        max_tokens=MOST_TOKENS,
        schema=schema,
        seed=run.seed,
        repeatable=run.seed is not None,
        extra=run.model.profile.thinking_off,
    )
    text = await decoded(run.model, request, read, payment_of(run, least=LEAST_TOKENS))
    if unusable:
        raise _refused(unusable[0]) from unusable[0]
    if said is not None:
        run.chosen = structs.replace(said, text=text, code="", value=FinalValue())
        return
    number = run.begin("form")
    run.chosen = Draft(number, "form", text, FinalValue(), 0.0, 0)
    run.drafts.append(run.chosen)


def _refused(error: SchemaUnusable) -> QuestionError:
    return QuestionError(
        f"The schema of the answer cannot be used: {str(error).rstrip('.')}.",
        hint="Send a JSON schema that is complete in itself.",
    )


def _messages(run: Run, said: Draft | None) -> tuple[Message, ...]:
    instructions = (Message("system", run.instructions),) if run.instructions else ()
    asked = (*instructions, *run.history, Message("user", run.question.text))
    if said is None:
        return asked
    answer = said.text or said.value.text
    again = "Give that answer as JSON in the asked-for form. Keep its values; add nothing."
    return (*asked, Message("assistant", answer or said.code), Message("user", again))
