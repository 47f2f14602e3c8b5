"""The conversation of `/v1/responses`: items that clients send or that earlier responses put out, as messages.

Messages, calls of functions and their results are understood; reasoning is passed over, since no model wants to read
its old thoughts. Everything else is refused by its name.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pierian.events import CalledTool
from pierian.models.wire import Message, Role
from pierian.server.formats.fields import Fields, shown, unsupported, wrong
from pierian.server.formats.pictures import checked_url

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
_TEXTS = {"input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal"}


class Turns:
    """Messages in the making, and where each of them stands in the body."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.places: list[str] = []

    def add(self, message: Message, place: str) -> None:
        """Add one; the items of one turn of the assistant become one message, as models are taught."""
        last = self.messages[-1] if self.messages else None
        if (
            message.role == "assistant"
            and last is not None
            and last.role == "assistant"
            and (last.calls or message.calls)
        ):
            text = "\n".join(part for part in (last.content, message.content) if part)
            calls = (*last.calls, *message.calls)
            self.messages[-1] = msgspec.structs.replace(last, content=text, calls=calls)
            return
        self.messages.append(message)
        self.places.append(place)


def turns(items: Iterable[Fields], instructions: str) -> Turns:
    """The conversation that items stand for, instructions in front; raises `ApiError`."""
    found = Turns()
    if instructions:
        found.add(Message("system", instructions), "instructions")
    for item in items:
        match item.text("type"):
            case None | "message":
                found.add(_message(item), item.where)
            case "function_call":
                # What a model wrote comes back as it was, also where it is no JSON.
                arguments = (item.text("arguments") or "").strip() or "{}"
                call = CalledTool(item.needed("call_id"), item.needed("name"), arguments)
                found.add(Message("assistant", "", calls=(call,)), item.where)
            case "function_call_output":
                text, pictures = _content(item, "output")
                found.add(Message("tool", text, images=pictures, answers=item.needed("call_id")), item.where)
            case "reasoning":
                pass
            case "item_reference":
                raise unsupported(item.path("type"), "A reference to an item is", "Send the item itself.")
            case kind:
                instead = "Send items of the types 'message', 'function_call' and 'function_call_output'."
                raise unsupported(item.path("type"), f"An item of the type {shown(kind)} is", instead)
    return found


def _message(item: Fields) -> Message:
    role = ROLES.get(item.needed("role"))
    if role is None:
        place = item.path("role")
        raise wrong(place, f"'{place}' is {shown(item.get('role'))}: send one of {', '.join(ROLES)}.")
    text, pictures = _content(item, "content")
    if pictures and role != "user":
        place = item.path("content")
        raise unsupported(place, f"A picture in a message of the role {role!r} is", "Send it as the user.")
    return Message(role, text, images=pictures)


def _content(item: Fields, name: str) -> tuple[str, tuple[str, ...]]:
    """The text and the pictures of an item."""
    found = item.get(name)
    if isinstance(found, str):
        return found, ()
    if found is None:
        raise item.missing(name, "a text or a list of parts")
    if not isinstance(found, list):
        raise item.mistyped(name, "a text or a list of parts")
    texts: list[str] = []
    pictures: list[str] = []
    for part in item.each(name):
        kind = part.needed("type")
        if kind in _TEXTS:
            if (text := part.text(_TEXTS[kind])) is None:
                raise part.missing(_TEXTS[kind], "a text")
            texts.append(text)
        elif kind == "input_image":
            part.refuse({"file_id": "Send the picture as a 'data:' URL in 'image_url'."})
            pictures.append(checked_url(part.needed("image_url"), part.path("image_url")))
        else:
            instead = "Send 'input_text' and 'input_image'."
            raise unsupported(part.path("type"), f"A part of the type {shown(kind)} is", instead)
    return "\n".join(texts), tuple(pictures)
