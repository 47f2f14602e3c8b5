"""The table of prices: what a million tokens of prompt, of cached prompt and of answer cost, per model and mode.

It is `prices.toml` in the configuration folder, a list of entries:

    [[price]]
    model = "qwen2.5-coder-1.5b"   # left out: any model
    mode = "thinking"              # left out: any mode
    input = 0.10
    cached = 0.02                  # left out: as input
    output = 0.40

The entry that says most holds: model and mode before model before mode before neither. What no entry speaks of is
free. Money is worked out in whole numbers from the decimals as they are written, and rounded up to a billionth.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from pierian.config import paths, write_private
from pierian.exceptions import SettingsError, UserError
from pierian.metering.money import UNIT, parse_money
from pierian.reasoning.mode import Mode

MILLION = 10**6


class Price(Struct, frozen=True, kw_only=True):
    """Prices of a million tokens, in billionths. An empty `model` or `mode` means any."""

    model: str = ""
    mode: str = ""
    input: int = 0
    cached: int = 0
    output: int = 0

    def money(self, prompt: int, cached: int, completion: int) -> int:
        """What a call costs, in billionths, rounded up; `cached` of the `prompt` tokens were cached."""
        cached = min(cached, prompt)
        millionths = (prompt - cached) * self.input + cached * self.cached + completion * self.output
        return -(-millionths // MILLION)

    def most(self, prompt: int, completion: int) -> int:
        """What a call costs at most, whatever of its prompt turns out to be cached."""
        return max(self.money(prompt, 0, completion), self.money(prompt, prompt, completion))

    def as_json(self) -> dict[str, Any]:
        """Plain values; money as a number, as people write it."""
        amounts = {name: getattr(self, name) / UNIT for name in ("input", "cached", "output")}
        return {"model": self.model, "mode": self.mode} | amounts

    def settings(self) -> dict[str, float]:
        """As the settings of a run, whose reservations then bound what its calls cost by this price."""
        return {"price_input": max(self.input, self.cached) / UNIT, "price_output": self.output / UNIT}

    @property
    def free(self) -> bool:
        """Whether nothing costs anything."""
        return not (self.input or self.cached or self.output)


class PriceTable(Struct, frozen=True):
    """The whole table."""

    entries: tuple[Price, ...] = ()

    def of(self, model: str, mode: str) -> Price:
        """The price that holds for a call of this model in this mode."""
        known = {(price.model, price.mode): price for price in self.entries}
        for key in ((model, mode), (model, ""), ("", mode), ("", "")):
            if key in known:
                return known[key]
        return Price(model=model, mode=mode)


def prices_file() -> Path:
    """Where the table is kept."""
    return paths().config / "prices.toml"


def load_prices(file: Path | None = None) -> PriceTable:
    """The table, empty where there is no file; raises `SettingsError`."""
    file = file or prices_file()
    entries, seen = list[Price](), dict[tuple[str, str], int]()
    for number, entry in _entries(file):
        price = _price(entry, number, file)
        if (first := seen.setdefault(_place(price), number)) != number:
            raise SettingsError(
                f"Price {first} and price {number} in {file} are for the same model and mode.",
                hint="Remove one of them.",
            )
        entries.append(price)
    return PriceTable(tuple(entries))


def set_price(wanted: Price, file: Path | None = None) -> Path:
    """Put an entry into the file, in the place of the one for the same model and mode; comments stay."""
    import tomlkit

    file = file or prices_file()
    load_prices(file)  # a damaged file is reported, never overwritten
    document = tomlkit.parse(file.read_text(encoding="utf-8")) if file.exists() else tomlkit.document()
    tables: Any = document.setdefault("price", tomlkit.aot())  # pyright: ignore[reportUnknownMemberType]
    entry = next((t for t in tables if (t.get("model", ""), t.get("mode", "")) == _place(wanted)), None)
    if entry is None:
        entry = tomlkit.table()
        for name in ("model", "mode"):
            if value := getattr(wanted, name):
                entry[name] = value
        tables.append(entry)
    for name in ("input", "cached", "output"):
        entry[name] = tomlkit.item(_number(getattr(wanted, name)))  # pyright: ignore[reportUnknownMemberType]
    write_private(file, tomlkit.dumps(document))
    return file


def checked_price(model: str, mode: str, amounts: dict[str, int]) -> Price:
    """A price as it is typed; raises `UserError` for a mode that is none."""
    mode = Mode.named(mode).value if mode else ""
    return Price(
        model=model.strip(),
        mode=mode,
        input=amounts["input"],
        cached=amounts.get("cached", amounts["input"]),
        output=amounts["output"],
    )


def _place(price: Price) -> tuple[str, str]:
    return price.model, price.mode


def _number(billionths: int) -> float | int:
    """As TOML writes it; up to nine decimals survive the way through a float at any sensible price."""
    whole = Decimal(billionths) / UNIT
    return int(whole) if whole == int(whole) else float(whole)


def _entries(file: Path) -> Sequence[tuple[int, dict[str, Any]]]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=str)
    except FileNotFoundError:
        return ()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The table of prices {file} is not valid TOML: {error}.",
            hint="Mend that line, or move the file away.",
        ) from error
    except OSError as error:
        raise SettingsError(
            f"The table of prices {file} cannot be read: {error.strerror}.", hint="Check its permissions."
        ) from error
    entries: Any = table.pop("price", [])
    if table or not isinstance(entries, list):
        what = f"{next(iter(table))!r} is not known there" if table else "price is not a list of [[price]]"
        raise SettingsError(f"The table of prices {file} cannot be used: {what}.", hint=_EXAMPLE)
    return list(enumerate(entries, 1))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


_EXAMPLE = 'For example: [[price]], and under it model = "…", mode = "thinking", input = 0.1, output = 0.4.'


class _Entry(Struct, forbid_unknown_fields=True):
    """An entry as it is read: numbers with decimals arrive as text, so that none is lost."""

    input: int | str
    output: int | str
    cached: int | str | None = None
    model: str = ""
    mode: str = ""


def _price(entry: Any, number: int, file: Path) -> Price:
    try:
        read = msgspec.convert(entry, _Entry)
        cached = read.input if read.cached is None else read.cached
        amounts = {"input": read.input, "cached": cached, "output": read.output}
        return checked_price(read.model, read.mode, {k: parse_money(str(v)) for k, v in amounts.items()})
    except (msgspec.ValidationError, UserError) as error:
        raise SettingsError(f"Price {number} in {file} cannot be used: {error}", hint=_EXAMPLE) from error
