"""A span for each answer, in OpenTelemetry's conventions for generative models, where an exporter is configured.

It is switched on by OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_SERVICE_NAME` …), and without
them nothing of it is loaded. Spans have names and counts, never what a message says.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pierian.exceptions import SettingsError
from pierian.server.call import Call, Used

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Telemetry:
    """The spans of one server process. Raises `SettingsError` where the packages for them are missing."""

    def __init__(self) -> None:
        self._provider: TracerProvider | None = None
        if any(os.environ.get(name) for name in ENDPOINTS):
            self._provider = _provider()

    def begin(self, call: Call) -> AnswerSpan:
        """The span of an answer that is about to be made."""
        if self._provider is None:
            return AnswerSpan(None)
        span = self._provider.get_tracer("pierian.server").start_span("chat")
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.provider.name", "pierian")
        asked = {
            "gen_ai.request.max_tokens": call.max_tokens,
            "gen_ai.request.temperature": call.temperature,
            "gen_ai.request.top_p": call.top_p,
            "gen_ai.request.seed": call.seed,
        }
        for name, value in asked.items():
            if value is not None:
                span.set_attribute(name, value)
        return AnswerSpan(span)

    def close(self) -> None:
        """Send what has gathered."""
        if self._provider is not None:
            self._provider.shutdown()


class AnswerSpan:
    """The span of one answer; nothing where none is wanted."""

    def __init__(self, span: Span | None) -> None:
        self._span = span

    def answered(self, reason: str, used: Used) -> None:
        """How it ended and what it used."""
        if self._span is not None:
            self._span.set_attribute("gen_ai.response.finish_reasons", [reason])
            self._span.set_attribute("gen_ai.usage.input_tokens", used.prompt_tokens)
            self._span.set_attribute("gen_ai.usage.output_tokens", used.completion_tokens)

    def end(self, model: str, error: BaseException | None) -> None:
        """It is over; `model` is one that there is, or `unknown`."""
        if self._span is None:
            return
        self._span.update_name(f"chat {model}")
        self._span.set_attribute("gen_ai.request.model", model)
        if error is not None:
            from opentelemetry.trace import StatusCode

            self._span.set_attribute("error.type", type(error).__name__)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def _provider() -> TracerProvider:
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        raise SettingsError(
            "An OpenTelemetry endpoint is set, and the packages for it are not installed.",
            hint=f"pip install 'pierian[telemetry]', or unset {ENDPOINTS[0]}.",
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(
        resource=Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "pierian")}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
