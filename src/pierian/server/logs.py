"""The server's log: one line for each request, for a person or as JSON, never with what a message says."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        fields: dict[str, Any] = getattr(record, "fields", {})
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **fields,
        }
        if record.exc_info:
            told["fault"] = self.formatException(record.exc_info)
        return msgspec.json.encode(told, enc_hook=str).decode()


class PlainLines(logging.Formatter):
    """Time, what happened, and its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        fields: dict[str, Any] = getattr(record, "fields", {})
        shown = " ".join(f"{name}={_in_line(value)}" for name, value in fields.items())
        line = " ".join(part for part in (at, record.getMessage(), shown) if part)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _in_line(value: Any) -> str:
    """A value that cannot pass for another line or another field."""
    text = str(value)
    return text if text.isprintable() and " " not in text else msgspec.json.encode(text).decode()


def set_up(*, as_json: bool) -> None:
    """Send what the server and uvicorn tell to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else PlainLines())
    for name, level in (
        ("pierian", logging.INFO),
        ("uvicorn.error", logging.WARNING),
        ("litestar", logging.ERROR),
    ):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
    logging.getLogger("uvicorn.access").disabled = True
