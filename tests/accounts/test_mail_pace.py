"""A mail server that sends or takes a byte now and then is given up, though it is never silent."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from pierian.accounts.account import Service
from pierian.accounts.mail import pace
from pierian.accounts.mail.connection import signed_in
from pierian.accounts.mail.sending import signed_in_smtp
from pierian.accounts.secrets import Secret
from pierian.accounts.troubles import AccountError

DRIPS = 2000
"""Bytes, a hundredth of a second apart, after which the server answers as it should: whoever waits that long, fails."""


class Dripping:
    """Answers lines as `answers` says, by how they begin; where that says "drip", it takes its time."""

    def __init__(self, greeting: str, answers: dict[str, str], *, reads_slowly: bool = False) -> None:
        self.given_up = Event()
        self._greeting, self._answers, self._reads_slowly = greeting, answers, reads_slowly
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        connection, _ = self._listening.accept()
        with connection, connection.makefile("rb") as lines:
            try:
                self._say(connection, self._greeting, "")
                for line in lines:
                    tag, _, rest = line.decode().partition(" ")
                    said = next((v for k, v in self._answers.items() if k in f"{tag} {rest}".upper()), "")
                    self._say(connection, said or "{tag} OK done\r\n", tag)
                    if self._reads_slowly and "+" in said:
                        self._drip_in(connection)
            except OSError:
                self.given_up.set()

    def _say(self, connection: socket.socket, text: str, tag: str) -> None:
        if "drip" in text:
            for _ in range(DRIPS):
                connection.sendall(b"x")
                Event().wait(0.01)
            text = text.replace("drip", "")
        connection.sendall(text.replace("{tag}", tag).encode())

    def _drip_in(self, connection: socket.socket) -> None:
        for _ in range(DRIPS):
            if not connection.recv(1):
                raise ConnectionResetError
            Event().wait(0.01)


@contextmanager
def dripping(greeting: str, answers: dict[str, str], *, reads_slowly: bool = False) -> Iterator[Dripping]:
    server = Dripping(greeting, answers, reads_slowly=reads_slowly)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "COMMAND_SECONDS", 0.3)
    monkeypatch.setattr(pace, "LEAST_RATE", 1_000_000_000)


def service(kind: str, server: Dripping) -> Service:
    return Service(kind=kind, host="127.0.0.1", port=server.port, security="none", username="me")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("greeting", "answers"),
    [
        ("drip* OK here\r\n", {}),
        ("* OK here\r\n", {"LOGIN": "drip\r\n{tag} OK in\r\n"}),
        ("* OK here\r\n", {"EXAMINE": "* drip\r\n* 1 EXISTS\r\n{tag} OK open\r\n"}),
        ("* OK here\r\n", {"EXAMINE": '* 1 FETCH (BODY[] {{2000}}\r\ndrip)\r\n{tag} OK open\r\n'.replace("{{", "{").replace("}}", "}")}),
    ],
)  # fmt: skip
def test_an_imap_server_that_drips_is_given_up(greeting: str, answers: dict[str, str]) -> None:
    every = {"CAPABILITY": "* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n"} | answers
    with (
        dripping(greeting, every) as server,
        pytest.raises(AccountError) as raised,
        signed_in(service("imap", server), Secret(password="x")) as imap,
    ):
        imap.open("INBOX")
    assert raised.value.code in ("timeout", "unreachable"), str(raised.value)
    assert server.given_up.wait(10)


@pytest.mark.parametrize(
    ("greeting", "answers"),
    [
        ("220 drip\r\n", {}),
        ("220 here\r\n", {"EHLO": "250-drip\r\n250 AUTH PLAIN\r\n"}),
        ("220 here\r\n", {"EHLO": "250-here\r\n250 AUTH PLAIN\r\n", "AUTH": "235 drip\r\n"}),
    ],
)
def test_an_smtp_server_that_drips_is_given_up(greeting: str, answers: dict[str, str]) -> None:
    from pierian.accounts.mail.connection import reaching

    with dripping(greeting, answers) as server:
        chosen = service("smtp", server)
        with (
            pytest.raises(AccountError) as raised,
            reaching(chosen),
            signed_in_smtp(chosen, Secret(password="x")),
        ):
            pass
        assert raised.value.code in ("timeout", "unreachable"), str(raised.value)
        assert server.given_up.wait(10)


def test_a_server_that_takes_a_message_by_drips_is_given_up() -> None:
    answers = {
        "CAPABILITY": "* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n",
        "APPEND": "+ go on\r\n",
    }
    with (
        dripping("* OK here\r\n", answers, reads_slowly=True) as server,
        pytest.raises(AccountError) as raised,
        signed_in(service("imap", server), Secret(password="x")) as imap,
    ):
        imap.append("Drafts", bytes(30_000_000), [])
    assert raised.value.code in ("timeout", "unreachable"), str(raised.value)
