"""The real supervisor and the real engine on the small model: sharing, crashes, kills, idleness."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import psutil
import pytest

from pierian.cli.app import run as run_command
from pierian.config import Settings, paths
from pierian.events import DraftVoided, EngineRestarted, Event
from pierian.exceptions import EngineError, FileDamaged, PierianError, ServerUnreachable, StreamBroken
from pierian.models.client import Client, Endpoint
from pierian.models.installed import InstalledModel
from pierian.models.lease import Lease, connect, running_engines, send
from pierian.models.machine import EngineOptions
from pierian.models.model import open_model
from pierian.models.rendezvous import Call, claim, private_folder, socket_path
from pierian.models.wire import Finished, Message, Piece, Request

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

COUNT = Request(messages=(Message("user", "Count from one to a thousand."),), max_tokens=400)


@pytest.fixture
def options(small_model: InstalledModel) -> EngineOptions:
    return EngineOptions(str(small_model.path), "", threads=1, context=1024, slots=2)


@pytest.fixture
def settings(small_model: InstalledModel) -> Settings:
    return Settings(model=small_model.name, threads=1, context=1024, slots=2, keep_warm_minutes=5)


async def engine_pid(state: Path) -> int:
    (engine,) = await running_engines(state) or []
    return int(engine["pid"])


def supervisor_pid(state: Path) -> int:
    (found,) = [p.pid for p in psutil.process_iter(["cmdline"]) if is_supervisor(p, state)]
    return found


def is_supervisor(process: psutil.Process, state: Path) -> bool:
    command = process.info["cmdline"] or []
    return "pierian.models.supervisor" in command and str(state) in command


async def until(condition: Callable[[], bool]) -> None:
    """Poll for a state that nothing announces; the test's own time limit ends it."""
    while not condition():
        await asyncio.sleep(0.02)


def gone(pid: int) -> Callable[[], bool]:
    def check() -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return check


async def leases(state: Path) -> int:
    (engine,) = await running_engines(state) or []
    return int(engine["leases"])


async def first_words(lease: Lease) -> str:
    endpoint = Endpoint(lease.base_url, "m", lease.api_key, embedded=True)
    asked = Request(messages=(Message("user", "Hi"),), max_tokens=4)
    async with Client(endpoint, silence=120) as client:
        return "".join([i.text async for i in client.stream(asked) if isinstance(i, Piece)])


async def test_two_leases_share_one_engine(options: EngineOptions) -> None:
    state = paths().state
    async with Lease(options, state) as one, Lease(options, state) as other:
        assert (one.warm, other.warm) == (False, True)
        assert one.base_url == other.base_url
        assert await leases(state) == 2
        assert all(await asyncio.gather(first_words(one), first_words(other)))
    async with Lease(options, state) as later:
        assert later.warm


async def test_two_who_come_at_once_load_it_once(options: EngineOptions) -> None:
    state = paths().state

    async def lease() -> str:
        async with Lease(options, state) as held:
            return held.base_url

    one, other = await asyncio.gather(lease(), lease())
    assert one == other


async def test_the_engine_wants_its_key(options: EngineOptions) -> None:
    async with Lease(options, paths().state) as lease:
        async with Client(Endpoint(lease.base_url, "m", "guess")) as client:
            with pytest.raises(PierianError, match="refused the key"):
                await client.models()
        for process in psutil.process_iter(["cmdline"]):
            assert lease.api_key not in (process.info["cmdline"] or [])


async def test_only_the_user_can_enter(options: EngineOptions) -> None:
    state = paths().state
    async with Lease(options, state):
        assert state.stat().st_mode & 0o077 == 0
        assert socket_path(state).stat().st_mode & 0o077 == 0
        for log in state.glob("*.log"):
            assert log.stat().st_mode & 0o077 == 0


async def test_a_killed_engine_breaks_the_stream_and_comes_back(settings: Settings) -> None:
    state = paths().state
    async with open_model(settings) as model:
        pid = await engine_pid(state)
        items = model.stream(COUNT)
        async for item in items:
            if isinstance(item, Piece):
                break
        os.kill(pid, signal.SIGKILL)
        with pytest.raises((StreamBroken, ServerUnreachable)) as caught:
            async for _ in items:
                pass
        reason = await model.recover(caught.value)
        assert "-9" in reason
        assert await engine_pid(state) != pid
        ended = [item async for item in model.stream(COUNT)][-1]
        assert isinstance(ended, Finished)


