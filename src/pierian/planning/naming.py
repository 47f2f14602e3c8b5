"""Which words of a request are names, and whether they name people or places.

A name is a run of words with capital letters that is not a common word. What it names is told by its neighbours
everywhere in the request: one meets, asks and waits for people and is in, goes to and flies between places. Where the
neighbours say nothing or contradict each other, the name is left open, for the model to say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

from msgspec import Struct

from pierian.planning.mentions import mentions

Role = Literal["person", "place", "open"]

_COMMON_WORDS = """
    a about above additionally after against agenda all also although am among an and any anyone anything
    anywhere apart april are around arrive arriving as ask assume assuming at august availability available
    avoid away back because been before begin being below besides between blocked booked both bus buses busy
    but by calendar calendars can cannot cet cities come concerning connections considering constraints could
    day days dear december depart departing despite details direct distance distances do does don't drive
    driving duration during each early either else end ends enjoy est europe european even every everybody
    everyone everything exactly except february finally find first flight flights fly flying for free friday
    friend friends from further furthermore get getting give given gmt go goal goals going got guests had half
    has have he hello help her here hers hi him his home hour hours how however hrs i i'd i'll i'm i've if in
    including indeed is it it's itinerary its itself january july june just keep kindly last lastly late later
    leave let let's list lists look looking make many march maximise maximize maximum may maybe meet meet-up
    meeting meetings midday minimum mins minutes monday more moreover morning most must my name names need
    neither next night nights no nobody non-stop none nonstop noon nor not note notes nothing november now
    nowhere october of off office ok on once one only open or other otherwise our out over overall people per
    perhaps person places plan please plus pm possible prefer preferably preferences put regarding regards
    request route routes same saturday schedule schedules see september several shall she should since so
    solve some somebody someone somewhere soon spend spending start starting stay stays still stop stops such
    sunday task thank thanks that the their them then there there's these they they're things this those three
    through thursday time times to today together tomorrow tonight total toward towards train trains transfer
    travel travelling trip trips try tuesday two unfortunately unlike until up upon us use using utc visit
    visiting wait walk walking want was way ways we we'd we'll we're we've wednesday week weeks well were what
    what's whatever when whenever where whether which whichever while who whoever will with within without
    work working would yes yet you you'd you'll you're your
