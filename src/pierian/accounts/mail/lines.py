"""Mails in lines for people, written by code from what a search found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pierian.tools.tool import Listing


def mail_lines(found: Any) -> list[str]:
    """A line for each mail."""
    return [_mail(one) for one in found]


MAILS = Listing(
    lines=mail_lines,
    nothing="There is no such mail.",
    answers=(
        r"(?:and |so |please |can you |could you )*"
        r"(?:which|what(?:'s| is| are)? (?:new|unread|mails?|e-?mails?)|who wrote|who (?:has )?(?:sent|written)"
        r"|is there|are there|do|does|did|have|has|any|show|list|find|how many)\b"
        r"(?!.*\b(?:how (?!many)|why|says?|said|asks?|asked|wants?|summar\w*|explain|about what|draft|write a)\b)"
    ),
)


def _mail(one: Mapping[str, Any]) -> str:
    sent = datetime.fromisoformat(one["sent"]) if one["sent"] else None
    when = f"{sent:%A} {sent.day} {sent:%B %Y}, {sent:%H:%M}: " if sent else ""
    name = f"{one['sender_name']} ({one['sender']})" if one["sender_name"] else one["sender"]
    unread = ", unread" if one["unread"] else ""
    files = f", with {', '.join(one['attachments'][:5])}" if one["attachments"] else ""
    where = f"({one['account']}/{one['mailbox']})"
    return f"{when}**{one['subject'] or 'without a subject'}** from {name}{files}{unread} {where}"
