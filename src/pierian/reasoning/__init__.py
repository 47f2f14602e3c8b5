"""Modes and how they reason: drafts, checks, agreement."""

from pierian.reasoning.auto import answer_automatically
from pierian.reasoning.contemplating import contemplate
from pierian.reasoning.finishing import finished
from pierian.reasoning.instant import answer_instantly
from pierian.reasoning.mode import Mode
from pierian.reasoning.question import Kind, Question, classify
from pierian.reasoning.run import Draft, Prices, Run
from pierian.reasoning.shaping import shape
from pierian.reasoning.thinking import long_prefixes, settle, think

__all__ = [
    "Draft",
    "Kind",
    "Mode",
    "Prices",
    "Question",
    "Run",
    "answer_automatically",
    "answer_instantly",
    "classify",
    "contemplate",
    "finished",
    "long_prefixes",
    "settle",
    "shape",
    "think",
]
