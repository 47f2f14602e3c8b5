"""The one door to everything: `Assistant.stream(request)` yields events, the answer last."""

from pierian.assistant.assistant import Assistant, ask
from pierian.assistant.request import AskRequest, checked_question, without_password

__all__ = ["AskRequest", "Assistant", "ask", "checked_question", "without_password"]
