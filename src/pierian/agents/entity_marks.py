"""Finds what is written by rules of its own: addresses, phone numbers, paths, quoted text, known names.

Addresses are recognised by their spelling alone: nothing is looked up, opened or verified. Phone numbers become
digits with their plus; without a country code they stay national, since the country is not guessed. Quotations and
paths keep their own characters exactly; addresses are given in the folded spelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Any

from msgspec import Struct

from pierian.agents.entity_text import fold_words


class Mark(Struct, frozen=True):
    """Something found between two places of the folded text."""

    kind: str
    start: int
    end: int
    value: Any


_EXTENSIONS = (
    "pdf|txt|md|rst|csv|tsv|json|jsonl|ya?ml|toml|xml|html?|docx?|odt|xlsx?|ods|pptx?|odp|png|jpe?g|gif|svg|webp|heic|"
    "tiff?|bmp|mp3|mp4|m4a|mov|avi|mkv|wav|flac|ogg|zip|tar|gz|tgz|bz2|xz|7z|rar|pyi?|ipynb|jsx?|tsx?|css|cpp|hpp|rs|"
    "go|java|kt|swift|rb|php|sh|bat|ps1|sql|db|sqlite|ics|vcf|eml|mbox|log|ini|cfg|conf|env|lock|tex|bib|epub|rtf|"
    "parquet|gguf|key|pem"
)
_DOMAINS = (
    "com|org|net|edu|gov|int|info|biz|io|ai|app|dev|eu|de|at|ch|fr|it|es|pt|nl|be|uk|ie|dk|se|no|fi|pl|cz|us|ca|mx|br|"
    "ar|au|nz|jp|cn|kr|in|za|tv|me|co|xyz|online|shop|blog|cloud"
)
_EMAIL = re.compile(
    r"(?<![\w.+%'’&-])(?:mailto:)?([\w+%&'-](?:[\w.+%&'’-]{0,62}[\w+%&-])?@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})(?![\w@])"
)
_URL = re.compile(r"(?<![\w@])(?:[a-zA-Z][a-zA-Z0-9+.-]{1,20}://|www\.)[^\s<>\"“”«»„`|\\^{}]{1,2000}")
_HOST = re.compile(
    rf"(?<![\w@./\\~-])(?:[a-zA-Z0-9-]{{1,63}}\.){{1,6}}(?:{_DOMAINS})(?![\w@-]|\.\w)(?::[0-9]{{1,5}})?"
    r"(?:/[^\s<>\"“”«»„`|\\^{}]{0,2000})?"
)
_PATH = re.compile(
    r"(?<![^\s\"'“‘«(\[=:`,])(?:~(?=/|[\s\"'”’»)\],;!?]|$)|\.{0,2}/(?=[\w.~-])|~/|[A-Za-z]:[\\/](?=\S))"
    r"(?:\\ |[^\s\"“”«»<>|*?`])*"
)
_FILE = re.compile(
    rf"(?<![\w@./\\:~-])[\w-](?:[\w.+@/-]{{0,199}}[\w)-])?\.(?i:{_EXTENSIONS})(?![\w@-]|[./]\w)"
)
_QUOTED_FILE = re.compile(
    rf"(?:~|\.{{0,2}}/|[A-Za-z]:[\\/])\S[^\n]{{0,250}}|\w[^\n/]{{0,200}}\.(?i:{_EXTENSIONS})"
)
_MOST_FILE_WORDS = 6
_PHONE = re.compile(
    r"(?<![\w+.,/-])(?:"
    r"\+[0-9]{1,3}(?:[ ./-]?\(?[0-9]{1,5}\)?){2,7}"
    r"|\([0-9]{2,5}\)[ /-]?[0-9]{2,8}(?:[ -][0-9]{2,8}){0,4}"
    r"|(?:1[ .-])?[0-9]{3}([ .-])[0-9]{3}\1[0-9]{4}"
    r"|0[0-9]{1,5}[ /-][0-9]{3,8}(?:[ -]?[0-9]{2,8}){0,4}"
    r"|0[0-9]{8,13}"
    r")(?![\w]|[./-][0-9])"
)
_PAIRS = {
    "“": "”",
    "„": "“”",
    "«": "»",
    "»": "«",
    "‹": "›",
    "‘": "’",
    '"': '"',
    "'": "'",
    "`": "`",
    "「": "」",
}
_MOST_QUOTED = 20_000
_LEADS_IN = re.compile(
    r"(?:\b(?:with|says?|saying|that|text|message|reads?|called|titled)|:)\s+$", re.IGNORECASE
)
_ASKS_NEXT = re.compile(r"(?<=[.!?])\s+(?=(?:can|could|would|will) you\b|please\b)", re.IGNORECASE)
_MOST_NESTED = 20
_WORD = re.compile(r"[^\W_]+")
_MOST_GAP = 3


def marks(plain: str) -> Iterator[Mark]:
    """All addresses, numbers and paths of a folded text; they may overlap."""
    for match in _EMAIL.finditer(plain):
        yield Mark("email", match.start(), match.end(), match[1])
    for match in _URL.finditer(plain):
        address = _ended(match[0])
        if len(address) > len("www."):
            whole = address if "://" in address else f"https://{address}"
            yield Mark("url", match.start(), match.start() + len(address), whole)
    for match in _HOST.finditer(plain):
        address = _ended(match[0])
        yield Mark("url", match.start(), match.start() + len(address), f"https://{address}")
    for pattern in (_PATH, _FILE):
        for match in pattern.finditer(plain):
            path = _ended(match[0])
            if path.strip("/."):
                yield Mark("file", match.start(), match.start() + len(path), unescaped(path))
    for match in _PHONE.finditer(plain):
        digits = re.sub(r"[^0-9]", "", match[0])
        if 7 <= len(digits) <= 15:
            yield Mark("phone", match.start(), match.end(), "+" * match[0].startswith("+") + digits)


def unescaped(path: str) -> str:
    """A path without the backslashes that shells want before spaces."""
    return path.replace("\\ ", " ")


def _ended(address: str) -> str:
    """Without the punctuation of the sentence around it; a closing bracket stays where it was opened inside."""
    end = len(address)
    opened, closed = address.count("("), address.count(")")
    while end:
        last = address[end - 1]
        if last == ")" and closed > opened:
            closed -= 1
        elif last not in ".,;:!?'’]”»":
            break
        end -= 1
    return address[:end]


def quotations(plain: str) -> Iterator[Mark]:
    """Quoted parts, one after the other, the outermost where they are nested; the value is where their text ends.

    A closing mark that was once looked for in vain is not looked for again: the work is linear. Where it was
    forgotten behind a word that leads into what somebody says, the text goes on to the end of the line, or to a
    sentence that asks for something.
    """
    missing: set[str] = set()
    at = 0
    for match in re.finditer("[“„«»‹‘\"'`「]", plain):
        start = match.start()
        closing = _PAIRS[match[0]]
        if start < at or closing in missing or not _opens(plain, start):
            continue
        end = _closing(plain, start, closing)
        if end is None:
            missing.add(closing)
            if _LEADS_IN.search(plain[max(0, start - 20) : start]) and plain[start + 1 : start + 2].isalpha():
                at = start + 1 + len(_unclosed(plain[start + 1 : start + 1 + _MOST_QUOTED]))
                yield Mark("quote", start, at, at)
        elif end - start <= _MOST_QUOTED and "\n\n" not in plain[start:end]:
            at = end + 1
            yield Mark("quote", start, at, end)


def _unclosed(text: str) -> str:
    line = text.partition("\n")[0]
    return _ASKS_NEXT.split(line, maxsplit=1)[0].rstrip()


def _opens(plain: str, at: int) -> bool:
    before, after = plain[at - 1 : at], plain[at + 1 : at + 2]
    straight = plain[at] in "\"'`‘»"
    return bool(after.strip()) and not (
        straight and (before.isalnum() or before in ("_", ".", ",")) and before
    )


def _closing(plain: str, start: int, closing: str) -> int | None:
    """The closing mark: where straight marks are nested, that of the first one opened, if there is one."""
    straight = closing in "\"'`" and plain[start] == closing
    candidates = list(islice(_closings(plain, start, closing), _MOST_NESTED))
    if not candidates or not straight:
        return candidates[0] if candidates else None
    opened = [
        match.start()
        for match in re.compile(re.escape(closing)).finditer(plain, start + 2, candidates[-1])
        if plain[match.start() - 1].isspace() and not plain[match.start() + 1].isspace()
    ]
    for number, end in enumerate(candidates, start=1):
        if sum(one < end for one in opened) < number:
            return end
    return candidates[0]


def _closings(plain: str, start: int, closing: str) -> Iterator[int]:
    pattern = f"[{closing}]" + (r"(?!\w)" if closing in "\"'’`" else "")
    for match in re.compile(pattern).finditer(plain, start + 2):
        if not plain[match.start() - 1].isspace() or closing not in "\"'’`":
            yield match.start()


def quoted_file(inner: str) -> bool:
    """Whether quoted text is the name of a file."""
    return _QUOTED_FILE.fullmatch(inner) is not None and len(inner.split()) <= _MOST_FILE_WORDS


class Names:
    """Names to look for, as whole words and in any case."""

    def __init__(self, names: Iterable[tuple[str, str, Any]]) -> None:
        self._starting: dict[str, list[tuple[list[str], str, Any]]] = {}
        for name, kind, value in names:
            words = [match[0].casefold() for match in _WORD.finditer(fold_words(name))]
            if words:
                self._starting.setdefault(words[0], []).append((words, kind, value))

    def marks(self, plain: str) -> Iterator[Mark]:
        """Where the names stand in a folded text."""
        if not self._starting:
            return
        places = [(match[0].casefold(), match.start(), match.end()) for match in _WORD.finditer(plain)]
        for number, (word, start, _) in enumerate(places):
            for words, kind, value in self._starting.get(word, ()):
                part = places[number : number + len(words)]
                if [one[0] for one in part] == words and _together(plain, part):
                    yield Mark(kind, start, part[-1][2], value)


def _together(plain: str, part: Sequence[tuple[str, int, int]]) -> bool:
    gaps = (plain[left[2] : right[1]] for left, right in pairwise(part))
    return all(len(gap) <= _MOST_GAP and not set(gap) & set(",;:!?\n") for gap in gaps)
