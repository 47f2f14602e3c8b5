"""The conversation in a request, whatever its format: system messages in front, every result after its call.

Models are taught on conversations of that shape; chat templates refuse others with words that help nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

from pierian.models.wire import Message
from pierian.server.formats.fields import shown, wrong

MOST_MESSAGES = 100_000


def checked(messages: Sequence[Message], places: Sequence[str], param: str) -> tuple[Message, ...]:
    """The conversation, system messages moved to the front; raises `ApiError` where results and calls do not fit.

    Args:
        places: Where each message stands in the body.
        param: The field that holds the conversation.
    """
    if not messages:
        raise wrong(param, f"'{param}' is empty: send at least one message.")
    if len(messages) > MOST_MESSAGES:
        raise wrong(param, f"'{param}' holds {len(messages)} messages: send at most {MOST_MESSAGES}.")
    open_calls: list[str] = []
    for message, place in zip(messages, places, strict=True):
        if message.role == "tool":
            if message.answers not in open_calls:
                told = f"The result for the call {shown(message.answers)} does not follow a message that makes it."
                raise wrong(place, f"{told} Send the assistant's message with that call before it.")
            open_calls.remove(message.answers)
        elif message.role != "system":
            _nothing_open(open_calls, place)
            open_calls = [call.id for call in message.calls]
    _nothing_open(open_calls, param)
    system = [message for message in messages if message.role == "system"]
    return (*system, *(message for message in messages if message.role != "system"))


def _nothing_open(open_calls: Sequence[str], place: str) -> None:
    if open_calls:
        told = f"The call {shown(open_calls[0])} has no result."
        raise wrong(place, f"{told} Send the result of every call right after the message that makes it.")
