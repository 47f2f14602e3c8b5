"""Values that travel: what happens during a run, and the answer at its end."""

from pierian.events.answer import Answer, AnswerReady, Check, DraftOutcome, DraftRecord, Receipt, Spend
from pierian.events.codec import Event, decode, encode
from pierian.events.model import EngineRestarted, ModelLoading, ModelReady, PromptRead
from pierian.events.reasoning import (
    CalculationCorrected,
    DraftCancelled,
    DraftFinished,
    DraftStarted,
    DraftVoided,
    Escalated,
    Merging,
    ProgramRun,
    Revising,
    Routed,
    SecondLook,
    Token,
    ValueMissing,
)

__all__ = [
    "Answer",
    "AnswerReady",
    "CalculationCorrected",
    "Check",
    "DraftCancelled",
    "DraftFinished",
    "DraftOutcome",
    "DraftRecord",
    "DraftStarted",
    "DraftVoided",
    "EngineRestarted",
    "Escalated",
    "Event",
    "Merging",
    "ModelLoading",
    "ModelReady",
    "ProgramRun",
    "PromptRead",
    "Receipt",
    "Revising",
    "Routed",
    "SecondLook",
    "Spend",
    "Token",
    "ValueMissing",
    "decode",
    "encode",
]
