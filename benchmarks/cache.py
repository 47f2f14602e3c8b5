"""Remembers model calls, so that a measurement which is continued or repeated asks only for what is new.

A call is known by the hash of the model's file and of everything that is sent: messages, sampling, seed, limits. Only
streams that came to their end are kept; one that was left early (a correction, a cancelled draft) is asked for
again. A replayed answer costs no time, so rows that used one report no seconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import zlib
from collections.abc import AsyncGenerator
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType

from pierian.exceptions import ModelError
from pierian.models.client import Endpoint, StreamItem
from pierian.models.model import Model
from pierian.models.wire import Finished, Piece, Request, Usage

REPLAYED: ContextVar[list[str]] = ContextVar("replayed")
"""Keys of the calls that the item in progress took from the cache."""


class CallStore:
    """The calls on disk."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS calls (key TEXT PRIMARY KEY, body BLOB NOT NULL)")

    def __enter__(self) -> CallStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def get(self, key: str) -> list[StreamItem] | None:
        """The pieces of a call and its end, None where it is not known."""
        row = self._database.execute("SELECT body FROM calls WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        kept = json.loads(zlib.decompress(row[0]))
        pieces: list[StreamItem] = [
            Piece(text, thought, logprob) for text, thought, logprob in kept["pieces"]
        ]
        return [*pieces, Finished(kept["reason"], Usage(*kept["usage"]))]

    def put(self, key: str, pieces: list[Piece], end: Finished) -> None:
        """Keep a call that came to its end."""
        usage = end.usage
        body = {
            "pieces": [[piece.text, piece.thought, piece.logprob] for piece in pieces],
            "reason": end.reason,
            "usage": [usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens, usage.counted_here],
        }
        packed = zlib.compress(json.dumps(body).encode())
        self._database.execute("INSERT OR REPLACE INTO calls VALUES (?, ?)", (key, packed))


class CachedModel(Model):
    """A model whose finished calls are kept in a store.

    Args:
        inner: The model that is asked for what the store does not have.
        identity: What the weights are known by: the file's hash, or the server and the model's name.
    """

    def __init__(self, inner: Model, store: CallStore, identity: str) -> None:
        # Deliberately without Model.__init__: the inner model has the connections.
        self.name, self.profile, self.slots = inner.name, inner.profile, inner.slots
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
        """From the store, or from the inner model and then kept."""
        key = self.key(request)
        kept = self._store.get(key)
        if kept is not None:
            REPLAYED.get([]).append(key)
            for item in kept:
                yield item
            return
        pieces: list[Piece] = []
        async with contextlib.aclosing(self._inner.stream(request)) as items:
            async for item in items:
                if isinstance(item, Piece):
                    pieces.append(item)
                elif isinstance(item, Finished):
                    self._store.put(key, pieces, item)
                yield item

    def key(self, request: Request) -> str:
        """What a call is known by."""
        body = request.body(self.name, embedded=self.embedded)
        return hashlib.sha256(json.dumps([self._identity, body], sort_keys=True).encode()).hexdigest()

    async def recover(self, error: ModelError) -> str:
        """As the inner model."""
        return await self._inner.recover(error)

    async def close(self) -> None:
        """Nothing of its own to close."""
