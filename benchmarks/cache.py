"""Remembers model calls, so that a measurement which is continued or repeated asks only for what is new.

A call is known by the hash of the model's file and of everything that is sent: messages, sampling, seed, limits. Kept
are streams that came to their end, and what was received of those that the caller left by itself, as a draft does
at a wrong calculation; a cancelled one is not. A caller that reads past the place where it once left gets the rest
live: the model goes on from the kept text, as the product itself does after a correction. Sampling without a seed is
never kept, for two such calls are meant to differ. Replayed calls tell nothing about speed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import zlib
from collections.abc import AsyncGenerator
from pathlib import Path
from types import TracebackType

from msgspec import Struct, field, structs

from benchmarks.pace import ITEM, ItemCalls
from pierian.exceptions import ModelError
from pierian.models.client import Endpoint, StreamItem
from pierian.models.model import Model
from pierian.models.wire import Finished, Message, Piece, PromptProgress, Request, Usage


class KeptCall(Struct):
    """What was received of a call; `end` is None where the caller left before it."""

    pieces: list[Piece] = field(default_factory=list[Piece])
    prompt: PromptProgress = PromptProgress(0, 0, 0)
    end: Finished | None = None


class CallStore:
    """The calls on disk."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS kept_calls "
            "(key TEXT PRIMARY KEY, complete INTEGER NOT NULL, pieces INTEGER NOT NULL, body BLOB NOT NULL)"
        )

    def __enter__(self) -> CallStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def get(self, key: str) -> KeptCall | None:
        """What is kept of a call, None where it is not known."""
        row = self._database.execute("SELECT body FROM kept_calls WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        kept = json.loads(zlib.decompress(row[0]))
        end = Finished(kept["reason"], Usage(*kept["usage"])) if kept["usage"] else None
        return KeptCall([Piece(*piece) for piece in kept["pieces"]], PromptProgress(*kept["prompt"]), end)

    def put(self, key: str, call: KeptCall) -> None:
        """Keep a call; what is kept already stays where it is more."""
        body = {
            # What a server says of each alternative is asked for by clients of the API alone.
            "pieces": [(piece.text, piece.thought, piece.logprob) for piece in call.pieces],
            "prompt": structs.astuple(call.prompt),
            "reason": call.end.reason if call.end else "",
            "usage": structs.astuple(call.end.usage) if call.end else None,
        }
        self._database.execute(
            "INSERT INTO kept_calls VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE "
            "SET complete = excluded.complete, pieces = excluded.pieces, body = excluded.body "
            "WHERE (excluded.complete, excluded.pieces) > (complete, pieces)",
            (key, call.end is not None, len(call.pieces), zlib.compress(json.dumps(body).encode())),
        )


class CachedModel(Model):
    """A model whose calls are kept in a store.

    Args:
        inner: The model that is asked for what the store does not have.
        identity: What the weights are known by: the file's hash, or the server and the model's name.
    """

    def __init__(self, inner: Model, store: CallStore, identity: str) -> None:
        # Deliberately without Model.__init__: the inner model has the connections.
        self.name, self.profile, self.slots = inner.name, inner.profile, inner.slots
        self.adapter = inner.adapter
        self._inner, self._store, self._identity = inner, store, identity

    @property
    def endpoint(self) -> Endpoint:
        """Where the inner model answers."""
        return self._inner.endpoint

    @property
    def embedded(self) -> bool:
        """As the inner model."""
        return self._inner.embedded

    async def stream(self, request: Request) -> AsyncGenerator[StreamItem]:
        """From the store as far as it goes, and from there on from the inner model."""
        calls = ITEM.get(None) or ItemCalls()
        key = self.key(request) if request.temperature == 0 or request.seed is not None else ""
        kept = self._store.get(key) if key else None
        with calls.opened():
            if kept is None:
                call = KeptCall()
            else:
                calls.replayed += 1
                call = kept
                if kept.prompt.total:
                    yield kept.prompt
                for piece in kept.pieces:
                    await calls.step()
                    yield piece
                if kept.end is not None:
                    yield kept.end
                    return
            async with contextlib.aclosing(self._live(request, key, call, calls)) as items:
                async for item in items:
                    yield item

    async def _live(
        self, request: Request, key: str, call: KeptCall, calls: ItemCalls
    ) -> AsyncGenerator[StreamItem]:
        """What comes after the pieces of `call`, which grows with it and is kept."""
        before = len(call.pieces)
        if before >= request.max_tokens:
            yield Finished("length", Usage(call.prompt.total, call.prompt.cached, before))
            return
        with calls.live():
            try:
                async with contextlib.aclosing(self._inner.stream(continued(request, call))) as items:
                    async for item in items:
                        calls.tick()
                        match item:
                            case Piece():
                                call.pieces.append(item)
                            case PromptProgress() if not before:
                                call.prompt = item
                            case PromptProgress():
                                continue  # the prompt was counted when the call was first made
                            case Finished():
                                item = call.end = with_beginning(item, call.prompt, before)
                                self._keep(request, key, call)
                        yield item
            except GeneratorExit:
                self._keep(request, key, call)
                raise

    def _keep(self, request: Request, key: str, call: KeptCall) -> None:
        """Keep what can be replayed soundly: the whole, or a beginning from which the model can go on."""
        can_go_on = (
            self.embedded and request.schema is None and not request.grammar and not self.profile.thinks
        )
        if key and (call.end is not None or (call.pieces and can_go_on)):
            self._store.put(key, call)

    def key(self, request: Request) -> str:
        """What a call is known by."""
        body = request.body(self.name, embedded=self.embedded, adapter=self.adapter is not None)
        return hashlib.sha256(json.dumps([self._identity, body], sort_keys=True).encode()).hexdigest()

    async def recover(self, error: ModelError) -> str:
        """As the inner model."""
        return await self._inner.recover(error)

    async def close(self) -> None:
        """Nothing of its own to close."""


def continued(request: Request, call: KeptCall) -> Request:
    """The request for what follows the pieces of `call`."""
    text = "".join(piece.text for piece in call.pieces)
    if not text:
        return request
    *before, last = request.messages
    started = (
        (*before, Message("assistant", last.content + text))
        if last.role == "assistant"
        else (*request.messages, Message("assistant", text))
    )
    return structs.replace(request, messages=started, max_tokens=request.max_tokens - len(call.pieces))


def with_beginning(end: Finished, prompt: PromptProgress, before: int) -> Finished:
    """The end of a stream whose first `before` pieces were replayed: its counts are those of the whole call."""
    if not before:
        return end
    return Finished(end.reason, Usage(prompt.total, prompt.cached, before + end.usage.completion_tokens))