async def test_a_killed_engine_voids_the_draft_and_the_answer_still_comes(settings: Settings) -> None:
    from pierian import AskRequest, Assistant, Mode
    from pierian.events import AnswerReady, Token

    events: list[Event] = []
    async with Assistant(settings) as assistant:
        request = AskRequest(question="Count on and on.", mode=Mode.INSTANT, budget_tokens=60)
        async with contextlib.aclosing(assistant.stream(request)) as stream:
            async for event in stream:
                if isinstance(event, Token) and not any(isinstance(e, Token) for e in events):
                    os.kill(await engine_pid(paths().state), signal.SIGKILL)
                events.append(event)
    kinds = [type(event) for event in events]
    if EngineRestarted not in kinds:
        pytest.skip("the answer was complete before the engine was killed")
    assert kinds.index(EngineRestarted) < kinds.index(DraftVoided) < kinds.index(AnswerReady)
    last = events[-1]
    assert isinstance(last, AnswerReady)
    assert last.answer.text


async def test_drafts_made_side_by_side_survive_a_killed_engine_together(settings: Settings) -> None:
    from pierian import AskRequest, Assistant, Mode
    from pierian.events import AnswerReady, Token

    events: list[Event] = []
    async with Assistant(dataclasses.replace(settings, context=4096)) as assistant:
        request = AskRequest(
            question="How much are 3 pens at 2 dollars and 4 cups at 5 dollars?", mode=Mode.THINKING
        )
        async with contextlib.aclosing(assistant.stream(request)) as stream:
            async for event in stream:
                drafts = {e.draft for e in [*events, event] if isinstance(e, Token)}
                if isinstance(event, Token) and not any(isinstance(e, Token) for e in events):
                    os.kill(await engine_pid(paths().state), signal.SIGKILL)
                events.append(event)
    assert drafts
    restarts = [event for event in events if isinstance(event, EngineRestarted)]
    assert 1 <= len(restarts) <= 2  # once for each draft that was under way
    assert isinstance(events[-1], AnswerReady)
    assert len(events[-1].answer.receipt.drafts) >= 2


async def test_an_engine_that_keeps_crashing_is_given_up(options: EngineOptions) -> None:
    state = paths().state
    async with Lease(options, state) as lease:
        for life in range(2):
            os.kill(await engine_pid(state), signal.SIGKILL)
            await lease.recovered(life)
        os.kill(await engine_pid(state), signal.SIGKILL)
        with pytest.raises(EngineError, match="crashed 3 times") as caught:
            await lease.recovered(2)
        assert caught.value.hint
        assert await running_engines(state) == []


