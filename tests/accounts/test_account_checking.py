"""The check says what works and what is wrong, in sentences, and gives no password to a server that proves no name."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from hypothesis import given
from hypothesis import strategies as st
from tests.accounts.certificates import Authority
from tests.accounts.dovecot_server import PASSWORD as DOVECOT_PASSWORD
from tests.accounts.dovecot_server import Dovecot
from tests.accounts.radicale_server import Radicale, password_of
from tests.accounts.scripted_server import ScriptedServer, imap_answers, smtp_answers
from tests.accounts.web_server import Reply, WebServer

from pierian.accounts import transport
from pierian.accounts.account import Security, Service, ServiceKind, SignIn
from pierian.accounts.checking import Checked, check_services, problem_of
from pierian.accounts.secrets import Secret
from pierian.accounts.transport import ask, client, same_site
from pierian.accounts.troubles import AccountError, explained, is_loopback, seconds_of

CANARY = "canary-password"
CALENDAR = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20300101\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path / "certificates")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    server = Radicale(tmp_path_factory.mktemp("radicale"))
    server.start()
    server.make_calendar()
    server.make_calendar("/ann/home/", "Home")
    yield server
    server.kill()


def checked(
    kind: ServiceKind,
    *,
    url: str = "",
    port: int = 0,
    host: str = "127.0.0.1",
    security: Security = "none",
    username: str = "ann",
    sign_in: SignIn = "password",
    secret: Secret | None = None,
) -> Checked:
    service = Service(
        kind=kind,
        url=url,
        host="" if url else host,
        port=port,
        security=security,
        username=username,
        sign_in=sign_in,
    )
    default = Secret() if kind == "ics" else Secret(password=CANARY, access_token=CANARY)
    found = check_services([service], lambda _: secret or default)[0]
    assert CANARY not in f"{found!r}"
    return found


def test_calendars_and_address_books_of_a_real_server(radicale: Radicale) -> None:
    secret = Secret(password=password_of("ann"))
    found = checked("caldav", url=radicale.url, secret=secret)
    assert (found.code, found.says) == (None, "signed in; 2 calendars")
    found = checked("carddav", url=radicale.url, secret=secret)
    assert (found.code, found.says) == (None, "signed in; 0 address books")
    deep = checked("caldav", url=f"{radicale.url}ann/work/", secret=secret)
    assert deep.code is None, "an address that is too exact will do"


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_mail_of_a_real_server(dovecot: Dovecot, security: Security, monkeypatch: pytest.MonkeyPatch) -> None:
    user, port = dovecot.user(), dovecot.tls_port if security == "tls" else dovecot.port
    dovecot.client(user).logout()
    secret = Secret(password=DOVECOT_PASSWORD)
    options = {"host": "localhost", "port": port, "security": security, "username": user}
    stranger = checked("imap", secret=secret, **options)  # type: ignore[arg-type]
    assert stranger.code == "certificate" and "self-signed" in stranger.says
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.certificate))
    found = checked("imap", secret=secret, **options)  # type: ignore[arg-type]
    assert found.code is None and found.says.endswith("says what has changed (QRESYNC)"), found.says
    by_address = checked("imap", secret=secret, **{**options, "host": "127.0.0.1"})  # type: ignore[arg-type]
    assert by_address.code == "certificate" and "another address" in by_address.says


def test_a_wrong_password_for_mail_at_a_real_server(dovecot: Dovecot) -> None:
    found = checked("imap", port=dovecot.port, username=dovecot.user())
    assert found.code == "password" and "does not accept" in found.says


def test_a_wrong_password_at_a_real_server(radicale: Radicale) -> None:
    found = checked("caldav", url=radicale.url)
    assert found.code == "password"
    assert "does not accept this user name and password" in found.says and "app password" in found.hint


def test_a_web_server_without_calendars() -> None:
    with WebServer({"/": Reply(200, b"<html>Welcome</html>")}) as web:
        found = checked("caldav", url=f"{web.url}/")
    assert found.code == "failed" and "not answer in the way of WebDAV" in found.says
    with WebServer({}) as web:
        assert checked("caldav", url=f"{web.url}/").code == "not_found"


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("expired", "has expired"),
        ("self-signed", "is self-signed"),
        ("name", "was issued for another address"),
        ("stranger", "issued by an authority that this machine does not trust"),
    ],
)
@pytest.mark.parametrize("kind", ["caldav", "ics", "imap", "smtp"])
def test_no_password_goes_to_a_server_with_a_bad_certificate(
    authority: Authority, tmp_path: Path, kind: ServiceKind, how: str, says: str
) -> None:
    issuer = Authority(tmp_path / "stranger") if how == "stranger" else authority
    name = "elsewhere.example" if how == "name" else "127.0.0.1"
    settings = issuer.server(name, expired=how == "expired", self_signed=how == "self-signed")
    if kind in ("caldav", "ics"):
        with WebServer({"/": Reply(200)}, settings) as web:
            found = checked(kind, url=f"{web.url}/")
            assert web.requests == []
    else:
        answers = imap_answers("OK") if kind == "imap" else smtp_answers("235 fine")
        greeting = "* OK hello\r\n" if kind == "imap" else "220 hello\r\n"
        with ScriptedServer(greeting, answers, settings) as server:
            found = checked(kind, port=server.port, security="tls")
            assert server.lines == []
    if how == "name" and kind in ("imap", "smtp"):
        says = "was issued for another"
    assert found.code == "certificate" and says in found.says, found.says
    assert "Nothing was sent there" in found.hint


def test_a_good_certificate_is_accepted(authority: Authority) -> None:
    with WebServer({"/": Reply(200, CALENDAR)}, authority.server("127.0.0.1")) as web:
        assert checked("ics", url=f"{web.url}/", sign_in="none").code is None
    with ScriptedServer("220 hello\r\n", smtp_answers("235 fine"), authority.server("127.0.0.1")) as server:
        found = checked("smtp", port=server.port, security="tls")
    assert found.says == "signed in; nothing was sent; messages up to 35 MB"


@pytest.mark.parametrize("kind", ["imap", "smtp"])
def test_no_password_is_sent_where_starttls_is_not_offered(kind: ServiceKind) -> None:
    """Whoever sits in between can take STARTTLS out of what the server says."""
    answers = imap_answers("OK") if kind == "imap" else smtp_answers("235 fine")
    with ScriptedServer("* OK hello\r\n" if kind == "imap" else "220 hello\r\n", answers) as server:
        found = checked(kind, port=server.port, security="starttls")
        assert not any("LOGIN" in line or "AUTH" in line for line in server.lines)
    assert found.code == "plain_text", found.says


@pytest.mark.parametrize("kind", ["caldav", "carddav", "ics", "graph", "imap", "smtp"])
def test_other_machines_are_not_spoken_to_without_encryption(kind: ServiceKind) -> None:
    if kind in ("imap", "smtp"):
        found = checked(kind, host="192.0.2.7", port=143, security="none")
    else:
        found = checked(
            kind, url="http://192.0.2.7/", secret=Secret(password="", scopes=("x/Calendars.Read",))
        )
    assert found.code == "plain_text" and "everybody on the way could read the password" in found.says


def test_a_port_that_speaks_no_tls(authority: Authority) -> None:
    with ScriptedServer("* OK hello\r\n", imap_answers("OK")) as server:
        found = checked("imap", port=server.port, security="tls")
    assert found.code == "plain_text" and "--security" in found.hint


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", "password"),
        ("NO LOGIN failed.", "password"),
        ("NO [UNAVAILABLE] Temporary authentication failure.", "throttled"),
        ("NO [LIMIT] Too many simultaneous connections.", "throttled"),
        ("NO [PRIVACYREQUIRED] Plaintext authentication disallowed", "plain_text"),
        ("BAD what?", "password"),
        ("", "unreachable"),
    ],
)
def test_what_an_imap_server_says_to_a_sign_in(answer: str, code: str) -> None:
    with ScriptedServer("* OK hello\r\n", imap_answers(answer)) as server:
        found = checked("imap", port=server.port)
    assert found.code == code, found.says
    assert "Invalid" not in found.says and "simultaneous" not in found.says, "no words of a server"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("535 5.7.8 Bad credentials", "password"),
        ("454 later", "throttled"),
        ("421 busy", "throttled"),
        ("534 no", "password"),
    ],
)
def test_what_an_smtp_server_says_to_a_sign_in(answer: str, code: str) -> None:
    with ScriptedServer("220 hello\r\n", smtp_answers(answer)) as server:
        found = checked("smtp", port=server.port)
    assert found.code == code, found.says


@pytest.mark.parametrize("endless", [False, True])
def test_a_consent_that_a_mail_server_does_not_accept(endless: bool) -> None:
    """XOAUTH2 tells an error as a challenge, which has to be answered with nothing; no server may ask for ever."""
    tags: list[str] = []

    def answer(line: str) -> str | None:
        tag, _, rest = line.partition(" ")
        if rest.startswith("CAPABILITY"):
            return f"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\n{tag} OK done\r\n"
        if rest.startswith("AUTHENTICATE"):
            tags.append(tag)
            return "+ \r\n"
        if line and not endless:
            return "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n"
        return "+ \r\n" if endless else f"{tags[0]} NO failed\r\n"

    with ScriptedServer("* OK hello\r\n", answer) as server:
        found = checked("imap", port=server.port, sign_in="oauth")
    assert found.code == "consent" and "does not accept the consent" in found.says
    sent = [line for line in server.lines if " " not in line]
    assert base64.b64decode(sent[0]).decode() == f"user=ann\1auth=Bearer {CANARY}\1\1"
    assert sent[1:2] == [""]


class Accepting:
    """An SMTP server that would take any message, and remembers them."""

    def __init__(self) -> None:
        self.messages: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.messages.append(envelope)
        return "250 fine"


def authenticator(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"ann", CANARY.encode())
    return AuthResult(success=good, handled=False)


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("starttls", [False, True])
def test_a_real_smtp_server_is_signed_in_to_and_sent_nothing(authority: Authority, starttls: bool) -> None:
    handler, settings = Accepting(), authority.server("127.0.0.1")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=port,
        ssl_context=None if starttls else settings,
        tls_context=settings if starttls else None,
        require_starttls=starttls,
        authenticator=authenticator,
        auth_required=True,
        auth_require_tls=starttls,
    )
    controller.start()
    try:
        security: Security = "starttls" if starttls else "tls"
        good = checked("smtp", port=port, security=security)
        bad = checked("smtp", port=port, security=security, secret=Secret(password="wrong"))
    finally:
        controller.stop()
    assert good.code is None and good.says.startswith("signed in; nothing was sent")
    assert bad.code == "password"
    assert handler.messages == []


@pytest.mark.parametrize(("wait", "says"), [("30", "30 seconds"), ("600", "10 minutes"), (None, "a while")])
def test_a_server_that_throttles(wait: str | None, says: str) -> None:
    headers = {"Retry-After": wait} if wait else {}
    with WebServer({"/a.ics": Reply(429, headers=headers)}) as web:
        found = checked("ics", url=f"{web.url}/a.ics", sign_in="none", secret=Secret())
    assert found.code == "throttled" and f"left alone for {says}" in found.says


def test_a_date_to_come_back_at() -> None:
    later = seconds_of(formatdate(time.time() + 100, usegmt=True))
    assert later is not None and 90 < later <= 100
    assert seconds_of("-5") is None and seconds_of("9" * 400) == 86_400 and seconds_of("²") is None


@given(st.text(max_size=40))
def test_no_retry_after_raises(text: str) -> None:
    found = seconds_of(text)
    assert found is None or 0 <= found <= 86_400


def test_no_such_host_and_nobody_there() -> None:
    found = checked("imap", host="mail.example.org", port=993, security="tls")
    assert found.code == "unreachable" and found.says == "There is no host mail.example.org:993."
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = checked("caldav", url=f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert found.code == "unreachable" and "Nothing listens at 127.0.0.1" in found.says


@pytest.mark.parametrize("kind", ["caldav", "smtp"])
def test_a_server_that_never_answers(kind: ServiceKind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pierian.accounts.checking.TIMEOUT", 0.2)
    monkeypatch.setattr("pierian.accounts.mail.sending.TIMEOUT", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        url = f"http://127.0.0.1:{port}/" if kind == "caldav" else ""
        found = checked(kind, url=url, port=port)
    assert found.code == "timeout" and "does not answer in time" in found.says


def test_the_password_stays_at_the_site_that_it_is_for(authority: Authority) -> None:
    elsewhere = {"/": Reply(207)}
    with WebServer(elsewhere) as other:
        port = other.port
        with WebServer({"/": Reply(307, headers={"Location": f"http://localhost:{port}/"})}) as first:
            checked("caldav", url=f"{first.url}/")
            assert "authorization" in first.requests[0].headers
            assert "authorization" not in other.requests[0].headers
    assert same_site("caldav.icloud.com", "p34-caldav.icloud.com")
    assert not same_site("a.co.uk", "b.co.uk") and not same_site("10.0.0.1", "11.0.0.1")
    assert not same_site("icloud.com", "icloud.com.evil.example")


def test_no_redirect_leads_from_https_to_http(authority: Authority) -> None:
    with WebServer({"/": Reply(200)}) as plain:
        with WebServer(
            {"/": Reply(301, headers={"Location": f"{plain.url}/"})}, authority.server("127.0.0.1")
        ) as web:
            found = checked("ics", url=f"{web.url}/", sign_in="none")
        assert found.code == "plain_text" and plain.requests == []


def test_an_answer_without_an_end_is_cut() -> None:
    with WebServer({"/": Reply(200, b"x" * 3_000_000)}) as web:
        with client() as http, pytest.raises(AccountError, match="more than 1 MB"):
            ask(http, "GET", f"{web.url}/")


def test_calendar_files(tmp_path: Path) -> None:
    file = tmp_path / "holidays.ics"
    file.write_bytes(CALENDAR)
    assert checked("ics", url=file.as_uri(), sign_in="none", secret=Secret()).says == "1 event"
    file.write_bytes(b"<html>")
    found = checked("ics", url=file.as_uri(), sign_in="none", secret=Secret())
    assert found.code == "not_found" and "holds no calendar" in found.says
    file.unlink()
    assert "cannot be read" in checked("ics", url=file.as_uri(), sign_in="none", secret=Secret()).says


def test_microsoft_graph_by_its_token() -> None:
    secret = Secret(
        access_token="t",
        scopes=("https://graph.microsoft.com/Calendars.Read", "https://graph.microsoft.com/Contacts.Read"),
    )
    routes = {"/v1.0/me/calendars": Reply(200, b"{}"), "/v1.0/me/contacts": Reply(200, b"{}")}
    with WebServer(routes) as web:
        found = checked("graph", url=f"{web.url}/v1.0", sign_in="oauth", secret=secret)
        assert found.says == "signed in; calendars and contacts can be read"
        assert web.requests[0].headers["authorization"] == "Bearer t"
        web.routes["/v1.0/me/contacts"] = Reply(401)
        found = checked("graph", url=f"{web.url}/v1.0", sign_in="oauth", secret=secret)
    assert found.code == "consent" and "consent" in found.says


def test_one_trouble_of_several_services_is_told_once() -> None:
    service = Service(kind="imap", host="h")
    same = Checked(service=service, says="It is away.", code="unreachable")
    assert problem_of([same, same, Checked(service=service, says="fine")]) == "It is away."


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("localhost", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil", False),
        ("0.0.0.0", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, ours: bool) -> None:
    assert is_loopback(host) is ours


def test_an_error_of_ours_is_no_trouble_of_a_server() -> None:
    assert explained(ValueError("a bug"), "x") is None
    assert explained(KeyError("a bug"), "x") is None
    nested = RuntimeError("wrapped")
    nested.__cause__ = ssl.SSLCertVerificationError(1, "bad")
    found = explained(nested, "x")
    assert found is not None and found.code == "certificate"


def test_a_server_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "PATIENCE", 0.2)
    gone = threading.Event()

    def drip(listening: socket.socket) -> None:
        with listening, listening.accept()[0] as connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
            with contextlib.suppress(OSError):
                while not gone.wait(0.05):
                    connection.sendall(b"x")

    listening = socket.create_server(("127.0.0.1", 0))
    server = threading.Thread(target=drip, args=(listening,))
    server.start()
    try:
        with client() as http, pytest.raises(AccountError) as caught:
            ask(http, "GET", f"http://127.0.0.1:{listening.getsockname()[1]}/")
        assert "in time" in str(caught.value)
    finally:
        gone.set()
        server.join()
