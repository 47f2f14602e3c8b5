"""`pierian export`: all that belongs to one user, as JSON that a person can read."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pierian.cli.storing import opened_storage
from pierian.cli.text import printable

Put = Callable[[str, bytes], None]


def export(
    target: Annotated[Path, typer.Argument(help="A file that ends in .zip, or a folder to make.")],
    user: Annotated[
        str | None, typer.Option("--user", help="A user of the server; default: whoever uses this machine.")
    ] = None,
) -> None:
    """Write conversations, runs, approvals, rules, answers, usage and keys (without secrets) as JSON files."""
    import msgspec

    from pierian.access import Users, owners_of
    from pierian.access.users import LOCAL
    from pierian.exceptions import UserError
    from pierian.storage.backup import writing
    from pierian.storage.export import belongings

    if target.exists():
        raise UserError(f"{target} is there already.", hint="Choose another name.")
    if not target.parent.is_dir():
        raise UserError(f"There is no folder {target.parent} to write {target.name} into.")
    with opened_storage() as database:
        owners = (LOCAL,) if user is None else owners_of(Users(database).get(user))
        count = 0
        with writing(target), made(target) as put:
            for name, value in belongings(database, owners):
                put(name, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
                count += 1
    typer.echo(printable(f"Written to {target}: {count} file{'s' if count != 1 else ''}."))


@contextmanager
def made(target: Path) -> Generator[Put]:
    """A new zip or folder that appears once it is whole, for its owner only."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        partial = Path(folder) / "whole"
        with _zip(partial) if target.suffix.lower() == ".zip" else _folder(partial) as put:
            yield put
        partial.rename(target)


@contextmanager
def _zip(partial: Path) -> Generator[Put]:
    import os
    import zipfile

    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        yield archive.writestr


@contextmanager
def _folder(partial: Path) -> Generator[Put]:
    partial.mkdir(mode=0o700)

    def put(name: str, content: bytes) -> None:
        file = partial / name
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_bytes(content)

    yield put
