"""OAuth: a consent is bound to who asked for it, tokens stay fresh in any number of processes, and its end is told."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec import structs
from tests.accounts.oauth_server import CLIENT_ID, CLIENT_SECRET, OAuthServer

from pierian.accounts import secrets
from pierian.accounts.account import Account, Switches
from pierian.accounts.consenting import Consent, DeviceCode, by_browser, by_code
from pierian.accounts.linking import linked_before, missing_scopes, save, services_of_consent
from pierian.accounts.oauth import AuthorizationServer, Client, authorization_server, revoke
from pierian.accounts.scopes import GRAPH, OUTLOOK, PARTS, scopes_for
from pierian.accounts.secrets import Secret
from pierian.accounts.signing_in import fresh_secret
from pierian.accounts.store import Accounts
from pierian.accounts.troubles import AccountError
from pierian.config import paths
from pierian.storage import Database, open_database

CLIENT = Client(id=CLIENT_ID, secret=CLIENT_SECRET)
GOOGLE = scopes_for("google", Switches(), PARTS)
MICROSOFT = scopes_for("microsoft", Switches(send=True), PARTS)


@pytest.fixture
def database() -> Iterator[Database]:
    with open_database(paths().database) as opened:
        yield opened


def browser(url: str) -> None:
    """Opens an address as a browser does: in its own time, following redirects."""
    threading.Thread(target=lambda: urllib.request.urlopen(url, timeout=20).read(), daemon=True).start()


def linked(database: Database, consent: Consent, kind: str = "google") -> tuple[Accounts, Account]:
    accounts = Accounts(database)
    assert kind == "google" or kind == "microsoft"
    services = services_of_consent(kind, consent, PARTS)
    old = linked_before(accounts, kind, "ann@example.org", services)
    account = save(
        accounts, old, kind, "work", "ann@example.org", services, Switches(), consent.secret, secrets.sealer
    )
    return accounts, account


def expired(accounts: Accounts, account: Account) -> None:
    """Let all access tokens of an account run out."""
    sealed = accounts.sealed(account)
    assert sealed is not None
    held = secrets.sealer().open(sealed)
    gone = {resource: (token, time.time() - 1) for resource, (token, _) in held.tokens.items()}
    accounts.seal(account, secrets.sealer().seal(structs.replace(held, tokens=gone)))


def consented(server: AuthorizationServer) -> Consent:
    scopes = GOOGLE if server.kind == "google" else MICROSOFT
    return by_browser(server, CLIENT, scopes, browser, seconds=20)


def test_a_consent_in_the_browser() -> None:
    double = OAuthServer()
    with double.running() as server:
        consent = consented(server)
    asked = double.asked[0]
    assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
    assert urlsplit(asked["redirect_uri"]).hostname == "127.0.0.1"
    assert asked["scope"].split() == [one.name for one in GOOGLE]
    assert consent.address == "ann@example.org" and consent.missing == ()
    assert consent.secret.tokens[""][0].startswith("canary-access")
    assert "canary" not in f"{consent!r} {CLIENT!r}"
    assert {one.kind for one in services_of_consent("google", consent, PARTS)} == {
        "caldav",
        "imap",
        "smtp",
        "carddav",
    }


def test_only_the_answer_to_our_own_request_is_taken() -> None:
    """Another page or program that finds the port cannot bring a code of its own (RFC 6749, 10.12)."""
    statuses: list[int] = []

    def forged_first(url: str) -> None:
        back = parse_qs(urlsplit(url).query)["redirect_uri"][0]
        for query in (
            "?code=forged&state=guess",
            "?code=forged",
            "?error=access_denied",
            "favicon.ico",
            "?" + "a" * 9000,
        ):
            try:
                urllib.request.urlopen(back + query, timeout=20)
            except urllib.error.HTTPError as error:
                statuses.append(error.code)
        browser(url)

    double = OAuthServer()
    with double.running() as server:
        by_browser(server, CLIENT, GOOGLE, forged_first, seconds=20)
    assert statuses == [404] * 5
    assert [form["code"] for form in double.tokens] == ["code-1"]


def test_a_code_that_somebody_else_sees_is_worth_nothing_to_them() -> None:
    """PKCE: the token endpoint wants the verifier, which never leaves this process (the double checks it)."""
    double = OAuthServer()
    with double.running() as server:
        consented(server)
        verifiers = {form["code_verifier"] for form in double.tokens}
        consented(server)
    assert len(verifiers | {form["code_verifier"] for form in double.tokens}) == 2
    assert all(len(one) >= 43 for one in verifiers)
    assert not any(one in str(asked) for one in verifiers for asked in double.asked)


def test_a_refused_consent_is_a_sentence() -> None:
    double = OAuthServer(refuse=True)
    with double.running() as server, pytest.raises(AccountError, match="refused at Google") as raised:
        consented(server)
    assert raised.value.code == "consent"


def test_nobody_comes_back() -> None:
    with OAuthServer().running() as server, pytest.raises(AccountError, match="Nobody came back"):
        by_browser(server, CLIENT, GOOGLE, lambda _: None, seconds=0.05)


def test_an_unknown_client_id_says_what_to_check() -> None:
    with (
        OAuthServer().running() as server,
        pytest.raises(AccountError, match="does not know this client id") as raised,
    ):
        by_browser(server, Client(id="wrong"), GOOGLE, browser, seconds=20)
    assert "--client-id" in raised.value.hint


def test_what_the_person_unticks_is_left_out() -> None:
    names = tuple(one.name for one in GOOGLE if one.part != "mail")
    with OAuthServer(grants=names).running() as server:
        consent = consented(server)
    assert [one.part for one in consent.missing] == ["mail"]
    assert {one.kind for one in services_of_consent("google", consent, PARTS)} == {"caldav", "carddav"}
    assert "https://mail.google.com/" not in consent.secret.scopes


@pytest.mark.parametrize("short", [False, True])
def test_microsoft_gives_a_token_for_each_resource(short: bool) -> None:
    double = OAuthServer(short_scopes=short)
    with double.running("microsoft") as server:
        consent = consented(server)
    assert set(consent.secret.tokens) == {OUTLOOK, GRAPH}
    assert consent.missing == ()
    assert all(scope.startswith((OUTLOOK, "o", "e", "p")) for scope in double.tokens[0]["scope"].split())
    assert GRAPH in double.tokens[1]["scope"] and OUTLOOK not in double.tokens[1]["scope"]
    kinds = [one.kind for one in services_of_consent("microsoft", consent, PARTS)]
    assert kinds == ["imap", "smtp", "graph"]


def test_a_code_typed_on_another_device() -> None:
    double = OAuthServer(answers=["authorization_pending", "slow_down", "authorization_pending"])
    shown: list[DeviceCode] = []
    waited: list[float] = []
    with double.running("microsoft") as server:
        consent = by_code(server, CLIENT, MICROSOFT, shown.append, pause=waited.append)
    assert [one.code for one in shown] == ["ABCD-EFGH"] * 2, "one for each resource"
    assert shown[0].minutes == 15
    assert waited[:4] == [5, 5, 10, 10], "slow_down makes each pause five seconds longer (RFC 8628, 3.5)"
    assert set(consent.secret.tokens) == {OUTLOOK, GRAPH}


@pytest.mark.parametrize(
    ("answer", "says"), [("access_denied", "refused"), ("expired_token", "ran out before anybody signed in")]
)
def test_a_device_code_that_leads_to_nothing(answer: str, says: str) -> None:
    with (
        OAuthServer(answers=[answer]).running("microsoft") as server,
        pytest.raises(AccountError, match=says),
    ):
        by_code(server, CLIENT, MICROSOFT, lambda _: None, pause=lambda _: None)


def test_a_token_is_used_until_it_ends_and_then_renewed(database: Database) -> None:
    double = OAuthServer()
    with double.running() as server:
        accounts, account = linked(database, consented(server))
        first = fresh_secret(accounts, account, secrets.sealer)
        assert first is not None and double.refreshes == 0
        expired(accounts, account)
        second = fresh_secret(accounts, account, secrets.sealer)
        assert second is not None and second.access_token != first.access_token
        assert fresh_secret(accounts, account, secrets.sealer) == second
        assert double.refreshes == 1
        expired(accounts, account)
        assert fresh_secret(accounts, account, secrets.sealer) is not None, (
            "by the refresh token that took its place"
        )
        assert double.refreshes == 2


def test_each_service_gets_the_token_of_its_resource(database: Database) -> None:
    double = OAuthServer()
    with double.running("microsoft") as server:
        accounts, account = linked(database, consented(server), "microsoft")
        expired(accounts, account)
        mail = fresh_secret(accounts, account, secrets.sealer, "imap")
        graph = fresh_secret(accounts, account, secrets.sealer, "graph")
        assert mail is not None and graph is not None and mail.access_token != graph.access_token
        assert fresh_secret(accounts, account, secrets.sealer, "smtp") == structs.replace(
            graph, access_token=mail.access_token
        )
    narrowed = [form["scope"] for form in double.tokens if form["grant_type"] == "refresh_token"]
    assert OUTLOOK in narrowed[-2] and GRAPH not in narrowed[-2] and "offline_access" in narrowed[-2].split()


PROGRAM = """
from pierian.accounts import secrets
from pierian.accounts.signing_in import fresh_secret
from pierian.accounts.store import Accounts
from pierian.config import paths
from pierian.storage import open_database
with open_database(paths().database) as database:
    accounts = Accounts(database)
    print(fresh_secret(accounts, accounts.get("work"), secrets.sealer).access_token)
