"""`pierian accounts`: an account is linked when it works, by a person or by a script, and no secret is ever shown."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from tests.accounts.dovecot_server import PASSWORD as DOVECOT_PASSWORD
from tests.accounts.dovecot_server import Dovecot, running
from tests.accounts.oauth_server import CLIENT_ID, CLIENT_SECRET, OAuthServer
from tests.accounts.radicale_server import Radicale, password_of
from tests.accounts.scripted_server import ScriptedServer, smtp_answers
from tests.accounts.web_server import Reply, Request, WebServer
from typer.testing import CliRunner

from pierian.accounts import discovery, linking, required_packages, synchronising
from pierian.accounts.account import Account, Service
from pierian.accounts.discovery import Discovery, Found
from pierian.accounts.providers import provider_of
from pierian.accounts.scopes import Part
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import Synced
from pierian.cli import accounts as command
from pierian.cli.app import run
from pierian.config import paths
from pierian.runs import AcceptedTools
from pierian.storage import open_database
from pierian.toolbox.mcp_servers import mcp_file

PASSWORD = password_of("ann")
CALENDAR = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20300101\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
SERVER = Path(__file__).parents[1] / "toolbox/servers/misbehaving.py"


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    server = Radicale(tmp_path_factory.mktemp("radicale"))
    server.start()
    server.make_calendar()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with running() as server:
        yield server


def line(*arguments: str, typed: str = "") -> Result:
    """A command line, and what somebody types."""
    return CliRunner().invoke(command.app, [*arguments], input=typed, catch_exceptions=False)


def script(monkeypatch: pytest.MonkeyPatch, *arguments: str, stdin: str = "") -> int:
    """A command line of a script: its exit code."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    return run(["accounts", *arguments])


def by_script(
    monkeypatch: pytest.MonkeyPatch, radicale: Radicale, *more: str, password: str = PASSWORD
) -> int:
    options = (
        "--url",
        radicale.url,
        "--username",
        "ann",
        "--name",
        "work",
        "--password-stdin",
        "--yes",
        *more,
    )
    return script(monkeypatch, "link", "caldav", *options, stdin=f"{password}\n")


def stored() -> list[Account]:
    with open_database(paths().database) as database:
        return Accounts(database).list()


def everything_written() -> bytes:
    return b"".join(file.read_bytes() for file in paths().data.parent.rglob("*") if file.is_file())


