"""Whether a request asks to find a time, an order or a route: told by its words, before anything is loaded.

Meant to be precise rather than complete: what is taken here and then cannot be read goes the usual way.
"""

from __future__ import annotations

import re

_LENGTH = r"(?:hours?|minutes?|mins?|time|slot|gap|moment)"
_FIND = re.compile(
    r"\b(?:find|need|want|looking for|look for|suggest|propose|pick|get|give)\b[^.?!]{0,40}?"
    rf"\b(?:an?|one|two|three|half|some|\d+)(?:[ -]an?)?[ -](?:\w+[ -]){{0,2}}{_LENGTH}\b"
    rf"|\b(?:find|suggest|propose|pick) (?:me |us )?(?:\w+ ){{0,3}}{_LENGTH}\b"
    r"|\bwhen (?:can|could|shall|should|might|would|do) (?:[\w,]+ ){1,9}"
    r"(?:meet|talk|call|get together|speak|catch up)\b"
    r"|\b(?:squeeze|fit|pencil|slot) (?:\w+ ){0,6}in\b|\b(?:common|free|suitable|possible) (?:slot|time|date)\b",
    re.IGNORECASE,
)
_SET_UP = re.compile(
    r"\b(?:schedule|arrange|set up|organi[sz]e|plan) (?:an?|one|the) (?:\w+[ -]){0,4}"
    r"(?:meeting|call|session|chat|talk)\b",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:between|busy|free|available|unavailable|booked|schedules|not (?:before|after)|earliest|"
    r"no (?:earlier|later))\b",
    re.IGNORECASE,
)
"""What tells that the time is not given: without these, a meeting to set up has its time and is entered."""
_VISIT = re.compile(
    r"\b(?:as many (?:\w+ ){0,3}(?:friends|people|of them|places)|best route|itinerary|order works?"
    r"|in (?:this|that|what|which|the (?:right|best)) (?:order|sequence)|what order|which order"
    r"|visit (?:these|those|the following|my|all|several)|whom? (?:can|do|should) I (?:see|meet|visit))\b",
    re.IGNORECASE,
)
_ANOTHER = re.compile(
    r"^\s*(?:please\s+)?(?:what(?:'s| is| was| are)|how (?:many|much|long|do|does|to)|when (?:is|was|does|did)|did\b"
    r"|does\b|is\b|list\b|show\b|explain|translate|write|summari[sz]e|cancel|delete|move|reschedule|rename|remind|why)",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:this|next) week\b|\btomorrow\b|\btoday\b"
    r"|\b\d{1,2}[:.h]\d{2}\b|\b\d{1,2}\s?[ap]\.?m\b|\b(?:mornings?|afternoons?|evenings?)\b|\bo['’]clock\b"
    r"|\b(?:before|after|until|between|from|at) (?:\d{1,2}|ten|nine|eight|noon|one|two|three|four|five)\b"
    r"|\b(?:days?|nights?)\b",
    re.IGNORECASE,
)
_ENTRY = re.compile(
    r"\b(?:put|enter|add|write|save) (?:it|that|this|them|the \w+|an? \w+)(?: \w+)? (?:in(?:to)?|to|on) "
    r"(?:my|our|the) (?:\w+ )?(?:calendar|diary|agenda)|\b(?:and|then) (?:book|schedule|invite|reserve)\b"
    r"|\bsend (?:out )?(?:the |an )?invit\w+|\bcalendar entry\b|\bbook (?:it|that|the \w+)\b"
    r"|\binvite (?:them|everybody|everyone|us|all)\b",
    re.IGNORECASE,
)

_SHORT = 300
"""Characters: a longer request tells by itself who is busy when."""
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_UNSURE = re.compile(
    r"\bnot (?!before\b|after\b|earlier\b|later\b)|n['’]t\b"
    r"|\b(?:cannot|except|excluding|but|unless|unlike|without|away|holidays?|vacation|impossible|(?<!-)off|instead"
    r"|rather|mind|time ?zone)\b|\d ?(?:[ap]\.?m\.?)? (?-i:[A-Z])[a-z]+ time\b"
    r"|\b(?:before|after|until|till|by|from|between|since) (?:the )?"
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}|{_MONTH} \d|{_DAY})",
    re.IGNORECASE,
)
"""What turns a time into its opposite or bounds days, in ways that are not read yet. Such a short request is left to
the planner: a limit that is read the wrong way round gives a plan that looks checked."""


def is_sure(request: str) -> bool:
    """Whether the limits of a short request are of the kinds that are read."""
    return len(request) > _SHORT or _UNSURE.search(request) is None


def tells_all(request: str) -> bool:
    """Whether a request has the times that it is about in itself."""
    return len(request) > _SHORT or len(_TIMES.findall(request)) >= 3


def is_about_arranging(request: str) -> bool:
    """Whether something is to be arranged."""
    if _ANOTHER.match(request) or not _TIMES.search(request):
        return False
    if _SET_UP.search(request) and _OPEN.search(request):
        return True
    return bool(_FIND.search(request) or _VISIT.search(request))


def wants_entry(request: str) -> bool:
    """Whether what is found is to go into the calendar."""
    return bool(_ENTRY.search(request))
