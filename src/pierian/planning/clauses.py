"""A request cut into clauses, each with what it names and, as far as its words tell, what kind of wish it is.

Sentences, lines and what stands between semicolons are told apart; a sentence is cut further where its
subject changes or a "but" turns it round. The kinds are few, and told by common words of English; where
these are missing or contradict each other the kind is left open, for the model to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, get_args

from msgspec import Struct

from pierian.planning.constraints import Source
from pierian.planning.mentions import Mention, mentions
from pierian.planning.naming import Names

ClauseKind = Literal["busy", "available", "free", "avoid", "earliest", "latest", "frame", "nothing"]
"""busy: somebody has no time then. available: only then. free: no limits. avoid: not then. frame: when the
whole thing can take place, and how long it is."""
KINDS: tuple[ClauseKind, ...] = get_args(ClauseKind)
ASKED_KINDS: tuple[ClauseKind, ...] = ("busy", "available", "avoid", "free", "frame", "nothing")
"""Those that a judge may choose from."""

_SENTENCE_END = re.compile(r"(?<![ap]\.m)(?<!\bhrs)(?<!\bapprox)[.!?]+(?=\s|$)|\n+|;|•")
_TURN = re.compile(
    r"(?<!\s),?\s+(?:but|except(?: that)?|however|whereas|while|although|though|yet)\b|,\s+(?:and|so)\s+(?=[A-Z])"
)
_SUBJECT = re.compile(r"(?:,|\band\b|,\s*and\b)\s+$")
_ELSE = re.compile(r"\b(?:I|we|you|it|everybody|everyone|nobody|meetings?)\b|n['’]t\b|\bno\b", re.IGNORECASE)
"""What else can be the subject of the part before."""
_VERB = re.compile(
    r"^\s*(?:['’]s\b|is\b|has\b|can\b|cannot|can['’]t|will\b|won['’]t|would|wants?\b|prefers?\b"
    r"|needs?\b|does|do not|hates?\b"
    r"|isn['’]t|works?\b|only\b|could|should|must|says?\b|asked|['’]ll\b|['’]d\b|from\b|at\b|in\b"
    r"|not\b|free\b|busy\b)"
)

_FREE = re.compile(
    r"\bno (?:\w+ )?(?:meetings|appointments|commitments|events|plans|bookings|conflicts|engagements|constraints|"
    r"restrictions|obligations)\b|\bnothing\b|\b(?:wide|completely|entirely|totally|fully"
    r"|all) (?:open|free|clear|available)\b"
    r"|\b(?:is|are|looks?|stays?|calendar) (?:\w+ )?(?:empty|clear)\b|\bany ?time\b|\balways (?:free|available)\b"
    r"|\bno commitments\b"
    r"|\bnot busy\b|\bflexible\b"
    r"|\botherwise (?:free|open|available)\b|\bthe rest\b|\bisn['’]t busy\b",
    re.IGNORECASE,
)
_AVOID = re.compile(
    r"\bcan(?:['’]t|not| not| neither| never)\b|\bwon['’]t\b|\bwill not\b|\bwould(?:n['’]t| not"
    r"| rather not| prefer not| like to"
    r" (?:avoid|skip)| hate)\b|\brather not\b|\bavoid\w*|\bdo(?:es)?(?:n['’]t| not)\b"
    r"|\bno (?:more )?(?:meetings?|later|earlier|"
    r"sooner|calls?)\b|\bnot (?:before|after|on|in|later|earlier|until|past|at|keen|meet|to meet"
    r"|a fan|happy|ideal|during|"
    r"the|any|between)\b|\bnever\b|\bnothing (?:before|after|on|in|past|earlier|later)\b|\bhates?\b"
    r"|\bdislikes?\b|\bskip\b"
    r"|\bexclud\w+|\bruled? out\b|\boff[- ]limits\b|\bprefers? not\b|\bexcept\b"
    r"|\bout of the question\b|\bis(?:n['’]t| not) (?:\w+ )?(?:keen|happy|fond|a fan|possible|good"
    r"|great|ideal)\b|\bnone\b|\brefuses?\b"
    r"|\bkeep \w+ (?:\w+ )?free\b|\bimpossible\b|\bunless\b|\bnor\b",
    re.IGNORECASE,
)
_BUSY = re.compile(
    r"\bbusy\b|\bbooked\b|\boccupied\b|\btied up\b|\bunavailable\b|\bnot (?:be )?(?:available"
    r"|free)\b|\bisn['’]t (?:available|free)\b"
    r"|\bblock\w*|\b(?:has|have|had|in|with|a) (?:\w+ )?(?:meetings?|appointments?|calls?|sessions?"
    r"|classes|class|commitments?|"
    r"engagements?)\b|\bengaged\b|\btaken\b|\bcommit\w+|\breserved\b|\bteach\w*\b"
    r"|\bout of (?:the )?office\b|\boff\b(?!-)|\bout (?:on|all|from|at)\b|\bgone\b"
    r"|\bhas something on\b|\baway\b|\bconflicts?\b"
    r"|\bappointments?\b|\bunreachable\b|\bmeetings? (?:at|on|from|during)\b|\balready has\b"
    r"|\bhas something\b|\bin a meeting\b",
    re.IGNORECASE,
)
_AVAILABLE = re.compile(
    r"\bfree\b|\bavailable\b|\bopen\b|\bonly\b|\bworks? (?:best|well|for|only)\b|\bcan (?:only "
    r"|just )?(?:do|make|meet|join|be)\b"
    r"|\bhas (?:a )?(?:time|gaps?|slots?|room)\b"
    r"|\bprefers?\b|\bpreferably\b|\bideally\b|\bwould (?:like|love|prefer)\b|\bsuits?\b"
    r"|\bwould (?:do|work|be (?:fine|good|great|ok))\b|\b(?:is|are) (?:fine|good|great|ok)\b"
    r"|\bhappy to\b|\bno (?:earlier|later|sooner) than\b",
    re.IGNORECASE,
)
_OUGHT = re.compile(r"\bmust\b|\b(?:has|have|needs?) to\b", re.IGNORECASE)
"""It must be over by then, they have to leave; with hours somebody has to be elsewhere."""
_EARLIEST = re.compile(
    r"\bearli?e?st\b|\bas (?:early|soon) as\b|\bsoonest\b|\bfirst (?:available|possible|free|common)\b|\basap\b",
    re.I,
)
_LATEST = re.compile(
    r"\blatest (?:possible|slot|time)\b|\bas late as possible\b|\blast possible\b", re.IGNORECASE
)
_FRAME = re.compile(
    r"\b(?:work(?:ing)?|office|business|core|opening) (?:hours?|day)\b|\b(?:schedule|arrange|set up"
    r"|organi[sz]e|find|book|plan|need|"
    r"looking for|fix|hold|put)\b.*\b(?:meeting|call|session|chat|slot|time|appointment|catch-?up"
    r"|get-?together|sync|interview|"
    r"review|workshop|conversation|hour|minutes|discussion|meet)\b|\b(?:meeting|call|session|it"
    r"|slot) (?:should|must|has to|needs to|"
    r"will|can|could) (?:be|last|take|fall|run|happen|start)\b|\blast(?:s|ing)?\b|\bduration\b",
    re.IGNORECASE | re.DOTALL,
)
_OFFICE = re.compile(
    r"\b(?:the|our|my) (?:office|shop|day|building|working day)\b|\b(?:possible|candidate) (?:days?"
    r"|times?)\b",
    re.IGNORECASE,
)
_CALENDAR = re.compile(
    r"\bcalendars?\b|\bappointments?\b|\bschedules?\b|\bagendas?\b|\bdiar(?:y|ies)\b"
    r"|\bcommitments?\b|\bmeetings\b",
    re.I,
)
SOFT = re.compile(
    r"\brather\b|\bprefers?\b|\bpreferably\b|\bideally\b|\bif (?:at all )?possible\b|\bwould (?:like"
    r"|love)\b|\bavoid\b|\bkeen\b"
    r"|\bideal\b|\bbest\b|\bfan\b",
    re.IGNORECASE,
)


_THIRD = re.compile(r"\b(?:he|she|they|his|her|their|him|them)\b", re.IGNORECASE)


class Clause(Struct, frozen=True):
    """One clause of a request."""

    source: Source
    mentions: tuple[Mention, ...]
    header: str = ""
    """The last line before it that ends in a colon, as long as no empty line came between."""
    goes_on: bool = False
    """Whether it is a further part of the sentence or line in which the clause before it stands."""

    @property
    def text(self) -> str:
        return self.source.text

    def of(self, *kinds: str) -> tuple[Mention, ...]:
        return tuple(one for one in self.mentions if one.kind in kinds)

    def named(self, among: Sequence[str]) -> tuple[Mention, ...]:
        return tuple(one for one in self.mentions if one.kind == "name" and one.value in among)


def clauses(text: str, names: Names) -> list[Clause]:
    """The clauses of a request, in order."""
    found: list[Clause] = []
    all_mentions = mentions(text, names.all)
    header, paragraph = "", 0
    for start, end in _pieces(text, all_mentions, names):
        words = text[start:end]
        if not words.strip():
            continue
        if "\n\n" in text[paragraph:start]:
            header = ""
        paragraph = end
        inside = tuple(one for one in all_mentions if start <= one.start and one.end <= end)
        begins = start + len(words) - len(words.lstrip())
        source = Source(begins, begins + len(words.strip()), words.strip())
        goes_on = bool(found) and not re.search(r"[.!?\n]\s*$", text[max(0, start - 2) : begins])
        found.append(Clause(source, inside, header, goes_on))
        if words.rstrip().endswith(":"):
            # A name alone is a heading below the one that says what is told of it.
            own = words.strip()
            kept = header.split("\n")[0] if header and inside and len(own) < 30 else ""
            header = f"{kept}\n{own}" if kept else own
            paragraph = end + len(text[end:]) - len(text[end:].lstrip())
    return found


def _pieces(text: str, found: Sequence[Mention], names: Names) -> list[tuple[int, int]]:
    cuts = {0, len(text)}
    inside = [(one.start, one.end) for one in found]
    for match in _SENTENCE_END.finditer(text):
        if not any(start < match.start() < end for start, end in inside):
            cuts.add(match.end())
    for match in _TURN.finditer(text):
        cuts.add(match.start())
    cuts |= {
        match.end()
        for match in re.finditer(r"(?:[ap]\.\s?m|\bapprox)\.(?=\s+[A-Z])|\bhrs\.(?=\s+[A-Z\d])", text)
    }
    people = set(names.people())
    subjects = [one for one in found if one.kind == "name" and one.value in people]
    for one in subjects:
        before, after = text[max(0, one.start - 8) : one.start], text[one.end : one.end + 12]
        if (joint := _SUBJECT.search(before)) and _VERB.match(after):
            at = one.start - len(before) + joint.start()
            begins = max(cut for cut in cuts if cut <= at)
            parted = [other for other in found if begins <= other.start < at]
            if any(other.kind in _TIMES for other in parted) and (
                any(other in subjects for other in parted) or _ELSE.search(text[begins:at])
            ):
                cuts.add(at)
    ordered = sorted(cuts)
    return list(pairwise(ordered))


_TIMES = ("hours", "clock", "weekdays", "part", "minutes", "days", "nights")


def kind_of(clause: Clause) -> ClauseKind | None:
    """What kind of wish a clause is by its words, or those of the line above it; None where they do not tell."""
    timed = bool(clause.of("hours", "clock", "weekdays", "part"))
    moment = bool(clause.of("hours", "clock", "part"))
    ranged = bool(clause.of("hours"))
    kind = _told(clause.text, timed=timed, moment=moment, ranged=ranged, long=bool(clause.of("minutes")))
    if kind is None and clause.header:
        above = _told(clause.header, timed=timed, moment=moment, ranged=ranged, long=False)
        if above not in ("busy", "avoid", "available") and timed and _CALENDAR.search(clause.header):
            return "busy"
        return above if above in ("busy", "avoid", "available") else None
    return kind


def likely_kind(clause: Clause, before: Clause | None, people: Sequence[str]) -> ClauseKind:
    """What kind of wish a clause with times is where its words do not tell; `before` is the clause before it."""
    own = {one.value for one in clause.named(people)}
    if clause.of("minutes") or (len(own) > 1 and len(own) == len(people)):
        return "frame"
    below = clause.header.rsplit("\n", 1)[-1].rstrip(": ")
    of_one = before is not None and len({one.value for one in before.named(people)}) == 1
    if own or below in people or (of_one and _THIRD.search(clause.text)):
        return "busy"
    return "frame"


def _told(text: str, *, timed: bool, moment: bool, ranged: bool, long: bool) -> ClauseKind | None:
    if _EARLIEST.search(text) and not moment:
        return "earliest"
    if _LATEST.search(text) and not moment:
        return "latest"
    if _FREE.search(text) and not moment and not re.search(r"\bonly\b|\bavoid\b", text, re.IGNORECASE):
        return "free"
    if (long and _FRAME.search(text)) or (moment and _OFFICE.search(text)):
        return "frame"
    if _BUSY.search(text) and not (
        _AVOID.search(text) and re.search(r"more meetings|no \w*\s?meetings", text)
    ):
        return "busy" if timed else "nothing"
    if _AVOID.search(text):
        return "avoid" if timed else "nothing"
    if _FRAME.search(text) and timed:
        return "frame"
    if _AVAILABLE.search(text) or (moment and not ranged and _OUGHT.search(text)):
        return "available" if timed else "nothing"
    if timed and _OFFICE.search(text):
        return "frame"
    return None if timed else "nothing"