CLIENT = """
import asyncio, sys, msgspec
from pathlib import Path
from pierian.models.lease import Lease
from pierian.models.machine import EngineOptions

async def main():
    options = msgspec.json.decode(sys.argv[1], type=EngineOptions)
    async with Lease(options, Path(sys.argv[2])):
        print("leased", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_killed_client_frees_its_lease(options: EngineOptions) -> None:
    state = paths().state
    async with Lease(options, state):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", CLIENT, msgspec.json.encode(options).decode(), str(state)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout
        assert await process.stdout.readline() == b"leased\n"
        assert await leases(state) == 2
        process.kill()
        await process.wait()
        while await leases(state) != 1:
            await asyncio.sleep(0.02)


async def test_a_killed_supervisor_takes_the_engine_along(options: EngineOptions) -> None:
    state = paths().state
    async with Lease(options, state) as lease:
        engine = await engine_pid(state)
        os.kill(supervisor_pid(state), signal.SIGKILL)
        await until(gone(engine))
        with pytest.raises(EngineError, match="supervisor was stopped"):
            await lease.recovered(0)
    async with Lease(options, state) as lease:  # nothing stale is in the way of a new one
        assert await first_words(lease)


async def test_idleness_ends_the_engine_and_then_the_supervisor(options: EngineOptions) -> None:
    state = paths().state
    async with Lease(options, state, keep_warm_seconds=0.1):
        engine, supervisor = await engine_pid(state), supervisor_pid(state)
    await until(gone(engine))
    await until(gone(supervisor))
    assert await running_engines(state) is None


async def test_another_model_takes_the_place_of_one_that_nobody_uses(options: EngineOptions) -> None:
    state = paths().state
    async with Lease(options, state):
        first = await engine_pid(state)
    async with Lease(msgspec.structs.replace(options, context=512), state):
        await until(gone(first))
        assert await leases(state) == 1


@pytest.fixture
def damaged(small_model: InstalledModel, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    file = tmp_path / "damaged.gguf"
    content = small_model.path.read_bytes() if request.param == "cut" else b""
    file.write_bytes(
        {"text": b"This is a letter.", "cut": content[: len(content) // 2], "empty": b""}[request.param]
    )
    return file


@pytest.mark.parametrize("damaged", ["text", "cut", "empty"], indirect=True)
async def test_a_damaged_file_is_one_clear_error(options: EngineOptions, damaged: Path) -> None:
    state = paths().state
    with pytest.raises((EngineError, FileDamaged), match=r"damaged\.gguf") as caught:
        async with Lease(msgspec.structs.replace(options, model_path=str(damaged)), state):
            pass
    assert "verify" in caught.value.hint
    assert "\n" not in str(caught.value)
    assert await running_engines(state) == []
    async with Lease(options, state) as lease:  # and no obstacle for the next
        assert await first_words(lease)


async def test_a_missing_file_is_one_clear_error(options: EngineOptions, tmp_path: Path) -> None:
    with pytest.raises((EngineError, FileDamaged), match=r"not-here\.gguf"):
        async with Lease(
            msgspec.structs.replace(options, model_path=str(tmp_path / "not-here.gguf")), paths().state
        ):
            pass


async def test_a_home_with_a_long_path_works(options: EngineOptions, tmp_path: Path) -> None:
    state = tmp_path / ("long" * 30) / ("path" * 30)
    try:
        async with Lease(options, state) as lease:
            assert len(str(socket_path(state))) < 104
            assert await first_words(lease)
    finally:
        await running_engines(state, stop=True)
        shutil.rmtree(socket_path(state).parent)


async def test_stop_all_ends_everything(options: EngineOptions, capsys: pytest.CaptureFixture[str]) -> None:
    state = paths().state
    async with Lease(options, state) as lease:
        engine, supervisor = await engine_pid(state), supervisor_pid(state)
        assert await asyncio.to_thread(run_command, ["stop", "--all"]) == 0
        assert "1 engine ended" in capsys.readouterr().out
        assert await running_engines(state) is None
        await until(gone(engine))
        await until(gone(supervisor))
        with pytest.raises(EngineError):
            await lease.recovered(0)
    assert await asyncio.to_thread(run_command, ["stop", "--all"]) == 0
    assert "no engine" in capsys.readouterr().out


async def test_a_supervisor_of_another_version_is_replaced(
    options: EngineOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = paths().state
    async with Lease(options, state):
        old = supervisor_pid(state)
    reader, writer = await connect(state)
    await send(writer, Call("lease", options, protocol=99))
    assert b"outdated" in await reader.readline()
    writer.close()
    assert supervisor_pid(state) == old


@pytest.mark.parametrize(
    "line", [b"\n", b"{}\n", b"\xff\n", b'{"action": "dance"}\n', b"x" * 70_000 + b"\n", b""]
)
async def test_a_caller_that_is_not_ours_is_ignored(line: bytes, running: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(socket_path(running))
    with contextlib.suppress(ConnectionError):
        writer.write(line)
        writer.write_eof()
        await reader.read()
    writer.close()
    assert await running_engines(running) == []


@pytest.fixture
async def running() -> AsyncIterator[Path]:
    """A supervisor without an engine."""
    state = paths().state
    _, writer = await connect(state)
    yield state
    writer.close()
    await running_engines(state, stop=True)


def test_only_one_holds_the_claim(tmp_path: Path) -> None:
    with claim(tmp_path) as first, claim(tmp_path) as second:
        assert (first, second) == (True, False)
    with claim(tmp_path) as again:
        assert again


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(EngineError, match="not a folder of yours") as caught:
        private_folder(tmp_path)
    assert "PIERIAN_HOME" in caught.value.hint