def test_a_calendar_is_linked_by_a_script_used_and_unlinked(
    monkeypatch: pytest.MonkeyPatch,
    radicale: Radicale,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    assert by_script(monkeypatch, radicale, "--write") == 0
    said = capsys.readouterr()
    assert said.out == "Linked: work\n"
    assert "✓ calendars: signed in; 1 calendar" in said.err
    assert "may be used to" in said.err and "read, write" in said.err
    assert script(monkeypatch, "list") == 0
    listed = capsys.readouterr().out
    assert "work" in listed and "read, write" in listed and "never" in listed
    assert script(monkeypatch, "check", "work") == 0
    assert script(monkeypatch, "switch", "work", "free-busy-only", "on") == 0
    assert "read, write (calendars: free/busy only)" in capsys.readouterr().out
    assert script(monkeypatch, "rename", "work", "home") == 0
    assert script(monkeypatch, "list", "--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out.partition("\n")[2])[0]["switches"]["free_busy_only"] is True
    assert PASSWORD.encode() not in everything_written()
    assert PASSWORD not in f"{said.out}{said.err}{listed}{told.out}{caplog.text}"
    assert script(monkeypatch, "unlink", "home", "--yes") == 0
    assert stored() == []


def test_a_wrong_password_links_nothing(
    monkeypatch: pytest.MonkeyPatch, radicale: Radicale, capsys: pytest.CaptureFixture[str]
) -> None:
    assert by_script(monkeypatch, radicale, password="canary-wrong") == 1
    said = capsys.readouterr()
    assert "does not accept this user name and password. Nothing was linked." in said.err
    assert "canary-wrong" not in said.out + said.err
    assert stored() == []


def test_a_person_is_led_through_it(radicale: Radicale) -> None:
    options = ("link", "caldav", "--url", radicale.url)
    result = line(*options, typed=f"ann\ny\nn\ny\nwrong\n{PASSWORD}\n")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "Linked: ann"
    assert "May it create, move and cancel events, when you approve?" in result.output
    assert "✗ calendars" in result.output, "the first password was wrong, and was asked for again"
    assert "pierian accounts sync ann" in result.output
    account = stored()[0]
    assert (account.switches.write, account.switches.send) == (True, False)
    assert PASSWORD not in result.output and "wrong" not in result.output.replace("What is wrong", "")


def test_a_person_who_does_not_agree_links_nothing(radicale: Radicale) -> None:
    result = CliRunner().invoke(
        command.app, ["link", "caldav", "--url", radicale.url], input="ann\nn\nn\nn\n"
    )
    assert result.exit_code != 0 and stored() == []


def test_linking_again_renews_the_password_and_keeps_the_switches(
    monkeypatch: pytest.MonkeyPatch, radicale: Radicale, capsys: pytest.CaptureFixture[str]
) -> None:
    assert by_script(monkeypatch, radicale, "--write") == 0
    first = stored()
    assert by_script(monkeypatch, radicale) == 0
    assert capsys.readouterr().out == "Linked: work\nRenewed: work\n"
    assert [one.id for one in stored()] == [one.id for one in first]
    assert stored()[0].switches == first[0].switches
    unnamed = (
        "link",
        "caldav",
        "--url",
        radicale.url,
        "--username",
        "ann",
        "--send",
        "--yes",
        "--password-stdin",
    )
    assert script(monkeypatch, *unnamed, stdin=PASSWORD) == 0
    assert capsys.readouterr().out == "Renewed: work\n", "the same user at the same server"
    assert (stored()[0].switches.write, stored()[0].switches.send) == (True, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["link", "caldav", "ann@gmail.com", "--yes"], "pierian accounts link google ann@gmail.com"),
        (["link", "imap", "ann@outlook.com", "--yes"], "pierian accounts link microsoft ann@outlook.com"),
        (["link", "caldav", "ann", "--yes"], "is no address"),
        (["link", "caldav", "--yes"], "Give ADDRESS"),
        (["link", "caldav", "--url", "https://ann:secret@example.org/dav/"], "history of your shell"),
        (["link", "caldav", "ann@posteo.de", "--password-stdin"], "Add --yes"),
        (["link", "caldav", "ann@posteo.de", "--yes"], "--password-stdin"),
        (["link", "imap", "a@b.example", "--host", "h", "--security", "ssl"], "tls, starttls or none"),
        (["link", "ics", "nowhere.ics", "--yes"], "no file"),
        (["link", "google", "ann@gmail.com", "--yes"], "--client-id"),
        (["link", "google", "--only", "calendar", "--client-file", "x", "--yes"], "'calendars'"),
        (["link", "mcp", "notes", "--yes"], "a program or an address"),
        (["switch", "work", "write", "on"], "no account called"),
        (["check"], "No account is linked yet"),
        (["unlink", "work"], "no account called"),
    ],
)
def test_what_cannot_be_done_as_typed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
    tmp_path: Path,
) -> None:
    if "x" in arguments:
        file = tmp_path / "client.json"
        file.write_text(json.dumps({"installed": {"client_id": "i", "client_secret": "s"}}))
        arguments = [str(file) if one == "x" else one for one in arguments]
    assert script(monkeypatch, *arguments) == 2
    said = capsys.readouterr()
    assert says in said.err.replace("\n", " ")
    assert stored() == []


