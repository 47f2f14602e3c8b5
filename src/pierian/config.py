"""Settings: one TOML file, overridden by environment variables, overridden by flags.

The file is `config.toml` in the configuration folder; every key can be given as `PIERIAN_<KEY>` in the
environment. `PIERIAN_HOME` puts configuration, data and state under one folder. Secrets do not belong in
answers or logs: `Settings.public()` masks them.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import re
import tempfile
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints
from urllib.parse import urlsplit

import msgspec

from pierian.exceptions import DiskFull, SettingsError, UnknownName

Positive = Annotated[int, msgspec.Meta(ge=1)]
DraftCount = Annotated[int, msgspec.Meta(ge=1, le=32)]
Count = Annotated[int, msgspec.Meta(ge=0)]
PositiveSeconds = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]

SECRETS = frozenset({"api_key", "search_key"})
ADDRESSES = frozenset({"base_url", "database_url", "search_url"})
"""Settings whose value may hold a password."""


def setting(default: Any, doc: str) -> Any:
    """A field of `Settings` with its one-line documentation."""
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting; None means "no limit" or "choose for me"."""

    mode: Literal["instant", "thinking", "contemplating", "auto"] = setting(
        "auto", "Mode of `ask` and `chat`: instant, thinking, contemplating or auto."
    )
    drafts: DraftCount = setting(8, "Most drafts of a contemplating run, 1 to 32.")
    model: str = setting("qwen2.5-coder-1.5b", "Model from the catalogue (or the server, with base_url).")
    adapter: str = setting(
        "auto", "Adapter beside the model: a name, auto (one that was measured, where there is one) or none."
    )
    instructions: str = setting("", "Custom instructions that every answer follows.")
    base_url: str = setting(
        "",
        "An OpenAI-compatible server to use instead of the embedded engine; several, with commas, share the work.",
    )
    api_key: str = setting("", "The key for base_url.")
    sees: bool | None = setting(
        None, "Whether the model on base_url reads pictures; default: by the model's name."
    )
    budget_tokens: Positive | None = setting(None, "Most tokens that one answer may use.")
    budget_seconds: PositiveSeconds | None = setting(None, "Most seconds that one answer may take.")
    daily_tokens: Positive | None = setting(None, "Most tokens a day, over everything.")
    daily_money: NotNegative | None = setting(None, "Most money a day, over everything; needs the prices.")
    price_input: NotNegative = setting(0.0, "Price of a million prompt tokens on base_url.")
    price_output: NotNegative = setting(0.0, "Price of a million generated tokens on base_url.")
    tools: str = setting(
        "",
        "Tools of `ask` and `chat`, with commas: clock, calculator, python, files, web, search, artifact, mcp, "
        "calendar, mail, contacts.",
    )
    folders: str = setting("", "Folders whose files the file tools may read and write, with commas.")
    sync_minutes: Count = setting(
        10, "Minutes after which linked accounts are synced again by themselves; 0: only when you say so."
    )
    trips_from: str = setting("", "Where your trips begin: a city or an airport, such as Berlin or BER.")
    people: str = setting(
        "", "Whose account or address stands for whom, with commas: partner=ada, mum=eve@example.org."
    )
    offers: str = setting(
        "", "A file with flights, rooms and sights for trips; docs/travel.md says how it looks."
    )
    offer_tools: str = setting("", "Tools of your MCP servers that find flights, with commas: trips.search.")
    offer_seconds: PositiveSeconds = setting(20.0, "Seconds that a trip waits for each provider of offers.")
    currency: str = setting("EUR", "Currency in which a trip is added up.")
    exchange_rates: str = setting("", "What one unit of other currencies is worth in it: USD=0.91, GBP=1.17.")
    search_url: str = setting("", "A SearXNG or Brave endpoint for the search tool.")
    search_key: str = setting("", "The key for search_url, where it needs one.")
    database_url: str = setting("", "A PostgreSQL database to use instead of the file, for several workers.")
    fetch_pictures: bool = setting(
        False, "Whether the API server fetches pictures that a request names by their address."
    )
    response_days: Count = setting(30, "Days that the API server keeps stored responses; 0: for ever.")
    threads: Positive | None = setting(None, "Engine threads; default: the physical cores.")
    context: Positive | None = setting(None, "Engine context in tokens; default: by model and memory.")
    slots: Positive | None = setting(None, "Requests the engine serves at once; default 4.")
    cache_megabytes: Count | None = setting(
        None, "Memory for prompts that the engine keeps; default: a tenth of the machine's, at most 2048."
    )
    reuse_tokens: Count = setting(
        0,
        "Least run of an old prompt that the engine moves to a new place instead of reading it again; 0: never.",
    )
    keep_warm_minutes: PositiveSeconds = setting(10.0, "Minutes the engine stays loaded after the last use.")
    silence_seconds: PositiveSeconds = setting(600.0, "Longest silence of a server before it is given up.")

    def public(self) -> dict[str, Any]:
        """All settings as plain values, secrets masked."""
        return {key: without_secret(key, value) for key, value in dataclasses.asdict(self).items()}


