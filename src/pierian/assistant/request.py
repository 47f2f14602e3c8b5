"""What can be asked of an assistant, as a value, and the checks of a question's text."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from pierian.budget import DailyCap
from pierian.events import CalledTool
from pierian.exceptions import QuestionError
from pierian.models.wire import Message, OfferedTool
from pierian.reasoning import Mode, Prices
from pierian.runs import JournalWriter
from pierian.vision.picture_file import PictureFile

MAX_QUESTION_CHARACTERS = 400_000


class AskRequest(Struct, frozen=True, kw_only=True):
    """One question. None means what the settings say."""

    question: str
    mode: Mode | None = None
    history: Sequence[Message] = ()
    drafts: int | None = None
    """Most drafts of a contemplating run."""
    seed: int | None = None
    budget_tokens: int | None = None
    budget_seconds: float | None = None
    tools: tuple[str, ...] | None = None
    """Tools or groups of tools that may be used."""
    images: tuple[PictureFile, ...] = ()
    """Pictures that the question is about."""
    resumes: str = ""
    """Id of a journalled run to go on with; `question` and `tools` are then those of its record."""
    writer: JournalWriter | None = None
    """Of a run that is claimed already and whose other events whoever asks journals (`journalled`)."""
    author: str = ""
    """Source of the question where it is not the user who asks, such as `mcp-client`: its words are not the
    user's."""
    waits: bool = False
    """Whether somebody is there who answers approvals; otherwise the run is parked."""
    instructions: str = ""
    """Further instructions beside those of the settings."""
    offered: tuple[OfferedTool, ...] = ()
    """Tools that the asker carries out; the answer then may be calls of them."""
    called: tuple[CalledTool, ...] = ()
    """Calls that were made for this question already; what they gave stands in its text."""
    tool_choice: str = "auto"
    """`auto`, `none`, `required`, or the name of the offered tool to call."""
    parallel_calls: bool = True
    schema: Mapping[str, Any] | None = None
    """JSON schema that the answer's text has to fit."""
    cap: DailyCap | None = None
    """Where each model call is reserved and settled, in place of the daily caps of the settings."""
    prices: Prices | None = None
    """What tokens cost; None for the prices of the settings."""
    owner: str = "local"
    """Whose runs, approvals and rules these are."""
    stop: asyncio.Event | None = None
    """Set to end this run alone, with the best answer so far."""


def without_password(address: str) -> str:
    """An address that may be kept and shown."""
    return re.sub(r"//[^/@]*@", "//", address)


def checked_question(text: str) -> str:
    """The question as clean text; raises `QuestionError` where there is none or it cannot be meant."""
    if not text.replace("\x00", "").strip():
        raise QuestionError("The question is empty.", hint='Type it after the command: pierian ask "…"')
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise QuestionError(
            f"The question has {len(text):,} characters; {MAX_QUESTION_CHARACTERS:,} is the most that is read.",
            hint="Shorten it, or split it into several questions.",
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise QuestionError(
            "The question is not valid UTF-8 text.", hint="Check the encoding of the terminal or the file."
        ) from error
    return text.replace("\x00", "").strip()
