"""A recipe, and the folder of one run of it.

A recipe is a TOML file that holds every number of a run. Its first step copies it into the run's folder, where each
later step finds it with all that came before; a folder is used with one recipe only. Steps append to `log.txt` there,
so that what happened, when, and what it cost can be read afterwards.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from benchmarks.datasets import Item, load
from msgspec import Struct

from pierian.exceptions import UserError

RECIPES = Path(__file__).parent / "recipes"


class Generator(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Problems of one generator of reasoning-gym; `settings` are its own."""

    name: str
    count: int
    settings: Mapping[str, Any] = {}


class Problems(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where problems come from. `most` takes only the first of the file."""

    generators: tuple[Generator, ...]
    seed: int
    most: int | None = None
    shared_words: int = 10
    """A problem that shares so many words in a row with a development item is left out."""


class Style(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way of asking for worked solutions, and how many to draw of it for each problem."""

    name: str
    system: str
    samples: int


class Sampling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How solutions are drawn."""

    styles: tuple[Style, ...]
    temperature: float
    top_p: float
    """1 where it should not count: with it, the scores of the whole vocabulary are sorted for each token."""
    top_k: int
    max_tokens: int
    batch: int
    """Solutions that are drawn together."""
    seed: int


class Selecting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many solutions are kept of each problem: the shortest right ones."""

    keep: int


class Tuning(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The adapter's form, and supervised training."""

    rank: int
    alpha: float
    targets: tuple[str, ...]
    layers: tuple[int, int]
    """First and last layer, both included."""
    epochs: float
    learning_rate: float
    batch: int
    """Solutions for each step."""
    at_once: int
    """How many of them go through the model together."""
    max_tokens: int
    save_every: int
    seed: int
    most_steps: int = -1


class Reinforcing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy-gradient phase: right answers earn 1, and their tokens are charged for."""

    steps: int
    problems: int
    """Problems for each step."""
    group: int
    """Solutions drawn of each."""
    at_once: int
    max_tokens: int
    learning_rate: float
    temperature: float
    charge: tuple[float, float]
    """What a right answer of `max_tokens` is charged at the first and at the last step."""
    save_every: int
    seed: int


class Exporting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file says of itself."""

    name: str
    purpose: str
    licence: str
    approaches: tuple[str, ...]


class Evaluating(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it is measured."""

    limit: int | None = None
    max_tokens: int = 1024
    speed_tokens: int = 128
    speed_pairs: int = 8


class Recipe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every number of a run."""

    model: str
    device: str
    """`cuda` or `cpu`."""
    precision: str
    """Of the weights while training: `bfloat16` or `float32`."""
    problems: Problems
    sampling: Sampling
    selecting: Selecting
    tuning: Tuning
    reinforcing: Reinforcing
    exporting: Exporting
    evaluating: Evaluating


class RunFolder:
    """Where one run keeps what it made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recipe_file = folder / "recipe.toml"
        self.weights = folder / "weights"
        self.problems = folder / "problems.jsonl"
        self.samples = folder / "samples.jsonl.gz"
        self.selected = folder / "selected.jsonl"
        self.supervised = folder / "supervised"
        self.reinforced = folder / "reinforced"
        self.adapter = folder / "adapter.gguf"
        self.evaluation = folder / "evaluation.jsonl.gz"

    @property
    def recipe(self) -> Recipe:
        """The recipe of this run; raises `UserError` where there is none."""
        try:
            return parse(self.recipe_file.read_text(encoding="utf-8"), self.recipe_file)
        except FileNotFoundError:
            raise UserError(
                f"{self.folder} is not the folder of a run.",
                hint="Begin one: python -m training.problems FOLDER --recipe full --data FILE",
            ) from None

    def begin(self, name: str) -> Recipe:
        """Take a recipe (a name of `recipes/`, or a file) for this folder; one that it has already must be the
        same."""
        file = Path(name) if Path(name).is_file() else RECIPES / f"{name}.toml"
        try:
            text = file.read_text(encoding="utf-8")
        except OSError:
            known = ", ".join(sorted(one.stem for one in RECIPES.glob("*.toml")))
            raise UserError(
                f"There is no recipe {name}.", hint=f"Known are {known}; or give a file."
            ) from None
        recipe = parse(text, file)
        if self.recipe_file.exists():
            if self.recipe != recipe:
                raise UserError(
                    f"{self.folder} holds a run of another recipe.", hint="Choose another folder."
                )
            return recipe
        self.folder.mkdir(parents=True, exist_ok=True)
        replace_text(self.recipe_file, text)
        return recipe

    def note_inputs(self, output: Path, *inputs: Path) -> None:
        """Write beside what a step makes the SHA-256 of what it was made from."""
        hashes = {str(one.resolve()): _sha256(one) for one in inputs}
        replace_text(_inputs_file(output), json.dumps(hashes, indent=1) + "\n")

    def say_if_stale(self, *outputs: Path) -> list[Path]:
        """The outputs of earlier steps whose inputs are others than when they were made, each told on the log."""
        stale: list[Path] = []
        for output in outputs:
            try:
                known: dict[str, str] = json.loads(_inputs_file(output).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # made before this was written
            newer = [name for name, sha256 in known.items() if _sha256(Path(name)) != sha256]
            if newer:
                stale.append(output)
                self.log("stale", output=output.name, made_from_others_than=newer)
        return stale

    def log(self, step: str, /, **facts: Any) -> None:
        """Add a line to the log, and show it."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        line = f"{stamp} {step} " + json.dumps(facts, ensure_ascii=False)
        with (self.folder / "log.txt").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        print(line, file=sys.stderr)


def _inputs_file(output: Path) -> Path:
    return output.with_name(f"{output.name}.inputs.json")


def _sha256(file: Path) -> str:
    """Of a file, empty where it is gone."""
    try:
        with file.open("rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest()
    except OSError:
        return ""


def parse(text: str, file: Path) -> Recipe:
    """A recipe from its text; raises `UserError` with what is wrong in it."""
    try:
        return msgspec.convert(tomllib.loads(text), Recipe)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UserError(
            f"The recipe {file} cannot be used: {error}.", hint="Mend it, or begin another run."
        ) from error


def replace_text(file: Path, text: str) -> None:
    """Write a file in one step."""
    part = file.with_name(file.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)


def write_rows(file: Path, rows: list[dict[str, Any]]) -> None:
    """Write JSON Lines in one step."""
    replace_text(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read_rows(file: Path, before: str) -> list[dict[str, Any]]:
    """The rows of JSON Lines; raises `UserError` naming the step that comes `before` where there are none."""
    if not file.exists():
        raise UserError(f"{file} is not there yet.", hint=f"Do this first: python -m training.{before}")
    return list(json_lines(file))


def json_lines(file: Path, *fields: str) -> Iterator[dict[str, Any]]:
    """The objects of JSON Lines, each with these fields. Texts may hold other characters that end a line, so only
    line feeds count. Raises `UserError` where the file is not there, or names the line that is not so."""
    number = 0
    try:
        with file.open(encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                row = json.loads(line)
                missing = [field for field in fields if field not in row] if isinstance(row, dict) else fields
                if missing or not isinstance(row, dict):
                    raise UserError(
                        f"Line {number} of {file} is no object with {', '.join(fields) or 'fields'}.",
                        hint="Mend it or take it out.",
                    )
                yield row
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.", hint="Give another file.") from error
    except ValueError as error:
        raise UserError(
            f"{file} is no JSON Lines in UTF-8 after line {number}: {error}.", hint="Mend it."
        ) from error


def items_of(file: Path, limit: int | None) -> list[Item]:
    """The items of a data file; raises `UserError` where it cannot be read or its rows are of no supported set."""
    try:
        return load(file, limit)
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.", hint="Give another file.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{file} has a row that is of no supported set: {error}.",
            hint="benchmarks/datasets.py says which fields each has.",
        ) from error


def latest(run: RunFolder) -> Path:
    """The adapter of the latest finished phase."""
    for folder in (run.reinforced, run.supervised):
        if (folder / "adapter").exists():
            return folder / "adapter"
    raise UserError("No phase is finished yet.", hint=f"Train first: python -m training.tune {run.folder}")


def parser_of(module: str, doc: str | None) -> argparse.ArgumentParser:
    """A command line whose first argument is the folder of the run."""
    parser = argparse.ArgumentParser(prog=f"python -m training.{module}", description=doc)
    parser.add_argument("folder", type=Path, help="the folder of the run")
    return parser
