"""Questions that are answered with tools: which tools a request may use, and the work with them."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from pierian.assistant.request import AskRequest
from pierian.assistant.resources import Resources
from pierian.reasoning import Run

if TYPE_CHECKING:
    from pierian.agents import Desk, Session

_OWN = re.compile(r"\b(?:i|my|me|mine|we|our|us)\b", re.IGNORECASE)


async def tool_names(resources: Resources, request: AskRequest) -> tuple[str, ...]:
    """Tools of the request, else those of the settings, else those of the accounts that it is about."""
    if request.tools is not None:
        return request.tools
    if resources.settings.tools:
        from pierian.agents import named

        return named(resources.settings.tools)
    from pierian.agents.account_words import groups_about

    if not groups_about(request.question):
        return ()  # nothing else is loaded for most questions
    from pierian.agents.account_tools import groups_for

    return await groups_for(request.question, resources.database, request.owner)


def unlinked(request: AskRequest) -> str:
    """What to know where a question is about one's own days or mails and no account is linked that could tell."""
    from pierian.agents.account_words import groups_about

    if request.tools is not None or not (groups_about(request.question) and _OWN.search(request.question)):
        return ""
    return "No account with your calendar or mail is linked; `pierian accounts link` links one."


async def work_with_tools(run: Run, request: AskRequest, desk: Desk) -> Session | None:
    """The session of the plan that was carried out, or gone on with; None where the planner sees nothing to do."""
    from pierian.agents import act, find_entities, go_on, local_now
    from pierian.agents.account_tools import people_for

    if request.resumes:
        from pierian.runs import Journal

        journal = Journal(desk.database, request.owner)
        record = await asyncio.to_thread(journal.get, request.resumes)
        claim = await asyncio.to_thread(journal.claim, record.id, desk.worker.id)
        # "Today" is the day on which it was asked.
        entities = find_entities(request.question, now=record.created_at.astimezone())
        session = await go_on(run, desk, claim, tuple(desk.tools), entities)
    else:
        known = await people_for(request.question, desk.tools, desk.database, request.owner)
        entities = find_entities(request.question, now=local_now(), known=known)
        session = await act(run, desk, tuple(desk.tools), entities, request.writer)
    if session is not None:
        run.took = "agents"
    return session
