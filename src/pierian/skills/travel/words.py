"""Whether a request asks for a trip to be planned: told by its words, before anything is loaded."""

from __future__ import annotations

import re

_ASKS = r"plan|book|find|organi[sz]e|arrange|prepare|work out|look for|search|draft|propose|suggest|get"
_TRIP = (
    r"(?:trips?|journeys?|flights?|vacations?|holidays?|getaways?|city ?breaks?|weekends? away|travel)"
    r"|(?:days|nights) (?:in|at|to) [A-Z]|(?:a|one|the|next) (?:\w+ )?(?:day|night|weekend|week) (?:in|at|to) [A-Z]"
)
_ABOUT_ONE = re.compile(rf"\b(?i:{_ASKS})\b.{{0,80}}?\b(?:{_TRIP})", re.DOTALL)
_WANTS_TO_GO = re.compile(
    r"\b(?i:i|we)(?i:'d| would)? (?i:want|like|need) (?i:to (?:go|fly|travel) to) [A-Z]"
    r"|^\s*(?:(?i:an?|the|our|my) (?:\w+ )?)?(?i:fly|flights?|trip|holiday|vacation) .*\b(?:to|in) [A-Z]"
)
_OF_OTHERS = re.compile(
    r"\b(?i:cancel|move|when is|when was|show me my|list my|rename|delete|what does|how much (?:is|was|did)"
    r"|e-?mails?|mails?|letter|messages?|translate|explain|how to|packing|weather|forecast|pictures?|photos?|read"
    r"|write|summari[sz]e|remind|recipe|song|story|poem|essay|at home)\b"
)


def is_about_a_trip(request: str) -> bool:
    """Whether a trip is to be planned; a question about one that is planned already is none."""
    if _OF_OTHERS.search(request):
        return False
    return bool(_ABOUT_ONE.search(request) or _WANTS_TO_GO.search(request))