"""


def test_a_rotating_refresh_token_is_used_by_one_process(database: Database) -> None:
    """The double takes each refresh token once: a second use would end the consent."""
    double = OAuthServer()
    with double.running() as server:
        accounts, account = linked(database, consented(server))
        expired(accounts, account)
        running = [
            subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True)
            for _ in range(3)
        ]
        answers = {one.communicate(timeout=100)[0].strip() for one in running}
        assert len(answers) == 1 and answers.pop().startswith("canary-access")
        assert double.refreshes == 1


def test_threads_of_one_process_wait_for_each_other(database: Database) -> None:
    double = OAuthServer()
    found: list[Secret | None] = []
    with double.running() as server:
        accounts, account = linked(database, consented(server))
        expired(accounts, account)

        def ask() -> None:
            found.append(fresh_secret(accounts, account, secrets.sealer))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert len(found) == 4 and double.refreshes == 1


def test_a_revoked_consent_says_what_to_type(database: Database) -> None:
    double = OAuthServer()
    with double.running() as server:
        accounts, account = linked(database, consented(server))
        sealed = accounts.sealed(account)
        assert sealed is not None
        assert revoke(server, secrets.sealer().open(sealed).refresh_token)
        expired(accounts, account)
        with pytest.raises(AccountError, match="has ended: it was taken back, or it ran out") as raised:
            fresh_secret(accounts, account, secrets.sealer)
    assert raised.value.code == "consent"
    assert raised.value.hint.endswith("pierian accounts link google ann@example.org")
    assert "canary" not in f"{raised.value} {raised.value.hint}"


def test_a_sign_in_server_that_is_away_ends_no_consent(database: Database) -> None:
    double = OAuthServer()
    with double.running() as server:
        accounts, account = linked(database, consented(server))
    expired(accounts, account)
    with pytest.raises(AccountError) as raised:
        fresh_secret(accounts, account, secrets.sealer)
    assert raised.value.code == "unreachable"


def test_linking_again_renews_the_account_and_keeps_what_was_synced(database: Database) -> None:
    with OAuthServer().running() as server:
        accounts, account = linked(database, consented(server))
        accounts.keep_collection(account, "calendar", "/a", "A", writable=True)
        accounts.note(account, problem="The consent has ended.")
        _, again = linked(database, consented(server))
        assert again.id == account.id and again.problem == ""
        assert len(accounts.collections(again)) == 1
        renewed = fresh_secret(accounts, again, secrets.sealer)
        assert renewed is not None and renewed.access_token == "canary-access-4"


def test_scopes_follow_the_switches() -> None:
    def names(switches: Switches) -> list[str]:
        return [one.name.rsplit("/", 1)[-1] for one in scopes_for("microsoft", switches, PARTS)]

    assert "Calendars.Read" in names(Switches()) and "SMTP.Send" not in names(Switches())
    assert "Calendars.ReadWrite" in names(Switches(write=True))
    assert "SMTP.Send" in names(Switches(send=True))
    assert all(one.why for one in GOOGLE + MICROSOFT)
    assert {one.part for one in scopes_for("google", Switches(), ("mail",))} == {None, "mail"}


def test_a_switch_that_the_consent_does_not_cover_is_known(database: Database) -> None:
    with OAuthServer().running("microsoft") as server:
        scopes = scopes_for("microsoft", Switches(), ("calendars",))
        consent = by_browser(server, CLIENT, scopes, browser, seconds=20)
        _, account = linked(database, consent, "microsoft")
    assert missing_scopes(account, consent.secret, Switches()) == ()
    assert missing_scopes(account, consent.secret, Switches(write=True)) == (f"{GRAPH}/Calendars.ReadWrite",)
    more = structs.replace(
        consent.secret, scopes=(*consent.secret.scopes[:-1], f"{GRAPH}/Calendars.ReadWrite")
    )
    assert missing_scopes(account, more, Switches()) == (), "what may be changed may be read"


def test_the_addresses_of_providers_are_encrypted() -> None:
    for server in (authorization_server("google"), authorization_server("microsoft", "abc")):
        urls = (server.authorize_url, server.token_url, server.device_url, server.revoke_url)
        assert all(url.startswith("https://") for url in urls if url)
    assert "/abc/" in authorization_server("microsoft", "abc").token_url