def found_by_dns(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    service = Service(kind="caldav", url=url, username="ann")
    told = Discovery(found=(Found(service=service, how="DNS of example.org", trusted=False),))

    async def discover(*_: object) -> Discovery:
        return told

    monkeypatch.setattr(discovery, "discover", discover)


def test_a_host_that_only_dns_names_gets_a_password_only_if_the_person_says_so(
    monkeypatch: pytest.MonkeyPatch, radicale: Radicale, capsys: pytest.CaptureFixture[str]
) -> None:
    found_by_dns(monkeypatch, radicale.url)
    assert (
        script(monkeypatch, "link", "caldav", "ann@example.org", "--yes", "--password-stdin", stdin=PASSWORD)
        == 2
    )
    assert "lie with somebody else" in capsys.readouterr().err
    refused = CliRunner().invoke(command.app, ["link", "caldav", "ann@example.org"], input="n\n")
    assert refused.exit_code != 0 and stored() == []
    agreed = line("link", "caldav", "ann@example.org", typed=f"y\nn\nn\ny\n{PASSWORD}\n")
    assert "Linked: ann@example.org" in agreed.stdout


def test_a_password_is_told_what_kind_it_must_be(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(command.app, ["link", "caldav", "ann@fastmail.com"], input="n\nn\nn\n")
    assert "app password" in result.output and "https://caldav.fastmail.com/" in result.output
    assert provider_of("fastmail.com") is not None


def test_mail_by_host_and_ports(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """What fails beside the mailbox itself is left out, and said."""

    def answer(text: str) -> str:
        tag, _, rest = text.partition(" ")
        if rest.startswith("CAPABILITY"):
            return f"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n"
        if rest.startswith("LIST"):
            return f'* LIST () "/" INBOX\r\n{tag} OK done\r\n'
        return f"{tag} OK done\r\n"

    caplog.set_level(logging.DEBUG)
    with ScriptedServer("* OK hello\r\n", answer) as imap:
        with ScriptedServer("220 hello\r\n", smtp_answers("535 no")) as smtp:
            options = ("--host", "127.0.0.1", "--port", str(imap.port), "--smtp-port", str(smtp.port))
            code = script(
                monkeypatch,
                *(
                    "link",
                    "imap",
                    "ann@example.org",
                    *options,
                    "--security",
                    "none",
                    "--yes",
                    "--password-stdin",
                ),
                stdin="canary-password",
            )
        assert any("canary-password" in sent for sent in imap.lines)
    said = capsys.readouterr()
    assert code == 0, said.err
    assert "canary" not in said.out + said.err + caplog.text
    assert b"canary" not in everything_written()
    assert "✓ mail: signed in; 1 mailbox" in said.err and "✗ sending mail" in said.err
    assert [one.kind for one in stored()[0].services] == ["imap"]


def test_a_calendar_file_by_its_secret_address(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    with WebServer({"/private-canary/basic.ics": Reply(200, CALENDAR)}) as web:
        assert (
            script(
                monkeypatch, "link", "ics", f"{web.url}/private-canary/basic.ics", "--name", "team", "--yes"
            )
            == 0
        )
        assert script(monkeypatch, "check") == 0
        assert script(monkeypatch, "sync") == 0
    assert script(monkeypatch, "check") == 1
    assert script(monkeypatch, "list") == 0
    said = capsys.readouterr()
    assert "1 event" in said.err and "Nothing listens" in said.err
    assert "team: 1 new" in said.out
    assert "private-canary" not in said.out + said.err + caplog.text
    assert b"private-canary" not in everything_written()
    file = tmp_path / "Holidays.ics"
    file.write_bytes(CALENDAR)
    assert script(monkeypatch, "link", "ics", str(file), "--yes") == 0
    assert {one.name for one in stored()} == {"team", "Holidays"}


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch, radicale: Radicale) -> OAuthServer:
    """A provider on loopback: its sign-in, and services that take any token."""
    double = OAuthServer()

    def opened(url: str) -> bool:
        threading.Thread(target=lambda: urllib.request.urlopen(url, timeout=20).read(), daemon=True).start()
        return True

    monkeypatch.setattr("webbrowser.open", opened)

    def google(address: str, parts: tuple[Part, ...]) -> tuple[Service, ...]:
        assert parts == ["calendars"]
        return (Service(kind="caldav", url=f"{double.home}/calendars", username=address, sign_in="oauth"),)

    def microsoft(username: str, parts: tuple[Part, ...]) -> tuple[Service, ...]:
        assert parts == ["calendars"]
        return (Service(kind="graph", url=double.home, username=username, sign_in="oauth"),)

    monkeypatch.setattr(linking, "google_services", google)
    monkeypatch.setattr(linking, "microsoft_services", microsoft)
    return double


HOME = (
    b'<multistatus xmlns="DAV:"><response><href>/calendars</href><propstat><prop><resourcetype><collection/>'
    b'<calendar xmlns="urn:ietf:params:xml:ns:caldav"/><addressbook xmlns="urn:ietf:params:xml:ns:carddav"/>'
    b"</resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"
)
PAGES: dict[str, Reply | Callable[[Request], Reply]] = {
    "/calendars": Reply(207, HOME),
    "/me/calendars": Reply(200, b"{}"),
}


@pytest.mark.parametrize("kind", ["google", "microsoft"])
def test_a_consent_is_asked_for_explained_and_taken_back(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    at_home: OAuthServer,
    tmp_path: Path,
    kind: str,
) -> None:
    assert kind in ("google", "microsoft")
    file = tmp_path / "client.json"
    file.write_text(json.dumps({"installed": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}}))
    client = ("--client-file", str(file)) if kind == "google" else ("--client-id", CLIENT_ID)
    with (
        at_home.running(kind) as server,
        WebServer(PAGES) as web,
    ):  # type: ignore[arg-type]
        at_home.home = web.url
        monkeypatch.setattr("pierian.accounts.oauth.authorization_server", lambda *_: server)
        assert (
            script(monkeypatch, "link", kind, "ann@example.org", *client, "--only", "calendars", "--yes") == 0
        )
        said = capsys.readouterr()
        assert said.out == "Linked: ann@example.org\n"
        assert "calendars" in said.err and "mail.google.com" not in said.err and "IMAP" not in said.err
        assert "to know who signed in" in said.err
        assert web.requests[0].headers["authorization"].startswith("Bearer canary-access")
        assert script(monkeypatch, "link", kind, "ann@example.org", "--yes") == 0, (
            "the client id is known by now"
        )
        assert script(monkeypatch, "check") == 0
        assert script(monkeypatch, "unlink", "ann@example.org", "--yes") == 0
        said = capsys.readouterr()
        assert "Renewed: ann@example.org" in said.out
        assert ("still stands at" in said.err) is (kind == "microsoft")
        assert bool(at_home.revoked) is (kind == "google")
    assert b"canary" not in everything_written().replace(file.read_bytes(), b"")
    assert "canary" not in said.out + said.err


def test_who_consents_as_somebody_else_links_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at_home: OAuthServer
) -> None:
    at_home.address = "bob@example.org"
    with at_home.running("microsoft") as server:
        monkeypatch.setattr("pierian.accounts.oauth.authorization_server", lambda *_: server)
        options = ("--client-id", CLIENT_ID, "--yes")
        assert script(monkeypatch, "link", "microsoft", "ann@example.org", *options) == 2
    assert "You signed in at Microsoft as bob@example.org" in capsys.readouterr().err
    assert stored() == []


def test_a_code_for_another_device_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at_home: OAuthServer
) -> None:
    monkeypatch.setattr("pierian.accounts.consenting.by_code.__kwdefaults__", {"pause": lambda _: None})
    with at_home.running("microsoft") as server, WebServer(PAGES) as web:
        at_home.home = web.url
        monkeypatch.setattr("pierian.accounts.oauth.authorization_server", lambda *_: server)
        options = ("--client-id", CLIENT_ID, "--device", "--only", "calendars", "--yes")
        assert script(monkeypatch, "link", "microsoft", "ann@example.org", *options) == 0
    assert "open https://example.org/device and type the code ABCD-EFGH" in capsys.readouterr().err


