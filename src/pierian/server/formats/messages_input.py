"""The conversation of `/v1/messages`: turns made of content blocks, as messages.

A user's turn with results of tools becomes those results first and the rest behind them. Thinking blocks are passed
over, since no model wants to read its old thoughts. Blocks that are not understood are refused by their name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pierian.events import CalledTool
from pierian.models.wire import Message
from pierian.server.formats.fields import Fields, objects, shown, unsupported, wrong
from pierian.server.formats.frames import ENCODER
from pierian.server.formats.history import checked
from pierian.server.formats.pictures import checked_address, checked_data

ROLES = ("user", "assistant", "system")
_PASSED_OVER = ("thinking", "redacted_thinking")


def conversation(fields: Fields) -> tuple[Message, ...]:
    """The system's words and all turns; raises `ApiError`."""
    entries = list(fields.each("messages"))
    if not entries:
        return checked((), (), "messages")
    if entries[-1].get("role") == "assistant":
        told = "The last message is the assistant's, and an answer that is begun already is not supported."
        raise wrong("messages", f"{told} End with a message of the user.")
    messages: list[Message] = []
    places: list[str] = []
    if (system := fields.get("system")) is not None:
        text = system if isinstance(system, str) else _only_text(fields, "system", "system")
        if text:
            messages.append(Message("system", text))
            places.append("system")
    for entry in entries:
        turn = _turn(entry)
        messages += turn
        places += [entry.where] * len(turn)
    return checked(messages, places, "messages")


def _turn(entry: Fields) -> list[Message]:
    """The messages that one turn becomes."""
    role = entry.choice("role", ROLES)
    if role is None:
        raise entry.missing("role", "'user' or 'assistant'")
    content = entry.get("content")
    if content is None:
        raise entry.missing("content", "a text or a list of blocks")
    if role == "system":
        return [
            Message("system", content if isinstance(content, str) else _only_text(entry, "content", role))
        ]
    if isinstance(content, str):
        return [Message("user" if role == "user" else "assistant", content)]
    return _of_user(entry) if role == "user" else [_of_assistant(entry)]


def _of_user(entry: Fields) -> list[Message]:
    results = [_result(block) for block in entry.each("content") if block.get("type") == "tool_result"]
    others = [block for block in entry.each("content") if block.get("type") != "tool_result"]
    if not others:
        return results or [Message("user", "")]
    text, pictures = _shown(others)
    return [*results, Message("user", text, images=pictures)]


def _of_assistant(entry: Fields) -> Message:
    texts: list[str] = []
    calls: list[CalledTool] = []
    for block in entry.each("content"):
        match block.needed("type"):
            case "text":
                texts.append(_text(block))
            case "tool_use":
                given = block.nested("input")
                arguments = ENCODER.encode(given.mapping() if given is not None else {}).decode()
                calls.append(CalledTool(block.needed("id"), block.needed("name"), arguments))
            case kind if kind in _PASSED_OVER:
                pass
            case kind:
                instead = "Send 'text' and 'tool_use' as the assistant."
                raise unsupported(block.path("type"), f"A block of the type {shown(kind)} is", instead)
    return Message("assistant", "\n".join(texts), calls=tuple(calls))


def _result(block: Fields) -> Message:
    """The result of a tool, marked where the tool failed."""
    identity, content = block.needed("tool_use_id"), block.get("content")
    if content is None or isinstance(content, str):
        text, pictures = content or "", ()
    else:
        text, pictures = _shown(list(block.each("content")))
    if block.flag("is_error"):
        text = f"Error: {text}" if text else "Error"
    return Message("tool", text, images=pictures, answers=identity)


def _shown(blocks: Sequence[Fields]) -> tuple[str, tuple[str, ...]]:
    """The text and the pictures of blocks."""
    texts: list[str] = []
    pictures: list[str] = []
    for block in blocks:
        match block.needed("type"):
            case "text":
                texts.append(_text(block))
            case "image":
                pictures.append(_picture(block))
            case kind if kind in _PASSED_OVER:
                pass
            case kind:
                what = f"A block of the type {shown(kind)} is"
                raise unsupported(block.path("type"), what, "Send 'text' and 'image'.")
    return "\n".join(texts), tuple(pictures)


def _picture(block: Fields) -> str:
    if (source := block.nested("source")) is None:
        raise block.missing("source", "an object with the picture's data")
    if source.needed("type") == "url":
        return checked_address(source.needed("url"), source.path("url"))
    if source.get("type") != "base64":
        what = f"A picture by its {shown(source.get('type'))} is"
        raise unsupported(source.path("type"), what, "Send the picture itself as 'base64'.")
    return checked_data(source.needed("media_type"), source.needed("data"), source.path("data"))


def _only_text(fields: Fields, name: str, role: str) -> str:
    """The text of a list of text blocks."""
    found = fields.get(name)
    if not isinstance(found, list):
        raise fields.mistyped(name, "a text or a list of text blocks")
    texts: list[str] = []
    for block in objects(cast(list[Any], found), fields.path(name)):
        if block.needed("type") != "text":
            what = f"A block of the type {shown(block.get('type'))} in a message of the role {role!r} is"
            raise unsupported(block.path("type"), what, "Send 'text'.")
        texts.append(_text(block))
    return "\n".join(texts)


def _text(block: Fields) -> str:
    if (text := block.text("text")) is None:
        raise block.missing("text", "a text")
    return text
