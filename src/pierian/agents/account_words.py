"""Whether a request is about calendars, mail or contacts: told by its words, before anything is loaded or planned."""

from __future__ import annotations

import re

_WORDS = {
    "calendar": r"calendars?|agenda|appointments?|meetings?|my (?:\w+ )?events?|(?:re)?schedule|invit(?:e|ation)s?"
    r"|(?:am|are|is) (?:i|we) (?:\w+ )?(?:free|busy)|free (?:slot|time|hour)s?"
    r"|(?:do|will|did) (?:i|we) (?:\w+ )?meet"
    r"|(?:my|our) (?:[\w'’-]+ ){1,4}(?:today|tomorrow|tonight|(?:this|next) week"
    r"|on (?:mon|tues|wednes|thurs|fri|satur|sun)day)",
    "mail": r"e-?mails?|mails?|mailbox|inbox|(?:reply|answer|write|forward|respond) (?:\w+ ){0,6}to"
    r"|(?:wrote|written|sent|replied|answered) (?:to )?(?:me|us)",
    "contacts": r"contacts?|address book|(?:phone|telephone|mobile) number|(?:e-?mail|mail) address|who is",
}


def groups_about(request: str) -> tuple[str, ...]:
    """The groups of account tools that a request may need; where one is needed, contacts too."""
    found = {name for name, words in _WORDS.items() if re.search(rf"\b(?:{words})\b", request, re.IGNORECASE)}
    return tuple(name for name in _WORDS if name in found or (found and name == "contacts"))
