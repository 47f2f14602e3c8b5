"""The items that a response puts out, and the events that tell of them while they grow, each with its number.

An item is opened, grows, and is closed; only one is open at a time. What the response as a whole says of itself is
for `responses`.
"""

from __future__ import annotations

from typing import Any, Literal

from pierian.models.wire import CallPiece
from pierian.server.formats.frames import named_frame

Kind = Literal["message", "reasoning", "summary", "function_call"]
"""`summary` is reasoning for clients that asked for a summary of it and show nothing else."""
_PREFIXES: dict[Kind, str] = {"message": "msg", "reasoning": "rs", "summary": "rs", "function_call": "fc"}


class Output:
    """The items of one response.

    Args:
        tail: What makes ids unique, such as the id of the response without its prefix.
    """

    def __init__(self, tail: str) -> None:
        self.items: list[dict[str, Any]] = []
        """Those that are closed."""
        self._tail = tail
        self._number = 0
        self._kind: Kind | None = None
        self._identity = ""
        self._texts: list[str] = []
        self._logprobs: list[dict[str, Any]] = []
        self._call = CallPiece(-1)

    def event(self, name: str, /, **fields: Any) -> bytes:
        """The next event of the response."""
        number = self._number
        self._number += 1
        return named_frame(name, {"type": name, "sequence_number": number, **fields})

    def text(self, text: str, logprobs: list[dict[str, Any]]) -> list[bytes]:
        """The message grows."""
        frames = self._opened("message")
        self._texts.append(text)
        self._logprobs += logprobs
        place = {"content_index": 0, "delta": text, "logprobs": logprobs}
        return [*frames, self._event("response.output_text.delta", **place)]

    def thought(self, text: str, *, summarised: bool) -> list[bytes]:
        """The reasoning grows."""
        frames = self._opened("summary" if summarised else "reasoning")
        self._texts.append(text)
        if summarised:
            grown = self._event("response.reasoning_summary_text.delta", summary_index=0, delta=text)
        else:
            grown = self._event("response.reasoning_text.delta", content_index=0, delta=text)
        return [*frames, grown]

    def call(self, piece: CallPiece) -> list[bytes]:
        """A call begins or grows. Its first part must have an id."""
        frames: list[bytes] = []
        if self._kind != "function_call" or piece.index != self._call.index:
            frames = self.close()
            self._call = piece
            frames += self._opened("function_call")
        if piece.arguments:
            self._texts.append(piece.arguments)
            frames.append(self._event("response.function_call_arguments.delta", delta=piece.arguments))
        return frames

    def close(self, status: str = "completed") -> list[bytes]:
        """Close the open item, if there is one."""
        if self._kind is None:
            return []
        text, item = "".join(self._texts), self._item(status)
        match self._kind:
            case "message":
                part = item["content"][0]
                done = [
                    self._event(
                        "response.output_text.done", content_index=0, text=text, logprobs=part["logprobs"]
                    ),
                    self._event("response.content_part.done", content_index=0, part=part),
                ]
            case "reasoning":
                part = item["content"][0]
                done = [
                    self._event("response.reasoning_text.done", content_index=0, text=text),
                    self._event("response.content_part.done", content_index=0, part=part),
                ]
            case "summary":
                part = item["summary"][0]
                done = [
                    self._event("response.reasoning_summary_text.done", summary_index=0, text=text),
                    self._event("response.reasoning_summary_part.done", summary_index=0, part=part),
                ]
            case "function_call":
                name = self._call.name
                done = [self._event("response.function_call_arguments.done", name=name, arguments=text)]
        done.append(self.event("response.output_item.done", output_index=len(self.items), item=item))
        self.items.append(item)
        self._kind = None
        return done

    def _opened(self, kind: Kind) -> list[bytes]:
        """Have an item of that kind open."""
        if self._kind == kind:
            return []
        frames = self.close()
        self._kind, self._texts, self._logprobs = kind, [], []
        self._identity = f"{_PREFIXES[kind]}_{self._tail}_{len(self.items)}"
        whole = self._item("in_progress")
        bare = whole | {name: list[Any]() for name in ("content", "summary") if name in whole}
        frames.append(self.event("response.output_item.added", output_index=len(self.items), item=bare))
        match kind:
            case "message" | "reasoning":
                part = whole["content"][0]
                frames.append(self._event("response.content_part.added", content_index=0, part=part))
            case "summary":
                part = whole["summary"][0]
                frames.append(
                    self._event("response.reasoning_summary_part.added", summary_index=0, part=part)
                )
            case "function_call":
                pass
        return frames

    def _item(self, status: str) -> dict[str, Any]:
        """The open item as it stands."""
        text = "".join(self._texts)
        head: dict[str, Any] = {"id": self._identity, "status": status}
        match self._kind:
            case "message":
                part = {
                    "type": "output_text",
                    "text": text,
                    "annotations": [],
                    "logprobs": list(self._logprobs),
                }
                return head | {"type": "message", "role": "assistant", "content": [part]}
            case "reasoning":
                content = [{"type": "reasoning_text", "text": text}]
                return head | {"type": "reasoning", "summary": [], "content": content}
            case "summary":
                return head | {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}
            case _:
                called = {"call_id": self._call.id, "name": self._call.name, "arguments": text}
                return head | {"type": "function_call", **called}

    def _event(self, name: str, /, **fields: Any) -> bytes:
        """An event of the open item."""
        return self.event(name, item_id=self._identity, output_index=len(self.items), **fields)
