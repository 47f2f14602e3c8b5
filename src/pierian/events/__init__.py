"""Values that travel: what happens during a run, and the answer at its end."""

from pierian.events.answer import Answer, AnswerReady, Check, Receipt, Spend
from pierian.events.codec import Event, decode, encode
from pierian.events.model import EngineRestarted, ModelLoading, ModelReady, PromptRead
from pierian.events.reasoning import (
    CalculationCorrected,
    DraftFinished,
    DraftStarted,
    DraftVoided,
    ProgramRun,
    Routed,
    SecondLook,
    Token,
)

__all__ = [
    "Answer",
    "AnswerReady",
    "CalculationCorrected",
    "Check",
    "DraftFinished",
    "DraftStarted",
    "DraftVoided",
    "EngineRestarted",
    "Event",
    "ModelLoading",
    "ModelReady",
    "ProgramRun",
    "PromptRead",
    "Receipt",
    "Routed",
    "SecondLook",
    "Spend",
    "Token",
    "decode",
    "encode",
]
