"""Linking by the forms of the web app, over real servers: what is kept, what is refused, and that no password comes back."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from tests.accounts.dovecot_server import PASSWORD, Dovecot
from tests.accounts.smtp_server import Outbox, outbox
from tests.webapp.visits import House, house

from pierian.accounts import Service

SECRET = "canary-of-a-password"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house")) as one:
        yield one


@pytest.fixture
def owner(home: House) -> Iterator[httpx2.Client]:
    with home.owner() as client:
        yield client


@pytest.fixture
def smtp() -> Iterator[Outbox]:
    with outbox() as server:
        yield server


def test_mail_is_linked_with_the_server_that_sends_it_and_renewed(
    home: House, owner: httpx2.Client, dovecot: Dovecot, smtp: Outbox
) -> None:
    user = dovecot.user()
    form = {
        "kind": "imap", "username": user, "password": PASSWORD, "host": "127.0.0.1", "port": str(dovecot.port), "security": "none",
        "smtp_port": str(smtp.port), "smtp_security": "none", "name": "work", "send": "yes",
    }  # fmt: skip
    wrong = owner.post("/accounts/link", data=form | {"password": SECRET})
    assert wrong.status_code == 422
    assert "does not accept this user name and password" in wrong.text and SECRET not in wrong.text
    assert f'value="{user}"' in wrong.text, "what was typed stays"
    accounts = home.site.accounts("local")
    assert accounts.list() == []
    linked = owner.post("/accounts/link", data=form)
    assert (linked.status_code, linked.headers["location"]) == (303, "/accounts?done=linked")
    (account,) = accounts.list()
    assert account.services == (
        Service(kind="imap", host="127.0.0.1", port=dovecot.port, security="none", username=user),
        Service(kind="smtp", host="127.0.0.1", port=smtp.port, security="none", username=user),
    )
    assert (account.name, account.switches.send, account.switches.write) == ("work", True, False)
    again = owner.post("/accounts/link", data=form | {"name": "", "send": "", "write": "yes"})
    assert again.headers["location"] == "/accounts?done=renewed"
    (renewed,) = accounts.list()
    assert (renewed.id, renewed.switches.send, renewed.switches.write) == (account.id, True, True)
    smtp.answer = "554 no"
    checked = owner.post(f"/accounts/{account.id}/check")
    assert "says what has changed" in checked.text and "nothing was sent" in checked.text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"kind": "ics", "url": "/etc/passwd"}, "is linked at its terminal"),
        ({"kind": "ics", "url": "FILE:///etc/passwd"}, "is linked at its terminal"),
        ({"kind": "ics", "url": "http://198.51.100.1/a.ics"}, "without encryption"),
        ({"kind": "caldav", "url": f"https://ann:{SECRET}@127.0.0.1/x", "username": "a", "password": "x"}, "no address of a server"),
        ({"kind": "caldav", "url": "http://198.51.100.1/x/", "username": "a", "password": SECRET}, "without encryption"),
        ({"kind": "caldav", "url": "https://127.0.0.1:1/x/", "username": "", "password": SECRET}, "The user name is missing"),
        ({"kind": "caldav", "url": "https://127.0.0.1:1/x/", "username": "a", "password": f"{SECRET}\r\nx"}, "This is no password"),
        ({"kind": "caldav", "url": "https://127.0.0.1:1/x/", "username": "a", "password": SECRET, "foreign": "hoster.example"}, "Tick that your account"),
        ({"kind": "imap", "host": "127.0.0.1", "port": "99999", "username": "a", "password": SECRET}, "from 1 to 65535"),
        ({"kind": "imap", "host": "", "username": "a", "password": SECRET}, "The server is missing"),
        ({"kind": "imap", "host": "127.0.0.1", "port": "1", "username": "a", "password": SECRET}, "Nothing listens at 127.0.0.1:1"),
    ],
)  # fmt: skip
def test_what_is_not_right_is_told_at_its_field_and_nothing_is_kept(
    home: House, owner: httpx2.Client, form: dict[str, str], told: str
) -> None:
    before = home.contents()
    refused = owner.post("/accounts/link", data=form)
    assert refused.status_code == 422
    assert told in refused.text
    assert SECRET not in refused.text
    assert home.contents() == before


def test_a_switch_that_a_consent_does_not_cover_stays_as_it_is(home: House, owner: httpx2.Client) -> None:
    from pierian.accounts import Secret, Switches, sealer
    from pierian.accounts.scopes import GRAPH

    graph = Service(kind="graph", url=f"{GRAPH}/v1.0", username="ann", sign_in="oauth")
    scopes = ("openid", "email", "profile", "offline_access", f"{GRAPH}/Calendars.Read")
    sealed = sealer().seal(Secret(refresh_token=SECRET, scopes=scopes))
    accounts = home.site.accounts("local")
    account = accounts.add("outlook", "microsoft", "ann@outlook.com", [graph], Switches(), sealed)
    refused = owner.post(f"/accounts/{account.id}/switches", data={"read": "yes", "write": "yes"})
    assert refused.status_code == 422
    assert "pierian accounts link microsoft ann@outlook.com --write" in refused.text
    assert f"{GRAPH}/Calendars.Read" in refused.text and SECRET not in refused.text
    assert accounts.get(account.id).switches == Switches()
    done = owner.post(f"/accounts/{account.id}/switches", data={"free_busy_only": "yes"})
    assert done.headers["location"] == "/accounts?done=switched"
    assert accounts.get(account.id).switches == Switches(read=False, free_busy_only=True)
