"""Questions about pictures, answered from measured values with looks as evidence."""

from pierian.reasoning.pictures.answering import answer_from_pictures
from pierian.reasoning.pictures.view import View

__all__ = ["View", "answer_from_pictures"]
