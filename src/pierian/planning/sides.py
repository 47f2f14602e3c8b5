"""Which part of a day a time leaves: `not before ten`, `gone by four`, `joins at nine`, `no use after six`.

Told by the little word before the time, by whether somebody comes or goes then, and by whether the clause denies or
allows. Where it tells nothing, the caller's own expectation holds: what is said of a person's calendar is when they
cannot, what is said of the whole plan is when it can be.
"""

from __future__ import annotations

import re
from typing import Literal

Side = Literal["from", "until"]
"""What is left of a day: the time from then on, or until then."""

_ABOUT = r"\s*(?:(?:about|around|roughly|say|exactly|sharp|the|\w{1,2})\s+)?$"
_EARLIER = re.compile(
    r"(?:\b(?:before|until|till?|by|up to|prior to|(?:earlier|sooner|later) than|ahead of|short of|to)|<|≤)"
    + _ABOUT,
    re.IGNORECASE,
)
_LATER = re.compile(
    r"(?:\b(?:after|from|since|past|later than|beyond|as of|following|upwards? of|starting(?: at| from)?"
    r"|beginning(?: at)?|onwards? from|earliest)|>|≥)" + _ABOUT,
    re.IGNORECASE,
)
_NO_LATER = re.compile(
    r"\b(?:no|not|never|nothing|n['’]t)\s+(?:\w+\s+){0,3}later than" + _ABOUT, re.IGNORECASE
)
_LATER_THAN = re.compile(r"\blater than" + _ABOUT, re.IGNORECASE)
_BY = re.compile(r"\bby" + _ABOUT, re.IGNORECASE)
_DENIED = re.compile(
    r"(?:\b(?:no|not|never|nothing|nobody|none|cannot|without|neither|nor)\b|n['’]t\b)(?:\s+[\w'’]+){0,4}\s*$",
    re.IGNORECASE,
)
DENIES = re.compile(
    r"\b(?:no|not|never|nothing|nobody|none|cannot|neither|nor|without|too (?:early|late)|avoid\w*|hates?|hating|"
    r"dislikes?|refus\w+|impossible|unavailable|un\w+able|busy|booked|blocked|taken|tied up|asleep|sleep\w*|gone|"
    r"away|"
    r"rul\w+ out|alone|in peace|off[- ]limits|out of the question|occupied|engaged|reserved|"
    r"meetings?|appointments?|exclud\w+|out|conflicts?|clash\w*|problem|trouble|bad|terrible|awful|useless|rather)\b"
    r"|n['’]t\b",
    re.IGNORECASE,
)
ALLOWS = re.compile(
    r"\b(?:only|available|free|can(?!['’]t)|could|works?|fine|ok(?:ay)?|good|great|perfect|happy|prefers?|must|"
    r"has to|"
    r"have to|needs? to|joins?|around|stays?|there|in|open|possible|reachable|ideal\w*|best|likes?|loves?|suits?)\b",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"\b(?:no (?:problem|trouble|issue)s?|(?:does|do)(?:n['’]t| not) mind|not only)\b", re.IGNORECASE
)
_GOES = re.compile(
    r"\b(?:leaves|leaving|(?:to|must|should|will|would|can) leave|heads? (?:off|home|out)|heading (?:off|home|out)|"
    r"go(?:es|ing)? (?:home|off|out)|out the door|"
    r"out of (?:here|the (?:door|office|building))|"
    r"ends?|ending|finish\w*|stops?|clos\w+|done|over|wrap\w*|depart\w*|call(?:s|ing)? it a day|quits?|knock\w* off|"
    r"(?:sign|log|clock)s? (?:off|out)|to catch|picks? up|has to go|have to go|must go|gone)\b",
    re.IGNORECASE,
)
_COMES = re.compile(
    r"\b(?:arriv\w+|com(?:es?|ing) (?:in|on|round|to|back)|gets? (?:in|up|there|back|to)|"
    r"getting (?:in|up|there|back)|"
    r"shows? up|showing up|starts?|begins?|joins?|joining|opens?|lands?|wakes?|turns? up|appears?|returns?|is back|"
    r"(?:sign|log|clock)s? (?:on|in)|starting|beginning)\b",
    re.IGNORECASE,
)
_AND_ON = re.compile(
    r"\s*(?:(?:or|and) (?:later|after)|on(?:wards?)?\b(?!\s+\w+day)|at the earliest|earliest)", re.IGNORECASE
)
_AT_MOST = re.compile(r"\s*(?:(?:or|and) (?:earlier|before|sooner)|at the latest|latest)\b", re.IGNORECASE)


def side_of(clause: str, before: str, after: str, *, wanted: bool) -> Side | None:
    """What a time leaves of its day; None where nothing says more than a moment.

    `clause` is the whole clause, `before` and `after` what stands between the time and what is named beside it.
    `wanted` is whether it is told when something can be.
    """
    if _AT_MOST.match(after) or _NO_LATER.search(before):
        return "until"
    if re.match(r"\s*(?:at the )?earliest", after):
        return "from"
    told = _HARMLESS.sub(" ", clause)
    later = bool(_LATER.search(before)) or bool(_LATER_THAN.search(before)) or bool(_AND_ON.match(after))
    earlier = not later and bool(_EARLIER.search(before))
    word = _EARLIER.search(before) or _LATER.search(before)
    denied = bool(_DENIED.search(before[: word.start()] if word else before))
    if _GOES.search(before) or (not word and _GOES.match(after.strip())):
        return "from" if denied and earlier else "until"
    if _COMES.search(before):
        return "until" if later and DENIES.search(told) else "from"
    if not (earlier or later):
        return None
    if earlier and _BY.search(before):
        return "until"
    denies = denied or bool(DENIES.search(told)) or (not wanted and not ALLOWS.search(told))
    return ("from" if denies else "until") if earlier else ("until" if denies else "from")
