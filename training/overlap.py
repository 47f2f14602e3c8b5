"""Finds problems that share words with development items: `python -m training.overlap PROBLEMS --development FILE…`.

A problem counts as overlapping where it has `--words` words in a row with an item, or holds the whole of an item that
is shorter. Words are compared without case, punctuation and numbers' commas; numbers count as words as they are, so
that a template with other numbers is found by the words between them only. Ends with 1 where anything is found.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pierian.exceptions import PierianError
from training.recipe import items_of, json_lines

WORDS = 10
LEAST_WORDS = 5
"""An item of fewer words says nothing when it is found: "What is 3 + 4?" stands everywhere."""

_WORD = re.compile(r"[^\W_]+")


class Development:
    """The words of development items.

    Args:
        texts: The questions.
        words: How many words in a row count as an overlap.
    """

    def __init__(self, texts: Iterable[str], words: int = WORDS) -> None:
        self.words = words
        self._runs: dict[int, dict[tuple[str, ...], int]] = {}
        self.texts = list(texts)
        for number, text in enumerate(self.texts):
            found = words_of(text)
            length = min(words, len(found))
            if length < LEAST_WORDS:
                continue
            runs = self._runs.setdefault(length, {})
            for run in runs_of(found, length):
                runs.setdefault(run, number)

    def overlap(self, text: str) -> tuple[str, str] | None:
        """The words that a text shares with an item, and that item's question; None where there are none."""
        found = words_of(text)
        for length, runs in self._runs.items():
            for run in runs_of(found, length):
                if run in runs:
                    return " ".join(run), self.texts[runs[run]]
        return None


def words_of(text: str) -> list[str]:
    """The words of a text as they are compared."""
    return _WORD.findall(re.sub(r"(?<=\d),(?=\d{3})", "", text.casefold()))


def runs_of(words: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    """Every run of `length` words."""
    for start in range(len(words) - length + 1):
        yield tuple(words[start : start + length])


def development(files: Sequence[Path], words: int = WORDS) -> Development:
    """The items of data files."""
    return Development((item.question for file in files for item in items_of(file, None)), words)


def main() -> int:
    """Check a file of problems."""
    parser = argparse.ArgumentParser(prog="python -m training.overlap", description=__doc__)
    parser.add_argument("problems", type=Path, help="JSON Lines with a question in each")
    parser.add_argument(
        "--development", type=Path, nargs="+", required=True, help="files of development items"
    )
    parser.add_argument("--words", type=int, default=WORDS)
    arguments = parser.parse_args()
    try:
        known = development(arguments.development, arguments.words)
        rows = list(json_lines(arguments.problems, "question"))
    except PierianError as error:
        print(f"{error} {error.hint}", file=sys.stderr)
        return 2
    found = [
        (row["question"], shared) for row in rows if (shared := known.overlap(row["question"])) is not None
    ]
    for question, (words, item) in found:
        print(json.dumps({"question": question, "shared": words, "item": item}, ensure_ascii=False))
    print(f"{len(found)} of {len(rows)} problems overlap with {len(known.texts)} items.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
