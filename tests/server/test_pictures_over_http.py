"""Pictures over HTTP: read by a mode in all formats, seen by a model without their metadata, refused in words."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from PIL import Image
from tests.server.running import Running, started, until
from tests.server.test_runs_api import followed
from tests.vision.drawing import page

from pierian.config import Settings
from pierian.models.wire import Request
from pierian.server import pictures
from pierian.testing import FunctionalModel, serve_in_thread
from pierian.toolbox.fetching import Fetcher

PLACE = (140, 60)
PRINTED = "Total 12.30"
SECRET = "Anna Secret, 47 Hidden Lane"


def photograph(words: str = PRINTED) -> bytes:
    """A JPEG of a till's slip that says who took it."""
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = SECRET
    out = io.BytesIO()
    page(420, 160, [(PLACE, words)], size=40).save(
        out, "JPEG", quality=95, exif=exif, comment=SECRET.encode()
    )
    return out.getvalue()


PHOTOGRAPH = photograph()
DATA = base64.b64encode(PHOTOGRAPH).decode()
URL = f"data:image/jpeg;base64,{DATA}"
ASKED = "What is the total?"


def reply(request: Request) -> str:
    """What a model that sees says: the right words, badly placed."""
    if request.schema is None:
        return "A slip of a till."
    claim = {"kind": "read", "what": "the total", "value": "12.30", "picture": 1, "box": [0, 0, 200, 200]}
    return json.dumps({"zoom": [], "claims": [claim], "shown": True, "answer": "The total is 12.30."})


@pytest.fixture(scope="module")
def api() -> Iterator[Running]:
    with serve_in_thread(FunctionalModel(reply, name="qwen3-vl-4b")) as upstream:
        settings = Settings(base_url=upstream.base_url, model="qwen3-vl-4b", fetch_pictures=True)
        with started(settings, upstream) as one:
            yield one


CHAT = {"messages": [{"role": "user", "content": [{"type": "text", "text": ASKED}, {"type": "image_url", "image_url": {"url": URL}}]}]}  # fmt: skip
RESPONSES = {"input": [{"role": "user", "content": [{"type": "input_text", "text": ASKED}, {"type": "input_image", "image_url": URL}]}]}  # fmt: skip
SOURCE = {"type": "base64", "media_type": "image/jpeg", "data": DATA}
MESSAGES = {"max_tokens": 500, "messages": [{"role": "user", "content": [{"type": "image", "source": SOURCE}, {"type": "text", "text": ASKED}]}]}  # fmt: skip
FORMATS = {"/v1/chat/completions": CHAT, "/v1/responses": RESPONSES, "/v1/messages": MESSAGES}


@pytest.mark.parametrize("path", FORMATS)
def test_a_mode_reads_the_picture_of_a_question(api: Running, path: str) -> None:
    with api.http() as http:
        came = http.post(path, json=FORMATS[path] | {"model": "pierian-instant"})
    assert came.status_code == 200, came.text
    assert "The total is 12.30." in came.text
    told = came.json()["pierian"]
    place = {"width": 420, "height": 160, "turned": 0, "page": 1}
    assert told["pictures"] == [{"picture": 1, "name": "The picture"} | place]
    look = told["looks"][-1]
    assert look["found"] == "the total: 12.30" and look["confidence"] > 0.9
    corners = look["region"]["corners"]
    # The model pointed at the upper left corner: the readers know where it stands.
    assert min(one["x"] for one in corners) > 120 and min(one["y"] for one in corners) > 40
    assert told["claims"] == [{"text": "The total is 12.30.", "looks": [look["number"]]}]


def test_nothing_but_pixels_goes_to_a_model(api: Running) -> None:
    with api.http() as http:
        for model in ("pierian-instant", "qwen3-vl-4b"):
            assert http.post("/v1/chat/completions", json=CHAT | {"model": model}).status_code == 200
            (sent,) = [
                part["image_url"]["url"]
                for part in api.upstream.bodies[-1]["messages"][-1]["content"]
                if part["type"] == "image_url"
            ]
            content = base64.b64decode(sent.partition(",")[2])
            assert SECRET.encode() in PHOTOGRAPH and SECRET.encode() not in content
            shown = Image.open(io.BytesIO(content))
            assert (shown.size, dict(shown.getexif())) == ((420, 160), {})


