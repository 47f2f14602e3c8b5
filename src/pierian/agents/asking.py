"""Whether a request wants its user to be asked on the way, told by its own words.

Only then is a planner offered steps that wait for a yes. Whatever acts on other words than the user's is asked about
in any case (`gate`), and a small model that may always ask does so before everything. English only; a request whose
words are not recognised is planned without such steps.
"""

from __future__ import annotations

import re

_YES = r"(?:ok|okay|yes|approval|permission|consent|confirmation|agreement|go-?ahead)"
_LOOK = r"(?:approve|confirm|check|review|see|read|look|decide)"
_ASKS = re.compile(
    r"\b(?:"
    r"(?:ask|check with|consult) me\b(?! (?:to|about|anything|a|some|any|questions)\b)"
    r"|ask (?:first|before)\b"
    r"|confirm (?:\S+ ){0,3}with me"
    rf"|my (?:explicit |prior )?{_YES}\b"
    rf"|(?:let|have) me {_LOOK}\b"
    r"|show (?:it |them |that |this )?(?:to )?me\b[^.!?]{0,60}\b(?:first|before)\b"
    r"|(?:before|until|unless|once|after|only if|only when) i(?:'ve| have)? "
    r"(?:agree|approve|confirm|say|said|give|gave)\w*"
    rf"|i (?:want|need|would like|wish) to {_LOOK}\b[^.!?]{{0,60}}\b(?:first|before)\b"
    rf"|i'd like to {_LOOK}\b[^.!?]{{0,60}}\b(?:first|before)\b"
    r")",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(?:do not|don't|don’t|no need to|never|without|stop) "
    rf"(?:ask|asking|check|checking|confirm|confirming|waiting for|wait for|needing|my {_YES})\b",
    re.IGNORECASE,
)


def wants_asking(request: str) -> bool:
    """Whether the request says that its user wants to be asked before something is done."""
    text = " ".join(request.replace("’", "'").split())
    return _ASKS.search(text) is not None and _NOT.search(text) is None
