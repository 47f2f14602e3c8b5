"""What Prometheus reads at `/metrics`: requests, answers, tokens, seconds. No text, and no names of users."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600)


class Metrics:
    """The counters of one server process."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = own = CollectorRegistry()
        self._requests = Counter(
            "pierian_http_requests",
            "Requests by route and status.",
            ("route", "method", "status"),
            registry=own,
        )
        self._seconds = Histogram(
            "pierian_http_request_seconds",
            "Seconds from a request to the end of its response.",
            ("route",),
            buckets=SECONDS,
            registry=own,
        )
        self._first = Histogram(
            "pierian_first_token_seconds",
            "Seconds from a request to the first piece of its answer.",
            ("model",),
            buckets=SECONDS,
            registry=own,
        )
        self._answers = Counter(
            "pierian_answers", "Answers by model and how they ended.", ("model", "end"), registry=own
        )
        self._tokens = Counter("pierian_tokens", "Tokens by model and kind.", ("model", "kind"), registry=own)
        self.answering = Gauge("pierian_answers_in_progress", "Answers in progress.", registry=own)

    def responded(self, route: str, method: str, status: int, seconds: float) -> None:
        """A response has ended."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def first(self, model: str, seconds: float) -> None:
        """The first piece of an answer is there."""
        self._first.labels(model).observe(seconds)

    def answered(
        self, model: str, end: str, *, prompt: int = 0, cached: int = 0, completion: int = 0
    ) -> None:
        """An answer has ended, with what it used."""
        self._answers.labels(model, end).inc()
        for kind, count in (("prompt", prompt), ("cached", cached), ("completion", completion)):
            self._tokens.labels(model, kind).inc(count)

    def text(self) -> bytes:
        """All of it in Prometheus' format."""
        return generate_latest(self._registry)
