"""Keeps the fixed beginnings of prompts ready, so that nobody waits for them to be read.

Reading a prefix of 600 tokens takes a small machine ten to thirty seconds. The engine can write what it
computed for a prompt to a file and read it back in milliseconds. So the first time an engine is idle, each
prefix that clients announced is read once and saved; whenever that model is loaded again, all are restored
into its slots before the first request. Only fixed words are saved, never what a user wrote.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from pierian.models.wire import Message, Request

FOLDER = "prefixes"
KEEP_FILES = 8


class PrefixStore:
    """The saved prefixes of one running engine.

    Args:
        folder: Where the engine saves slots; only it reads and writes there.
        base_url: The engine's address, ending in /v1.
        identity: Tells apart what must not be mixed: model file, engine version, context.
        adapter: Whether the engine has one loaded. Prefixes are those of the model without it.
    """

    def __init__(
        self, folder: Path, base_url: str, api_key: str, identity: str, *, adapter: bool = False
    ) -> None:
        self._folder = folder
        self._root = base_url.removesuffix("/v1")
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._identity = identity
        self._adapter = adapter

    def file_of(self, prefix: Sequence[Message]) -> Path:
        """The file of a prefix, named by everything that its contents depend on."""
        content = self._identity.encode() + b"\0" + msgspec.json.encode(prefix)
        return self._folder / f"{hashlib.sha256(content).hexdigest()[:32]}.bin"

    async def restore(self, prefixes: Sequence[Sequence[Message]]) -> list[Sequence[Message]]:
        """Load the saved prefixes, the first into slot 0 and so on; returns those that are not saved yet."""
        missing: list[Sequence[Message]] = []
        for slot, prefix in enumerate(prefixes):
            file = self.file_of(prefix)
            if self._adapter and file.exists():
                # A slot that has answered nothing counts as one with another adapter, and drops what it is given.
                await self._read(slot, (Message("user", "."),))
            if not file.exists() or not await self._slot(slot, "restore", file):
                file.unlink(missing_ok=True)
                missing.append(prefix)
        return missing

    async def save(self, slot: int, prefix: Sequence[Message]) -> bool:
        """Let the engine read a prefix in a slot and save it; False when it could not."""
        if not await self._read(slot, prefix):
            return False
        self._forget_oldest()
        return await self._slot(slot, "save", self.file_of(prefix))

    async def _read(self, slot: int, prefix: Sequence[Message]) -> bool:
        import httpx2

        request = Request(messages=tuple(prefix), max_tokens=1)
        body = request.body("", embedded=True, adapter=self._adapter) | {"id_slot": slot}
        try:
            async with httpx2.AsyncClient(timeout=600, trust_env=False) as client:
                url = f"{self._root}/v1/chat/completions"
                async with client.stream("POST", url, json=body, headers=self._headers) as response:
                    async for _ in response.aiter_bytes():
                        pass  # progress; leaving early, when a lease comes, frees the slot
                    return response.status_code == 200
        except httpx2.HTTPError:
            return False

    async def _slot(self, slot: int, action: str, file: Path) -> bool:
        import httpx2

        try:
            async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
                response = await client.post(
                    f"{self._root}/slots/{slot}?action={action}",
                    json={"filename": file.name},
                    headers=self._headers,
                )
                return response.status_code == 200
        except httpx2.HTTPError:
            return False

    def _forget_oldest(self) -> None:
        """Prefixes of earlier versions and models do not pile up: each file takes some 20 MB."""
        files = sorted(self._folder.glob("*.bin"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[KEEP_FILES - 1 :]:
            file.unlink(missing_ok=True)
