"""Finding model servers that already run on this machine, so that they can be offered.

Asks the usual loopback ports for `/v1/models` and believes only an answer in the OpenAI format. It never
leaves the machine, sends no key, and uses nothing that it found without the user's say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import httpx2

TIMEOUT_SECONDS = 0.3
MAX_ANSWER = 1 << 20
MAX_MODELS = 100

PORTS: Mapping[int, str] = {
    11434: "Ollama",
    1234: "LM Studio",
    8000: "vLLM",
    8080: "llama.cpp",
    30000: "SGLang",
}
# What servers call themselves in `owned_by`; better evidence than the port.
OWNERS: Mapping[str, str] = {"vllm": "vLLM", "llamacpp": "llama.cpp", "sglang": "SGLang"}


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server on this machine: what to set `base_url` to, and the models that it offers."""

    kind: str
    base_url: str
    models: tuple[str, ...]


class _Listed(msgspec.Struct):
    id: str
    owned_by: str | None = None


class _Answer(msgspec.Struct):
    data: list[_Listed]


async def discover(ports: Mapping[int, str] = PORTS) -> list[LocalServer]:
    """The servers found, in the order of `ports`; takes a second at most."""
    import httpx2

    # Proxies of the environment must not see, or answer, what is asked of this machine.
    async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=False) as client:
        found = await asyncio.gather(*(_ask(client, port, kind) for port, kind in ports.items()))
    return [server for server in found if server is not None]


async def _ask(client: httpx2.AsyncClient, port: int, kind: str) -> LocalServer | None:
    import httpx2

    base_url = f"http://127.0.0.1:{port}/v1"
    body = bytearray()
    try:
        # The limit holds for the whole answer: a server that drips bytes is no server to offer.
        async with (
            asyncio.timeout(3 * TIMEOUT_SECONDS),
            client.stream("GET", f"{base_url}/models") as response,
        ):
            if response.status_code != 200:
                return None
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER:
                    return None
    except (httpx2.HTTPError, TimeoutError):
        return None
    try:
        listed = msgspec.json.decode(bytes(body), type=_Answer).data[:MAX_MODELS]
    except msgspec.DecodeError:
        return None
    named = next((OWNERS[owner] for m in listed if (owner := m.owned_by or "") in OWNERS), kind)
    return LocalServer(named, base_url, tuple(model.id for model in listed))