def test_a_switch_that_needs_another_consent_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at_home: OAuthServer
) -> None:
    with at_home.running("microsoft") as server, WebServer(PAGES) as web:
        at_home.home = web.url
        monkeypatch.setattr("pierian.accounts.oauth.authorization_server", lambda *_: server)
        options = ("--client-id", CLIENT_ID, "--only", "calendars", "--yes")
        assert script(monkeypatch, "link", "microsoft", "ann@example.org", *options) == 0
        assert script(monkeypatch, "switch", "ann@example.org", "write", "on") == 2
        assert "pierian accounts link microsoft ann@example.org --write" in capsys.readouterr().err.replace(
            "\n", " "
        )
        assert (
            script(
                monkeypatch, "link", "microsoft", "ann@example.org", "--only", "calendars", "--write", "--yes"
            )
            == 0
        )
        assert script(monkeypatch, "switch", "ann@example.org", "write", "off") == 0
    assert stored()[0].switches.write is False


def test_a_sync_says_what_came_and_what_did_not(
    monkeypatch: pytest.MonkeyPatch, radicale: Radicale, capsys: pytest.CaptureFixture[str]
) -> None:
    by_script(monkeypatch, radicale)
    outcomes = iter([Synced(added=1200, removed=1, problems=("An event was left out.",)), Synced()])

    def sync(*_: object) -> Synced:
        return next(outcomes)

    monkeypatch.setattr(synchronising, "parts_of", lambda account: [("calendars", account.services[0], sync)])
    capsys.readouterr()
    assert script(monkeypatch, "sync") == 0
    said = capsys.readouterr()
    assert said.out == "work: 1,200 new, 1 removed\n" and "An event was left out." in said.err
    assert script(monkeypatch, "sync", "work") == 0
    assert capsys.readouterr().out == "work: nothing has changed\n"