def without_secret(key: str, value: Any) -> Any:
    """The value of a setting as it may be shown: no key, and no password of an address."""
    if key in SECRETS:
        return "•••" if value else value
    return re.sub(r"//[^/@]*@", "//•••@", value) if key in ADDRESSES else value


def keys() -> dict[str, str]:
    """Each setting's name and its documentation, in order."""
    return {f.name: f.metadata["doc"] for f in dataclasses.fields(Settings)}


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things lie. Folders are created by whoever writes into them first."""

    config: Path
    data: Path
    state: Path

    @property
    def config_file(self) -> Path:
        """The settings file."""
        return self.config / "config.toml"

    @property
    def models(self) -> Path:
        """Model files and what the user added to the catalogue."""
        return self.data / "models"

    @property
    def artifacts(self) -> Path:
        """Pages and drawings that a tool wrote."""
        return self.data / "artifacts"

    @property
    def database(self) -> Path:
        """Conversations and usage."""
        return self.data / "pierian.db"


def paths() -> Paths:
    """The folders of this user: under `PIERIAN_HOME` if set, else where the platform keeps such things."""
    if home := os.environ.get("PIERIAN_HOME"):
        root = Path(home).expanduser().absolute()
        return Paths(root / "config", root / "data", root / "state")
    import platformdirs

    return Paths(
        platformdirs.user_config_path("pierian"),
        platformdirs.user_data_path("pierian"),
        platformdirs.user_state_path("pierian"),
    )


def load(**flags: Any) -> Settings:
    """Settings from file, environment and `flags` (None flags are ignored); raises `SettingsError`."""
    values: dict[str, Any] = {}
    file = paths().config_file
    for key, value in read_file(file).items():
        if key not in keys():
            near = UnknownName("setting", key, keys()).hint
            raise SettingsError(
                f"The settings file {file} has an unknown setting {key!r}.",
                hint=f"{near} `pierian config unset {key}` removes it.",
            )
        values[key] = convert(key, value, f"in {file}")
    for key in keys():
        raw = os.environ.get(f"PIERIAN_{key.upper()}")
        if raw is not None:
            values[key] = convert(key, raw, f"from PIERIAN_{key.upper()}")
    given = {k: convert(k, v, f"--{k.replace('_', '-')}") for k, v in flags.items() if v is not None}
    if given.get("base_url") not in (None, values.get("base_url")) and "PIERIAN_API_KEY" not in os.environ:
        values.pop("api_key", None)  # it belongs to the server in the settings, and goes to no other
    return Settings(**(values | given))


def read_file(file: Path) -> dict[str, Any]:
    """The raw contents of a settings file; an absent file is empty."""
    try:
        text = file.read_text(encoding="utf-8")
        return tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The settings file {file} is not valid TOML: {error}.",
            hint="Mend that line, or move the file away.",
        ) from error
    except OSError as error:
        raise SettingsError(
            f"The settings file {file} cannot be read: {error.strerror}.", hint="Check its permissions."
        ) from error


def convert(key: str, value: Any, where: str) -> Any:
    """`value` as the type of the setting `key`; text is parsed; raises with the place it came from."""
    if key not in keys():
        raise UnknownName("setting", key, keys())
    if value in ("", "none") and default_of(key) is None:
        return None
    if isinstance(value, str) and value.encode("utf-8", "replace").decode() != value:
        raise SettingsError(f"The setting {key} {where} is not plain text.", hint=f"{key}: {keys()[key]}")
    if isinstance(value, str) and key == "mode":
        value = value.lower()
    if key == "base_url" and isinstance(value, str):
        check_addresses(value, where)
    try:
        return msgspec.convert(value, types()[key], strict=False)
    except msgspec.ValidationError as error:
        shown = "the value" if key in SECRETS else repr(value)
        raise SettingsError(
            f"The setting {key} {where} cannot be {shown}: {error}.", hint=f"{key}: {keys()[key]}"
        ) from error


def addresses(base_url: str) -> tuple[str, ...]:
    """The addresses in a `base_url`, each once; a single one is given back as it is."""
    if "," not in base_url:
        return (base_url,)
    return tuple(dict.fromkeys(url for part in base_url.split(",") if (url := part.strip()))) or (base_url,)


def check_addresses(base_url: str, where: str) -> None:
    """Raise `SettingsError` where one of several addresses is none; of a single one the client tells more."""
    if "," not in base_url:
        return
    for url in addresses(base_url):
        try:
            parts = urlsplit(url)
            wrong = "" if parts.scheme in ("http", "https") and parts.hostname else "it is no http address"
            _ = parts.port  # raises where it is no port
        except ValueError as error:
            wrong = str(error)
        if wrong:
            raise SettingsError(
                f"The setting base_url {where} cannot have the address {without_secret('base_url', url)!r}: {wrong}.",
                hint="Each should look like http://host:port/v1, with commas between them.",
            )


def default_of(key: str) -> Any:
    """The default of a setting."""
    return next(f.default for f in dataclasses.fields(Settings) if f.name == key)


def save(key: str, text: str) -> Path:
    """Set one key in the settings file, keeping its comments; returns the file.

    An empty text removes the key. The file is replaced in one step and readable by its owner only.
    """
    import tomlkit

    value = None if text == "" else convert(key, text, "on the command line")
    file = paths().config_file
    read_file(file)  # a damaged file is reported, never overwritten
    document = tomlkit.parse(file.read_text(encoding="utf-8")) if file.exists() else tomlkit.document()
    if value is None:
        document.pop(key, None)  # pyright: ignore[reportUnknownMemberType]
    else:
        document[key] = value
    write_private(file, tomlkit.dumps(document))
    return file


def write_private(file: Path, text: str) -> None:
    """Write a file in one step, readable by its owner only, in a folder that is made if need be.

    A link is followed, and what is no plain file (a terminal, a pipe) is written into.
    """
    content = text.encode("utf-8", "replace")
    temporary = ""
    try:
        file = file.resolve()
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if file.exists() and not file.is_file():
            file.write_bytes(content)
            return
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        Path(temporary).replace(file)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"There is no room left to write {file}.", hint="Free some space and try again."
            ) from error
        raise SettingsError(
            f"{file} cannot be written: {error.strerror}.",
            hint="Choose another place, or change its permissions.",
        ) from error


@cache
def types() -> dict[str, Any]:
    """The type of each setting; worked out only when a setting is given, for it takes a while."""
    return get_type_hints(Settings, include_extras=True)
