"""Reads a data file of any of the supported public sets and scores answers the way the set asks for.

One JSON object a line. The set is told from the fields: `question` and `answer` with `####` (GSM8K), `problem`
(MATH), `choices` (MMLU), `target` (BIG-Bench Hard).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pierian.reasoning.arithmetic import to_fraction
from pierian.reasoning.values import choice, final_text, last_boxed, plain_form, quantity


@dataclass(frozen=True, slots=True)
class Item:
    """One question with its gold answer.

    `score` gets the whole answer text and its stated value; `value` gives what a text answers in a form that can be
    compared with another's, empty where it answers nothing.
    """

    id: str
    question: str
    gold: str
    group: str
    score: Callable[[str, str], bool]
    value: Callable[[str], str]


def load(path: Path, limit: int | None, *, spread: bool = True) -> list[Item]:
    """The first `limit` items; where a file has groups, taken from them in turn so that each is represented."""
    items = [read(json.loads(line)) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    if spread:
        seen: dict[str, int] = {}
        order: list[tuple[int, int]] = []
        for index, item in enumerate(items):
            seen[item.group] = seen.get(item.group, 0) + 1
            order.append((seen[item.group], index))
        items = [items[index] for _, index in sorted(order)]
    return items[:limit]


def read(row: dict[str, Any]) -> Item:
    """One item from its JSON object."""
    if "problem" in row:
        gold = str(row["answer"])
        return _item(
            row["problem"],
            gold,
            row.get("subject", ""),
            lambda text, value: formula_equal(text, value, gold),
            lambda text: plain_form(last_boxed(text) or final_text(text)),
        )
    if "choices" in row:
        letters = "ABCDEFGHIJ"[: len(row["choices"])]
        options = "\n".join(
            f"({letter}) {text}" for letter, text in zip(letters, row["choices"], strict=True)
        )
        gold = str(row["answer"])
        return _item(
            f"{row['question']}\n{options}",
            gold,
            row.get("subject", ""),
            lambda text, value: letter_of(text, value, letters) == gold,
            lambda text: letter_of(text, "", letters),
        )
    if "target" in row:
        gold = str(row["target"])
        return _item(
            row["input"],
            gold,
            row.get("task", ""),
            lambda text, value: exact(text, value, gold),
            lambda text: short_value(text, gold),
        )
    gold = str(row["answer"]).split("####")[-1].strip()
    return _item(
        row["question"],
        gold,
        "",
        lambda text, value: number_equal(text, value, gold),
        lambda text: quantity(text, anywhere=True).normal.rpartition("; ")[2],
    )


def _item(
    question: str, gold: str, group: str, score: Callable[[str, str], bool], value: Callable[[str], str]
) -> Item:
    return Item(hashlib.sha256(question.encode()).hexdigest()[:12], question, gold, group, score, value)


def number_equal(text: str, value: str, gold: str) -> bool:
    """The answer states one number, or ends in one, and it is the gold one."""
    found = quantity(f"Answer: {value}") if value else quantity(text, anywhere=True)
    wanted = to_fraction(gold)
    numbers = [to_fraction(n) for n in found.normal.split("; ")] if found else []
    return (
        bool(numbers)
        and wanted is not None
        and numbers[-1] is not None
        and float(numbers[-1]) == float(wanted)
    )


def letter_of(text: str, value: str, letters: str) -> str:
    """The letter that the answer chooses, or an empty string."""
    return (choice(f"Answer: {value}", letters) if value else choice(text, letters)).normal


def exact(text: str, value: str, gold: str) -> bool:
    """Equal after removing case, punctuation and parentheses; a yes or no is also found in a sentence."""
    if re.fullmatch(r"\([A-Z]\)", gold):
        return letter_of(text, value, "ABCDEFGHIJKLMNOPQRS") == gold[1]
    stated = value or final_text(text) or text.strip().split("\n")[-1]
    if gold.lower() in ("yes", "no"):
        found = re.findall(r"\b(yes|no)\b", stated.lower()) or re.findall(r"\b(yes|no)\b", text.lower())
        return bool(found) and found[-1] == gold.lower()
    return _bare(stated) == _bare(gold)


def short_value(text: str, gold: str) -> str:
    """What a text answers to a question of BIG-Bench Hard; the gold answer only tells which form is asked for."""
    if re.fullmatch(r"\([A-Z]\)", gold):
        return letter_of(text, "", "ABCDEFGHIJKLMNOPQRS")
    stated = final_text(text) or (text.strip().split("\n")[-1] if text.strip() else "")
    if gold.lower() in ("yes", "no"):
        found = re.findall(r"\b(yes|no)\b", stated.lower()) or re.findall(r"\b(yes|no)\b", text.lower())
        return found[-1] if found else ""
    return _bare(stated)


def _bare(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", text.casefold()).split())


def formula_equal(text: str, value: str, gold: str) -> bool:
    """Symbolically equal by `math-verify`."""
    from math_verify import parse, verify

    stated = value or last_boxed(text) or final_text(text)
    try:
        found = parse(f"\\boxed{{{stated}}}") if stated else parse(text)
        return bool(verify(parse(f"\\boxed{{{gold}}}"), found))
    except (ValueError, TypeError, AttributeError, NotImplementedError, RecursionError):
        return False