"""
_COMMON = frozenset(_COMMON_WORDS.split())
"""Words that begin sentences, headings and lists, and are no names there."""
_WORD = (
    r"[A-ZÀ-ÖØ-ÞŁŠŽČĆŚŻİ][\wÀ-ÿŁłŠšŽžČč]*(?:['’](?!s\b)\w+)?(?:['’]s(?= [A-Z]))?"
    r"(?:-[A-ZÀ-Þ]\w+)*"
)
_RUN = re.compile(
    rf"(?<![\w'’]){_WORD}(?:[ \t](?:(?:de|la|of|the|del|di|da|van|von|am|an der|upon)[ \t])?{_WORD})*"
)

_BEFORE_PLACE = re.compile(
    r"(?:\b(?:in|at|to|from|between|near|around|via|through|into|towards?|reach|leave|leaving|visit"
    r"|visiting|explore|tour|outside"
    r"|see|seeing|inside)|->|→|↔|⇄|<->)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_BEFORE_PERSON = re.compile(
    r"\b(?:with|meet|meeting|for|see|seeing|catch|ask|asks|and then|friend|friends|colleague"
    r"|colleagues|as|does|can|when"
    r"|that|while|whereas|but|since|because)\s+$",
    re.IGNORECASE,
)
_AFTER_PERSON = re.compile(
    r"^(?:['’]s\s+(?:mon|tues|wednes|thurs|fri|satur|sun)day|['’]s?\s+(?:calendar|schedule|diary|day"
    r"|week|free|busy|booked|available|around|at|in|only"
    r"|there|tied|out|not)\b"
    r"|['’]ll\b|\s*(?:is|isn['’]t|has|hasn['’]t|can|cannot|can['’]t|will|won['’]t|would|wouldn['’]t"
    r"|wants?|prefers?|needs?|does"
    r"|doesn['’]t|do not|hates?|likes?|says?|said|works?|could|should|must|waits?|hangs?|asked|told"
    r"|mentioned|already|also)\b"
    r"|\s+(?:in|at|near)\s+(?:the\s+)?(?-i:[A-Z]))",
    re.IGNORECASE,
)
_AFTER_PLACE = re.compile(r"^\s*(?:to|->|→|↔|⇄|<->|–|-)\s*(?=[A-Z])|^\s*\(?\d+\s*(?:days?|nights?)\b")


_CLOCK = re.compile(
    r"\b\d{1,2}[:.h]\d{2}\b|\b\d{1,2}\s?[ap]\.?m\b|\bo['’]clock\b|\b(?:half|quarter) (?:past|to)\b", re.I
)
_WEEKDAY = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day|\b(?:Mon|Tue|Wed|Thu|Fri)\b", re.IGNORECASE
)
_DAYS = re.compile(
    r"\b(?!this|next|last|the|each|every)\w+[- ](?:days?|nights?|weeks?)\b|\bdays? \d", re.IGNORECASE
)
_LENGTH = re.compile(
    r"\b\d{1,3}\s*(?:['’′m]|min\w*)?\s*(?:[,.;)]|$|\band\b)|\bminutes?\b|\bmins?\b", re.MULTILINE
)
_LINKED = re.compile(
    r"\bdirect\w*|\bflights?\b|\bfl(?:y|ies|ying)\b|\bconnect\w*|\bnon-?stop|\btrains?\b|\broutes?\b"
    r"|\blinks?\b|[↔⇄→]|->",
    re.IGNORECASE,
)
_LISTED = re.compile(
    r"\b(?:who|participants?|attendees?|people|guests|invitees?|invited|team)\b\s*[:=]", re.IGNORECASE
)


class Names(Struct, frozen=True):
    """The names of a request."""

    all: tuple[str, ...]
    roles: Mapping[str, Role]

    def people(self) -> tuple[str, ...]:
        return tuple(name for name in self.all if self.roles[name] == "person")

    def places(self) -> tuple[str, ...]:
        return tuple(name for name in self.all if self.roles[name] == "place")


@cache
def _lexicon() -> frozenset[str]:
    """Common words of English. Some of them are names too (Mark, Rose), so this only says what is likely."""
    text = (files("pierian.planning") / "common_words.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def names_in(text: str) -> list[str]:
    """Names in the order in which they come, each once."""
    runs = [(run, name) for run in _RUN.finditer(text) for name in _cut(run[0])]
    alone = {name.replace("’", "'") for run, name in runs if not _begins_sentence(text, run.start())}
    alone |= {name.replace("’", "'") for _, name in runs if not _worded(name.split()[0])}
    found: dict[str, None] = {}
    for run, told in runs:
        name = told.replace("’", "'")
        words = name.split()
        first = run[0].startswith(told) and _begins_sentence(text, run.start())
        if first and len(words) > 1 and _worded(words[0]):
            rest = " ".join(words[1:])
            if rest in alone or name not in alone:  # "Forget Anna", where Anna is told of elsewhere
                name = rest if rest in alone or not _title(text, run) else ""
        if name:
            found.setdefault(name)
    low = set(re.findall(r"\b[a-z][\w'-]+", text))
    found = {
        name: None
        for name in found
        if " " in name
        or not _only_first(name, text)
        or not (name.lower() in low or _is_a_word(name, found, text))
    }
    singles = set(found)
    for name in [name for name in found if "-" in name]:
        parts = name.split("-")  # "Oslo-Riga" is a pair where each is told of elsewhere
        others = {part for other in found if other != name for part in [other, *other.split("-")]}
        if all(part in singles or part in others for part in parts) and all(
            part[:1].isupper() for part in parts
        ):
            del found[name]
            found.update(dict.fromkeys(parts))
    return list(found)


_ENDINGS = (
    ("ies", "y"),
    ("es", ""),
    ("s", ""),
    ("ing", ""),
    ("ing", "e"),
    ("ed", ""),
    ("ed", "e"),
    ("ly", ""),
)


def _worded(word: str) -> bool:
    """Whether a word, or what it is a form of, is a common one."""
    low = word.lower()
    stems = [low[: -len(end)] + put for end, put in _ENDINGS if low.endswith(end) and len(low) > len(end) + 2]
    return any(one in _lexicon() for one in [low, *stems])


def _begins_sentence(text: str, at: int) -> bool:
    """Whether a sentence, a line or what follows a colon begins there."""
    if re.fullmatch(r"[ \t]*(?:[-*•–]|\d+[.)])?[ \t]*", text[text.rfind("\n", 0, at) + 1 : at]):
        return True
    return not re.search(r"[\w,'’)%&(\[/|@+<>–—→↔-][\"'“‘]?[ \t]$|[\w(\[/|&<>-]$", text[max(0, at - 3) : at])


def _title(text: str, run: re.Match[str]) -> bool:
    """Whether a run is a line of its own that ends in a colon and has common words only: `Travel Times:`."""
    after = text[run.end() : run.end() + 2]
    return after.startswith(":") and all(_worded(word) for word in run[0].split())


def _is_a_word(name: str, names: Collection[str], text: str) -> bool:
    """Whether what only begins sentences is a common word there, and no name: nothing lists it beside a name."""
    if not _worded(name):
        return False
    others = [re.escape(other) for other in names if other != name and not _worded(other.split()[0])]
    if not others:
        return False
    joined = "|".join(others)
    own = re.escape(name)
    listed = rf"{own}(?:,| and| &| or) (?:{joined})\b|\b(?:{joined})(?:,| and| &| or|, and) {own}\b"
    if re.search(listed, text) or re.search(rf"\b{re.escape(name)}['’]s\b", text):
        return False
    # What stands where names stand is one: "Mark @ Mill" beside "Anna @ Dock".
    follows = {found[1] for found in re.finditer(rf"(?<!\w){re.escape(name)}[ \t]+([^\s]+)", text)}
    known = {found[1] for found in re.finditer(rf"(?<!\w)(?:{joined})[ \t]+([^\s]+)", text)}
    return not follows <= known or not follows


def _only_first(name: str, text: str) -> bool:
    """Whether a word has a capital letter only where sentences begin."""
    return all(
        _begins_sentence(text, found.start()) for found in re.finditer(rf"(?<!\w){re.escape(name)}\b", text)
    )


def _cut(run: str) -> list[str]:
    """The names in a run of capitalised words: common words at its sides are no part of it."""
    words = [re.sub(r"['’](?:ll|d|ve|re|m)$", "", word) for word in run.split()]
    while words and (_common(words[0]) and not (words[0] == "The" and len(words) > 1)):
        words.pop(0)
    while words and _common(words[-1]):
        words.pop()
    if words and words[0] == "The" and (len(words) == 1 or _common(words[1])):
        words.pop(0)
    if words:
        words[-1] = re.sub(r"['’]s$", "", words[-1])  # James's Monday
    if not words or (len(words) == 1 and len(words[0]) < 2):
        return []
    return [" ".join(words)]


def _common(word: str) -> bool:
    low = word.lower().replace("’", "'")
    return low in _COMMON or bool(
        re.fullmatch(r"(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun)(?:day)?s?|[ap]m", low)
    )


def roles_of(text: str, names: Sequence[str], places: Collection[str] = ()) -> Names:
    """What each name is the name of, as far as its neighbours and the lines in which it stands tell.

    `places` are those that are known to be places, for what they do in a table. What kind of request it is tells
    most: between places there are ways, a journey has nothing but places, who has a calendar is a person.
    """
    votes: dict[str, Counter[str]] = {name: Counter(place=5 * (name in places)) for name in names}
    for name in names:
        pattern = re.escape(name).replace("'", "['’]")
        for found in re.finditer(rf"(?<!\w){pattern}(?!\w)", text):
            before, after = (
                text[max(0, found.start() - 40) : found.start()],
                text[found.end() : found.end() + 40],
            )
            votes[name]["place"] += bool(_BEFORE_PLACE.search(before)) + bool(_AFTER_PLACE.match(after))
            votes[name]["person"] += bool(_BEFORE_PERSON.search(before)) + bool(_AFTER_PERSON.match(after))
    lines = _lines(text, names)
    _by_form(text, _lines(text, names, ""), votes, places)
    for line, inside in lines:
        _by_line(line, inside, votes)
    roles: dict[str, Role] = {name: _most(one) for name, one in votes.items()}
    for line, inside in lines:
        open_ones = [name for name in inside if roles[name] == "open"]
        if len(open_ones) == 1 and _CLOCK.search(line) and any(roles[name] == "place" for name in inside):
            roles[open_ones[0]] = "person"
    return Names(tuple(names), by_company(text, roles))


_SURE = 20
_FEW = 2
_RARER = 3
"""So many times rarer beside lengths than the place that is named most is no place: a visit has a length too."""


def _kinds(line: str) -> set[str]:
    """Kinds of what a line names beside names."""
    return {one.kind for one in mentions(line, ())}


def _by_form(
    text: str,
    lines: Sequence[tuple[str, list[str]]],
    votes: Mapping[str, Counter[str]],
    places: Collection[str],
) -> None:
    """Votes that follow from what is told in the whole request."""
    told = [(_kinds(line), inside) for line, inside in lines]
    timed = [inside for kinds, inside in told if kinds & {"hours", "clock"}]
    ways = [
        inside
        for kinds, inside in told
        if len(inside) > 1
        and kinds & {"minutes", "number"}
        and not kinds & {"hours", "clock", "weekdays", "days"}
    ]
    anywhere = _kinds(text)
    if timed and (len(ways) > _FEW or len(places) > 1 or (ways and "weekdays" not in anywhere)):
        _between_places(timed, ways, votes, places)
    elif not anywhere & {"hours", "clock", "weekdays"} and anywhere & {"days", "nights", "day_range"}:
        for name in votes:
            votes[name]["place"] += _SURE * _certainly(name, text)
    elif anywhere & {"weekdays", "hours", "clock", "part"} and not ways[_FEW:]:
        for name in votes:
            votes[name]["person"] += _FEW * _certainly(name, text)


def _between_places(
    timed: Sequence[list[str]],
    ways: Sequence[list[str]],
    votes: Mapping[str, Counter[str]],
    places: Collection[str],
) -> None:
    """There are ways between places; whoever is told of beside one of them, with a time, is a person."""
    long = Counter(name for inside in ways for name in inside)
    most = max(long.values(), default=0)
    known = {
        name
        for name, number in long.items()
        if (number > most / _RARER if most > _FEW else number > sum(name in inside for inside in timed) / 2)
    } | set(places)
    for name in votes:
        if name in known:
            votes[name]["place"] += _SURE
        elif any(name in inside for inside in timed) and any(
            name in i and set(i) & known for i in (*timed, *ways)
        ):
            votes[name]["person"] += _SURE


def _certainly(name: str, text: str) -> bool:
    """Whether a word is more than one that begins a sentence: `Airlines connect …`."""
    if not _only_first(name, text) or " " in name:
        return True
    found = list(re.finditer(rf"(?<!\w){re.escape(name)}\b", text))
    return len(found) > 1 or not re.match(r" [a-z]", text[found[0].end() :])


def _most(votes: Counter[str]) -> Role:
    person, place = votes["person"], votes["place"]
    return "open" if person == place else "person" if person > place else "place"


def _lines(text: str, names: Sequence[str], mark: str = r"|;") -> list[tuple[str, list[str]]]:
    """What stands between the ends of lines and sentences (and `mark`), with the names in it in their order."""
    if not names:
        return []
    pattern = "|".join(re.escape(name).replace("'", "['’]") for name in sorted(names, key=len, reverse=True))
    found: list[tuple[str, list[str]]] = []
    for line in re.split(r"\n" + mark + r"|(?<=[\w)])[.?!](?=\s+[A-Z\d]|\s*$)", text):
        inside = [one.replace("’", "'") for one in re.findall(rf"(?<!\w)(?:{pattern})(?!\w)", line)]
        if inside:
            found.append((line, list(dict.fromkeys(inside))))
    return found


def _by_line(line: str, inside: Sequence[str], votes: Mapping[str, Counter[str]]) -> None:
    """Ways and connections are between places, people have calendars, and days are spent in places."""
    if _CLOCK.search(line) or _WEEKDAY.search(line) or _kinds(line) & {"hours", "clock", "part"}:
        if _LISTED.search(line) or not any(votes[name]["place"] for name in inside):
            votes[inside[0]]["person"] += 1
        return
    if _LISTED.search(line):
        for name in inside:
            votes[name]["person"] += 2
    elif len(inside) >= 2 and (_LINKED.search(line) or (_LENGTH.search(line) and _leads(line, inside))):
        for name in inside:
            votes[name]["place"] += 3
    elif _DAYS.search(line):
        for name in inside:
            votes[name]["place"] += 1


def _leads(line: str, inside: Sequence[str]) -> bool:
    """Whether a line says from where to where: `from A`, `A to B`, `A – B`."""
    name = "(?:" + "|".join(re.escape(one).replace("'", "['’]") for one in inside) + ")"
    return bool(
        re.search(
            rf"\b(?:from|between)\s+{name}|{name}\s*(?:to\b|->|→|↔|⇄|–|-|/|>)\s*{name}", line, re.IGNORECASE
        )
    )


def by_company(text: str, roles: dict[str, Role]) -> dict[str, Role]:
    """Names that are listed together name the same kind of thing: one that is open takes the kind of its
    neighbours."""
    told: dict[str, Role] = dict(roles)
    known = sorted(roles, key=len, reverse=True)
    if not known:
        return told
    pattern = "|".join(re.escape(name).replace("'", "['’]") for name in known)
    listed = re.compile(rf"(?:(?:{pattern})(?:,? and |, | & | or |,? then ))+(?:{pattern})")
    for _ in range(2):
        for run in listed.finditer(text):
            inside = [one.replace("’", "'") for one in re.findall(pattern, run[0])]
            kinds = Counter[Role](told[one] for one in inside if told[one] != "open")
            if kinds:
                most = kinds.most_common(1)[0][0]
                for one in inside:
                    if told[one] == "open":
                        told[one] = most
    return told
