"""A conversation as clients send it, in the parts that the modes work with: instructions, history, question."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, structs

from pierian.events import CalledTool
from pierian.models.wire import Message
from pierian.server.errors import ApiError


class Conversation(Struct, frozen=True):
    """`history` ends before the question, or behind it with calls of tools and what they gave."""

    question: str
    history: tuple[Message, ...]
    instructions: str
    results: tuple[Message, ...] = ()
    """Calls and results behind the question, which is not answered yet."""

    @property
    def called(self) -> tuple[CalledTool, ...]:
        """The calls that were made for the question."""
        return tuple(call for one in self.results for call in one.calls)

    @property
    def text(self) -> str:
        """The question, and behind it in words what the called tools gave."""
        if not self.results:
            return self.question
        names = {call.id: f"{call.name}({call.arguments})" for call in self.called}
        told = [
            f"{names.get(one.answers, 'A tool')} gave:\n{one.content}"
            for one in self.results
            if one.role == "tool"
        ]
        return "\n\n".join([self.question, *told])


def in_parts(messages: Sequence[Message]) -> Conversation:
    """The parts of a conversation; raises `ApiError` where nobody asks anything."""
    instructions = "\n\n".join(
        one.content for one in messages if one.role == "system" and one.content.strip()
    )
    turns = [one for one in messages if one.role != "system"]
    last = max((at for at, one in enumerate(turns) if one.role == "user"), default=None)
    if last is None:
        raise ApiError(400, "No message is from the user.", param="messages", code="invalid_value")
    behind = turns[last + 1 :]
    if behind and behind[-1].role == "assistant":
        raise ApiError(
            400,
            "The last message is the assistant's. End with a message of the user or the result of a tool.",
            param="messages",
            code="invalid_value",
        )
    return Conversation(turns[last].content, tuple(turns[:last]), instructions, tuple(behind))


def pictures_shown(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The messages with pictures of results behind these, as the user's: templates leave out others' pictures."""
    names = {call.id: call.name for one in messages for call in one.calls}
    found: list[Message] = []
    shown: list[str] = []
    told: list[str] = []
    for one in messages:
        if one.role == "tool" and one.images:
            name, many = names.get(one.answers, "a tool"), len(one.images) > 1
            told.append(f"The {f'{len(one.images)} pictures' if many else 'picture'} that {name} gave.")
            shown += one.images
            one = structs.replace(one, content=one.content or "A picture; it follows.", images=())
        elif one.role != "tool" and shown:
            pictures, text = tuple(shown), "\n".join(told)
            if one.role == "user":
                text = f"{text}\n\n{one.content}" if one.content else text
                one = structs.replace(one, content=text, images=(*pictures, *one.images))
            else:
                found.append(Message("user", text, images=pictures))
            shown, told = [], []
        found.append(one)
    if shown:
        found.append(Message("user", "\n".join(told), images=tuple(shown)))
    return tuple(found)


def as_history(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Earlier turns in the roles that every model's template knows: calls and their results in words."""
    names = {call.id: f"{call.name}({call.arguments})" for one in messages for call in one.calls}
    found: list[Message] = []
    for one in messages:
        if one.role == "tool":
            text, role = f"{names.get(one.answers, 'A tool')} gave:\n{one.content}", "user"
        elif one.calls:
            called = "\n".join(names[call.id] for call in one.calls)
            text, role = "\n".join(part for part in (one.content, f"I call {called}") if part), "assistant"
        else:
            text, role = one.content, one.role
        if found and found[-1].role == role:  # templates want the roles to take turns
            found[-1] = Message(role, f"{found[-1].content}\n\n{text}")
        else:
            found.append(Message(role, text))
    return tuple(found)
