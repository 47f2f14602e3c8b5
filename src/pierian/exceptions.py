"""Every error that Pierian raises, in one tree.

PierianError                      has a message and a hint: what to do next
├── UserError                     the request cannot be carried out as typed
│   ├── UnknownName               no such model, mode, setting …; names the nearest
│   ├── SettingsError             a setting is malformed or out of range
│   ├── QuestionError             the question is empty, too long or not text
│   ├── AccessDenied              a key, link, invitation, password or session is not valid (`access`)
│   └── TooManyAttempts           somebody tried to sign in too often (`access`)
├── RunError                      something failed while the request was carried out
│   ├── ModelError                a model server did not do its part
│   │   ├── ServerUnreachable     nothing answers at that address
│   │   ├── ServerTimeout         it accepted the request and then went silent
│   │   ├── ServerRefused         it answered with an error status
│   │   ├── ContextOverflow       the prompt is longer than the context
│   │   ├── StreamBroken          the stream ended early or was not in the wire format
│   │   └── SchemaIgnored         the output is not what the schema asked for
│   ├── EngineError               the embedded engine did not start or kept crashing
│   ├── ApproachError            an approach of a draft raised where it should have read its value
│   ├── DownloadError             no source of a model could be fetched
│   ├── FileDamaged               a model file is not GGUF, is cut off or has another hash
│   ├── DiskFull                  there is no room for what is to be written
│   ├── PlanError                 a plan is not well formed, too long, or refers to what is not there
│   ├── ToolFailure               a tool could not do its part (`tools.failure`)
│   ├── AccountError              a server of a connected account did not do its part (`accounts.troubles`)
│   └── StorageError              the database cannot be read or written
└── Signal                        control flow; shown only where it leaves no answer
    ├── BudgetExhausted           a reservation did not fit; of a key's: RateLimited, CapReached (`metering`)
    └── RunLost                   the run was cancelled, or another worker has taken it over

Messages are whole sentences for the person at the keyboard; faces print `str(error)` and `error.hint`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PierianError(Exception):
    """Base of all errors; `hint` says what to do next and may be empty."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UserError(PierianError):
    """The request cannot be carried out as it was typed."""


class UnknownName(UserError):
    """A name that is not among the known ones; the hint offers the nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
        known_ones = f"Known: {', '.join(names)}." if names else "There is none."
        hint = f"Did you mean {near[0]!r}?" if near else known_ones
        super().__init__(f"There is no {kind} called {name!r}.", hint=hint)
        self.kind, self.name, self.nearest = kind, name, near[0] if near else None


class SettingsError(UserError):
    """A setting is malformed or out of range."""


class QuestionError(UserError):
    """The question is empty, too long or not text."""


class RunError(PierianError):
    """Something failed while a request was carried out."""


class ModelError(RunError):
    """A model server did not do its part."""

    engine_generation = 0
    """Which life of the embedded engine it happened in; set by the model that streamed."""


class ServerUnreachable(ModelError):
    """Nothing answers at the server's address."""


class ServerTimeout(ModelError):
    """The server accepted the request and then went silent."""


class ServerRefused(ModelError):
    """The server answered with an error status."""

    def __init__(self, message: str, *, status: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class ContextOverflow(ModelError):
    """The prompt does not fit the model's context.

    `prompt_tokens` and `context_tokens` are None where the server did not say.
    """

    def __init__(self, *, prompt_tokens: int | None, context_tokens: int | None) -> None:
        if prompt_tokens and context_tokens:
            over = prompt_tokens - context_tokens
            size = f"{prompt_tokens:,} tokens, {over:,} more than the {context_tokens:,} that fit"
        else:
            size = "longer than the model's context"
        super().__init__(
            f"The conversation is too long for this model: {size}.",
            hint="Shorten the question, or drop the oldest turns (/drop in chat).",
        )
        self.prompt_tokens, self.context_tokens = prompt_tokens, context_tokens


class StreamBroken(ModelError):
    """The stream ended early or was not in the wire format; `partial` is the text before that."""

    def __init__(self, message: str, *, partial: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.partial = partial


class SchemaIgnored(ModelError):
    """The output is not what the schema asked for, after one repair."""


class EngineError(RunError):
    """The embedded engine did not start, or kept crashing."""


class ApproachError(RunError):
    """The code of an approach raised; its draft counts for nothing, the others go on."""


class DownloadError(RunError):
    """No source of a model could be fetched."""


class FileDamaged(RunError):
    """A model file is not GGUF, is cut off or has another hash than it should."""


class DiskFull(RunError):
    """There is no room for what is to be written."""


class PlanError(RunError):
    """A plan is not well formed, too long, or refers to what is not there."""


class StorageError(RunError):
    """The database cannot be read or written."""


class Signal(PierianError):
    """Control flow between rooms; a face shows it only where it leaves no answer."""


class BudgetExhausted(Signal):
    """A reservation did not fit; `limit` names the one that ran out."""

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


class RunLost(Signal):
    """The run was cancelled, or another worker has taken it over: whoever worked on it stops at once."""

    def __init__(self, run: str) -> None:
        super().__init__(f"The run {run} was cancelled or is carried on elsewhere.")
        self.run = run