def test_an_mcp_server_is_linked_with_its_tools_and_goes_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = ("--yes", "--", sys.executable, str(SERVER), "lies")
    assert script(monkeypatch, "link", "mcp", "s", *program) == 0
    said = capsys.readouterr()
    assert "Accepted: s.look" in said.out and "Linked: s" in said.out
    assert "s" in json.loads(mcp_file().read_text())["mcpServers"]
    assert script(monkeypatch, "check") == 0
    assert "1 accepted tools" in capsys.readouterr().err
    assert script(monkeypatch, "unlink", "s", "--yes") == 0
    assert json.loads(mcp_file().read_text())["mcpServers"] == {}
    with open_database(paths().database) as database:
        assert AcceptedTools(database).fingerprints() == {}


def test_an_mcp_server_that_does_not_start_is_not_linked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mcp_file().parent.mkdir(parents=True, exist_ok=True)
    mcp_file().write_text('{"mcpServers": {"kept": {"command": "kept", "disabled": true}}, "more": 1}')
    assert script(monkeypatch, "link", "mcp", "s", "--yes", "--", "/nonexistent/program") == 2
    assert "offers no tools; it was not linked" in capsys.readouterr().err
    assert stored() == []
    left = json.loads(mcp_file().read_text())
    assert left == {"mcpServers": {"kept": {"command": "kept", "disabled": True}}, "more": 1}
    assert script(monkeypatch, "link", "mcp", "kept", "--yes", "--url", "https://example.org/mcp") == 2
    assert "has a server called 'kept' already" in capsys.readouterr().err.replace("\n", " ")
    assert json.loads(mcp_file().read_text()) == left and stored() == []


def test_a_missing_extra_names_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(required_packages, "PACKAGES", ("json", "no_such_package"))
    assert script(monkeypatch, "list") == 2
    said = capsys.readouterr().err
    assert "no_such_package" in said and "pip install 'pierian[accounts]'" in said


def test_calendars_contacts_and_mail_of_real_servers_are_linked_and_synced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], radicale: Radicale, dovecot: Dovecot
) -> None:
    event = "BEGIN:VEVENT\r\nUID:lunch\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20300101T120000Z\r\nSUMMARY:Lunch\r\nEND:VEVENT"
    radicale.put(
        "/ann/work/lunch.ics", f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{event}\r\nEND:VCALENDAR\r\n"
    )
    user = dovecot.user()
    client = dovecot.client(user)
    client.append("INBOX", b"From: bob@example.org\r\nTo: ann@example.org\r\nSubject: Hello\r\n\r\nText\r\n")
    client.logout()
    assert by_script(monkeypatch, radicale) == 0
    options = ("--host", "localhost", "--port", str(dovecot.tls_port), "--username", user, "--name", "mail")
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.certificate))
    code = script(
        monkeypatch,
        *("link", "imap", "ann@example.org", *options, "--smtp-port", "9", "--yes", "--password-stdin"),
        stdin=DOVECOT_PASSWORD,
    )
    assert code == 0
    capsys.readouterr()
    assert script(monkeypatch, "sync") == 0
    assert capsys.readouterr().out == "work: 1 new\nmail: 1 new\n"
    assert script(monkeypatch, "sync") == 0
    assert capsys.readouterr().out == "work: nothing has changed\nmail: nothing has changed\n"
    written = everything_written()
    assert b"Lunch" in written and b"Hello" in written and PASSWORD.encode() not in written
    assert (
        script(monkeypatch, "unlink", "work", "--yes") == script(monkeypatch, "unlink", "mail", "--yes") == 0
    )
    left = everything_written()
    assert b"Lunch" not in left and b"Hello" not in left, "all that was copied went with it"
