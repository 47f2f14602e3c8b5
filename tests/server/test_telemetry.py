"""Spans of answers, as a collector receives them."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.server.running import running

from pierian.exceptions import SettingsError
from pierian.server import telemetry
from pierian.testing import FunctionalModel, Refuse

received: list[ExportTraceServiceRequest] = []


class Collector(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    received.clear()
    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    server.server_close()
    thread.join()


def test_each_answer_is_a_span_without_its_text(collector: None) -> None:
    with running(FunctionalModel(lambda request: "secret words", name="small")) as one, one.http() as http:
        asked = {
            "model": "small",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": "hidden question"}],
        }
        http.post("/v1/chat/completions", json=asked)
        one.upstream.faults = (Refuse(500, "broken"),)
        http.post("/v1/chat/completions", json=asked)
    spans = [s for r in received for rs in r.resource_spans for ss in rs.scope_spans for s in ss.spans]
    assert [span.name for span in spans] == ["chat small", "chat small"]
    attributes = {one.key: one.value for one in spans[0].attributes}
    assert attributes["gen_ai.usage.output_tokens"].int_value == 2
    assert attributes["gen_ai.request.max_tokens"].int_value == 9
    assert attributes["gen_ai.response.finish_reasons"].array_value.values[0].string_value == "stop"
    assert {one.key for one in spans[1].attributes} >= {"error.type"}
    assert "secret" not in str(spans)
    assert "hidden" not in str(spans)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(telemetry, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="not installed"):
        telemetry.Telemetry()