def test_a_run_tells_its_looks_as_they_are_taken(api: Running) -> None:
    asked = {"question": ASKED, "mode": "instant", "images": [URL]}
    with api.http() as http:
        made = http.post("/v1/runs", json=asked)
        assert made.status_code == 202, made.text
        events = [event for _, event in followed(http, made.json()["id"])]
    kinds = [event["event"] for event in events]
    assert kinds.index("picture_read") < kinds.index("look_taken") < kinds.index("answer_ready")
    answer = events[-1]["answer"]
    assert answer["receipt"]["looks"][0]["found"] == "the total: 12.30"


def test_a_follow_up_is_about_the_same_picture(api: Running) -> None:
    turns = [
        *CHAT["messages"],
        {"role": "assistant", "content": "12.30"},
        {"role": "user", "content": "Sure?"},
    ]
    with api.http() as http:
        came = http.post("/v1/chat/completions", json={"model": "pierian-instant", "messages": turns})
    assert came.json()["pierian"]["looks"]


def content_of(*urls: str) -> dict[str, Any]:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    asked = [{"type": "text", "text": ASKED}, *parts]
    return {"model": "pierian-instant", "messages": [{"role": "user", "content": asked}]}


@pytest.mark.parametrize(
    ("urls", "code", "words"),
    [
        (
            (f"data:image/png;base64,{base64.b64encode(b'no picture').decode()}",),
            "invalid_image_format",
            "type",
        ),
        ((f"data:image/jpeg;base64,{base64.b64encode(PHOTOGRAPH[:300]).decode()}",), "invalid", "picture"),
        (("data:image/bmp;base64,Qk0=",), "unsupported_image_media_type", "image/tiff"),
        ((URL,) * 11, "too_many_images", "at most 10"),
        (("http://127.0.0.1:1/chart.png",), "invalid_image_url", "cannot be had"),
        (("ftp://example.org/chart.png",), "invalid_image_url", "data:"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(
    api: Running, urls: tuple[str, ...], code: str, words: str
) -> None:
    with api.http() as http:
        came = http.post("/v1/chat/completions", json=content_of(*urls))
        error = came.json()["error"]
        assert (came.status_code, error["code"].startswith(code)) == (400, True), came.text
        assert words in error["message"]


def test_a_server_without_the_packages_says_which(api: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "missing", lambda: ["rapidocr"])
    with api.http() as http:
        for model in ("pierian-instant", "qwen3-vl-4b"):
            came = http.post("/v1/chat/completions", json=CHAT | {"model": model})
            assert came.status_code == 400 and came.json()["error"]["code"] == "vision_not_supported"
            assert "rapidocr" in came.text and "pierian[vision]" in came.text
        came = http.post("/v1/runs", json={"question": ASKED, "images": [URL]})
        assert came.status_code == 400 and "rapidocr" in came.text


class Shelf(BaseHTTPRequestHandler):
    """A web server with one picture."""

    def do_GET(self) -> None:
        found = self.path == "/slip.jpg"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(PHOTOGRAPH if found else b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the library
        pass


def test_a_picture_is_fetched_only_where_the_settings_allow_it(
    api: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    Thread(target=shelf.serve_forever, daemon=True).start()
    port = shelf.server_address[1]
    asked = content_of(f"http://127.0.0.1:{port}/slip.jpg")
    try:
        with api.http() as http:
            refused = http.post("/v1/chat/completions", json=asked)
            assert refused.status_code == 400 and "open web" in refused.text  # as everywhere on this machine
            monkeypatch.setattr(api.service, "fetcher", Fetcher(allowed=lambda address: True, ports=(port,)))
            came = http.post("/v1/chat/completions", json=asked)
            assert came.status_code == 200 and "12.30" in came.text
            closed = Settings(base_url=api.upstream.base_url, model="qwen3-vl-4b")
            monkeypatch.setattr(api.service, "settings", closed)
            refused = http.post("/v1/chat/completions", json=asked)
            assert refused.status_code == 400 and "by its address" in refused.text
    finally:
        shelf.shutdown()
        shelf.server_close()


def test_a_run_whose_picture_turns_out_to_be_damaged_fails_in_words(api: Running) -> None:
    url = f"data:image/jpeg;base64,{base64.b64encode(PHOTOGRAPH[:300]).decode()}"
    with api.http() as http:
        made = http.post("/v1/runs", json={"question": ASKED, "mode": "instant", "images": [url]}).json()
        until(lambda: http.get(f"/v1/runs/{made['id']}").json()["state"] == "failed")
        assert "picture" in http.get(f"/v1/runs/{made['id']}").json()["error"]["message"]
