"""Rules written as phrases, and how they are matched.

A rule of a language's table is a line such as `"the? {nth} {weekday} of|in {period}"` and the name of its meaning.
Separated by spaces stand words (`of|in` is one of two), slots (`{nth}`), either with a `?` where it may be missing
and with a `~` before it where no space may come between. At the front `<on|by>` asks for one of these words before
the phrase and `<!per>` for none of them (`#` is any number); neither is part of it. A `$` at the end asks that the
sentence does not go on with a noun ("the 5th", but not "the 5th floor"). A meaning is a function of the context and
the slots' values in their order, None for a missing one; it declines by returning None or by a ValueError. `=word`
means the word itself.

A slot is what the words of the table read as, or another set of rules. Sets never contain themselves, directly or
by way of others, and every result is kept: the work is linear in the number of words. This module knows no language
and no calendar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import partial
from typing import Any

from msgspec import Struct

Meaning = Callable[..., Any]
Readings = Mapping[str, Any]
"""What a word can be taken for: names of slots, and the value for each."""

_LOOSE_ENDS = frozenset({",", "-"})


class Token(Struct, frozen=True):
    """A word, number or sign of the folded text."""

    low: str
    start: int
    end: int
    readings: Readings
    glued: bool = False
    """Whether it follows the one before without a space."""
    content: bool = False
    """Whether a phrase that it follows goes on: it is a noun, a verb, a number."""


class Element(Struct, frozen=True):
    """One part of a rule: some words, or a slot."""

    words: frozenset[str]
    slot: str
    optional: bool
    glued: bool


class Rule(Struct, frozen=True):
    """A phrase and its meaning, ready to match."""

    elements: tuple[Element, ...]
    meaning: Meaning
    before: frozenset[str] | None
    not_before: frozenset[str]
    closed: bool


class Grammar(Struct, frozen=True):
    """The rules of a language, sorted by what they can begin with."""

    rules: Mapping[str, Sequence[Rule]]
    starts: Mapping[str, Mapping[str, Sequence[int]]]
    keys: Set[str]
    """The words and readings that any rule can begin with."""

    def within(self, present: Set[str]) -> Mapping[str, Set[int]]:
        """The rules, by their places in each set, that a text of these words and readings can satisfy at all.

        Most texts lack most of the words that rules ask for: this keeps a long list of figures from being tried
        against every date.
        """
        usable: dict[str, Set[int]] = {}
        for name in self.rules:
            self._usable(name, present, usable)
        return usable

    def _usable(self, name: str, present: Set[str], usable: dict[str, Set[int]]) -> Set[int]:
        if name not in usable:
            usable[name] = {
                number
                for number, rule in enumerate(self.rules[name])
                if all(element.optional or self._meets(element, present, usable) for element in rule.elements)
            }
        return usable[name]

    def _meets(self, element: Element, present: Set[str], usable: dict[str, Set[int]]) -> bool:
        if not element.slot:
            return not element.words.isdisjoint(present)
        return element.slot in present or bool(
            element.slot in self.rules and self._usable(element.slot, present, usable)
        )


def grammar(
    table: Mapping[str, Sequence[tuple[str, str]]],
    meanings: Mapping[str, Meaning],
    groups: Mapping[str, str],
) -> Grammar:
    """Prepare a table; in phrases, `@name` stands for the words of that group."""
    rules = {
        name: [_rule(_filled(phrase, groups), meaning, meanings) for phrase, meaning in lines]
        for name, lines in table.items()
    }
    firsts: dict[str, set[str]] = {}
    starts: dict[str, dict[str, list[int]]] = {}
    for name, lines in rules.items():
        index: dict[str, list[int]] = {}
        for number, rule in enumerate(lines):
            for key in _first(rule, rules, firsts):
                index.setdefault(key, []).append(number)
        starts[name] = index
    return Grammar(rules, starts, frozenset(key for index in starts.values() for key in index))


def _filled(phrase: str, groups: Mapping[str, str]) -> str:
    for name, words in groups.items():
        phrase = phrase.replace(f"@{name}", words)
    return phrase


def _rule(phrase: str, meaning: str, meanings: Mapping[str, Meaning]) -> Rule:
    parts = phrase.split()
    before: frozenset[str] | None = None
    not_before: frozenset[str] = frozenset()
    if parts[0].startswith("<!"):
        not_before = frozenset(parts.pop(0)[2:-1].split("|"))
    elif parts[0].startswith("<"):
        before = frozenset(parts.pop(0)[1:-1].split("|"))
    closed = parts[-1] == "$"
    elements = tuple(_element(part) for part in parts[: len(parts) - closed])
    if meaning.startswith("="):
        return Rule(elements, partial(_word, meaning[1:]), before, not_before, closed)
    return Rule(elements, meanings[meaning], before, not_before, closed)


def _word(word: str, _context: object) -> str:
    return word


def _element(part: str) -> Element:
    glued = part.startswith("~")
    part = part.removeprefix("~")
    optional = part.endswith("?")
    part = part.removesuffix("?")
    if part.startswith("{"):
        return Element(frozenset(), part[1:-1], optional, glued)
    return Element(frozenset(part.split("|")), "", optional, glued)


def _first(rule: Rule, rules: Mapping[str, Sequence[Rule]], known: dict[str, set[str]]) -> set[str]:
    """The words and readings that a phrase may begin with."""
    keys: set[str] = set()
    for element in rule.elements:
        if not element.slot:
            keys |= element.words
        elif element.slot not in rules:
            keys.add(element.slot)
        else:
            if element.slot not in known:
                inner = (_first(other, rules, known) for other in rules[element.slot])
                known[element.slot] = set[str]().union(*inner)
            keys |= known[element.slot]
        if not element.optional:
            break
    return keys


Found = tuple[int, Any]
"""Where a phrase ends (the number of the next token), and its value."""


class Matcher:
    """Matches one list of tokens; what was found at a place is not looked for again."""

    def __init__(self, rules: Grammar, tokens: Sequence[Token], context: object) -> None:
        self._grammar, self._tokens, self._context = rules, tokens, context
        present = {token.low for token in tokens}.union(*(token.readings for token in tokens))
        self._usable = rules.within(present)
        self._kept: dict[tuple[str, int], tuple[Found, ...]] = {}
        self.tried = 0
        """How many rules were tried: a measure of the work done."""

    def longest(self, name: str, at: int) -> Found | None:
        """The longest phrase of a set that begins at a token."""
        return max(self.found(name, at), key=lambda one: one[0], default=None)

    def found(self, name: str, at: int) -> tuple[Found, ...]:
        """All phrases of a set that begin at a token, one for each end."""
        if at >= len(self._tokens):
            return ()
        token = self._tokens[at]
        if name not in self._grammar.rules:
            return ((at + 1, token.readings[name]),) if name in token.readings else ()
        if (name, at) in self._kept:
            return self._kept[name, at]
        found = self._search(self._starting(name, token), at)
        self._kept[name, at] = found
        return found

    def _starting(self, name: str, token: Token) -> list[Rule]:
        """The rules of a set that may begin with a token, in the order of the table."""
        starts, usable = self._grammar.starts[name], self._usable[name]
        numbers = {number for key in (token.low, *token.readings) for number in starts.get(key, ())}
        return [self._grammar.rules[name][number] for number in sorted(numbers & usable)]

    def _search(self, rules: Sequence[Rule], at: int) -> tuple[Found, ...]:
        found: dict[int, Any] = {}
        previous = self._previous(at)
        for rule in rules:
            self.tried += 1
            if previous & rule.not_before or (rule.before is not None and not previous & rule.before):
                continue
            for end, values in self._sequence(rule.elements, 0, at):
                if (
                    end in found
                    or self._tokens[end - 1].low in _LOOSE_ENDS
                    or (rule.closed and self._goes_on(end))
                ):
                    continue
                value = self._value(rule, values)
                if value is not None:
                    found[end] = value
        return tuple(found.items())

    def _previous(self, at: int) -> set[str]:
        """What stands before a token, as rules ask for it; `#` is any number."""
        if not at:
            return set()
        token = self._tokens[at - 1]
        return {token.low, "#"} if "count" in token.readings else {token.low}

    def _sequence(
        self, elements: Sequence[Element], number: int, at: int
    ) -> Iterator[tuple[int, tuple[Any, ...]]]:
        if number == len(elements):
            yield at, ()
            return
        element = elements[number]
        for end, own in self._element(element, at):
            for last, others in self._sequence(elements, number + 1, end):
                yield last, (own, *others) if element.slot else others
        if element.optional:
            for last, others in self._sequence(elements, number + 1, at):
                yield last, (None, *others) if element.slot else others

    def _element(self, element: Element, at: int) -> tuple[Found, ...]:
        if at >= len(self._tokens) or (element.glued and not self._tokens[at].glued):
            return ()
        if element.slot:
            return self.found(element.slot, at)
        return ((at + 1, None),) if self._tokens[at].low in element.words else ()

    def _value(self, rule: Rule, values: tuple[Any, ...]) -> Any:
        try:
            return rule.meaning(self._context, *values)
        except (ValueError, OverflowError):  # 30 February, or the year 10000
            return None

    def _goes_on(self, at: int) -> bool:
        return at < len(self._tokens) and self._tokens[at].content
