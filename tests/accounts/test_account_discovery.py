"""Servers are found by DNS and by what domains publish, in seconds, and nobody is led away from encryption."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.accounts.certificates import Authority
from tests.accounts.name_server import NameServer
from tests.accounts.web_server import Reply, Request, WebServer

from pierian.accounts import network
from pierian.accounts.account import Security
from pierian.accounts.autoconfig import mail_services
from pierian.accounts.discovery import Found, Wanted, at_host, at_url, discover
from pierian.accounts.network import Network
from pierian.accounts.providers import PROVIDERS, provider_of
from pierian.accounts.transport import tls
from pierian.exceptions import UserError

ANN = "ann@example.org"
SIGN_IN = Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
AUTOCONFIG = """<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="example.org">
<incomingServer type="pop3"><hostname>pop.example.org</hostname><port>995</port><socketType>SSL</socketType></incomingServer>
<incomingServer type="imap"><hostname>plain.example.org</hostname><port>143</port><socketType>plain</socketType></incomingServer>
<incomingServer type="imap"><hostname>in.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
<username>%EMAILLOCALPART%</username><authentication>password-cleartext</authentication></incomingServer>
<outgoingServer type="smtp"><hostname>out.example.org</hostname><port>587</port><socketType>STARTTLS</socketType>
<username>%EMAILADDRESS%</username></outgoingServer></emailProvider></clientConfig>"""

Routes = dict[str, Reply | Callable[[Request], Reply]]


class Mapped(httpx2.AsyncBaseTransport):
    """Connects to the test's own servers by the names of theirs, certificates and all."""

    def __init__(self, ports: dict[str, int]) -> None:
        self.ports = ports
        self._inner = httpx2.AsyncHTTPTransport(verify=tls())

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        port = self.ports.get(
            f"{request.url.host}:{request.url.port}" if request.url.port else request.url.host
        )
        if port is None:
            raise httpx2.ConnectError("nobody there")
        moved = httpx2.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1", port=port),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return await self._inner.handle_async_request(moved)

    async def aclose(self) -> None:
        await self._inner.aclose()


class TestNetwork(Network):
    """As the real one; mail servers greet where the test says so."""

    __test__ = False
    greeting: frozenset[str] = frozenset()
    ports: dict[str, int]

    async def greets(self, kind: str, host: str, port: int, security: Security) -> bool:
        return f"{host}:{port}" in self.greeting


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path / "certificates")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@asynccontextmanager
async def internet(
    authority: Authority,
    records: dict[str, list[str]] | None = None,
    sites: dict[str, Routes] | None = None,
    *,
    greeting: frozenset[str] = frozenset(),
    silent: bool = False,
) -> AsyncIterator[tuple[TestNetwork, dict[str, WebServer]]]:
    """A network of name server and web servers; `sites` are their pages by host (and port)."""
    async with AsyncExitStack() as stack:
        names = stack.enter_context(NameServer(records or {}, silent=silent))
        webs = {
            host: stack.enter_context(WebServer(routes, authority.server(host.partition(":")[0])))
            for host, routes in (sites or {}).items()
        }
        mapped = Mapped({host: web.port for host, web in webs.items()})
        net = TestNetwork(names.resolver(), httpx2.AsyncClient(transport=mapped, timeout=5))
        net.ports = mapped.ports
        net.greeting = greeting
        yield net, webs


def told(found: Found | None) -> tuple[str, bool] | None:
    return None if found is None else (found.where, found.trusted)


async def test_calendars_by_srv_and_txt_records(authority: Authority) -> None:
    records = {
        "_caldavs._tcp.example.org": [
            "SRV 10 1 443 late.example.org.",
            "SRV 0 1 8443 cal.example.org.",
            'TXT "path=/dav/ann"',
        ],
        "_carddavs._tcp.example.org": ["SRV 0 1 443 cal.example.org."],
    }
    async with internet(authority, records) as (net, _):
        found = await discover(ANN, ["caldav", "carddav"], net)
    assert told(found.of("caldav")) == ("https://cal.example.org:8443/dav/ann", True)
    assert told(found.of("carddav")) == ("https://cal.example.org/", True)


async def test_the_host_of_a_srv_record_says_where_its_calendars_are(authority: Authority) -> None:
    records = {"_caldavs._tcp.example.org": ["SRV 0 1 443 cal.example.org."]}
    there: Routes = {
        "/.well-known/caldav": Reply(301, headers={"Location": "/remote.php/dav"}),
        "/remote.php/dav": SIGN_IN,
    }
    async with internet(authority, records, {"cal.example.org": there}) as (net, _):
        found = await discover(ANN, ["caldav"], net)
    assert told(found.of("caldav")) == ("https://cal.example.org/remote.php/dav", True)


async def test_the_well_known_address_leads_to_another_host(authority: Authority) -> None:
    """The domain itself says so, by its certificate: nobody has to be asked."""
    own: Routes = {
        "/.well-known/carddav": Reply(302, headers={"Location": "https://dav.hoster.example/contacts/"})
    }
    hosted: Routes = {"/contacts/": SIGN_IN}
    async with internet(authority, {}, {"example.org": own, "dav.hoster.example": hosted}) as (net, webs):
        found = await discover(ANN, ["carddav"], net)
    assert told(found.of("carddav")) == ("https://dav.hoster.example/contacts/", True)
    asked = webs["dav.hoster.example"].requests[0]
    assert asked.method == "PROPFIND" and "authorization" not in asked.headers


async def test_a_foreign_host_that_only_dns_names_is_not_trusted(authority: Authority) -> None:
    records = {
        "_caldavs._tcp.example.org": ["SRV 0 1 443 cal.hoster.example."],
        "_imaps._tcp.example.org": ["SRV 0 1 993 imap.hoster.example."],
        "_submissions._tcp.example.org": ["SRV 0 1 465 smtp.fastmail.com."],
    }
    async with internet(authority, records) as (net, _):
        found = await discover(ANN, ["caldav", "imap", "smtp"], net)
    assert told(found.of("caldav")) == ("https://cal.hoster.example/", False)
    assert told(found.of("imap")) == ("imap.hoster.example:993 (TLS)", False)
    assert told(found.of("smtp")) == ("smtp.fastmail.com:465 (TLS)", True), "a forger gains nothing there"


@pytest.mark.parametrize(
    "target", ["http://example.org/dav/", "http://cal.example.org/", "ftp://example.org/"]
)
async def test_no_redirect_leads_away_from_encryption(authority: Authority, target: str) -> None:
    own: Routes = {"/.well-known/caldav": Reply(301, headers={"Location": target}), "/dav/": Reply(404)}
    async with internet(authority, {}, {"example.org": own}) as (net, _):
        found = await discover(ANN, ["caldav"], net)
    assert found.found == ()


async def test_no_redirect_leads_from_https_to_this_machine(authority: Authority) -> None:
    """Plain http is for servers here that the user names, not for those that a domain points at."""
    with WebServer({"/dav/": SIGN_IN}) as here:
        own: Routes = {"/.well-known/caldav": Reply(301, headers={"Location": f"{here.url}/dav/"})}
        async with internet(authority, {}, {"example.org": own}) as (net, webs):
            net.ports[f"127.0.0.1:{here.port}"] = here.port
            assert (await discover(ANN, ["caldav"], net)).found == ()
            assert here.requests == [] and len(webs["example.org"].requests) > 0


async def test_redirects_in_a_circle_end(authority: Authority) -> None:
    own: Routes = {"/.well-known/caldav": Reply(302, headers={"Location": "/.well-known/caldav"})}
    async with internet(authority, {}, {"example.org": own}) as (net, webs):
        assert (await discover(ANN, ["caldav"], net)).found == ()
    asked = [one for one in webs["example.org"].requests if one.path == "/.well-known/caldav"]
    assert len(asked) <= 7


async def test_a_server_with_a_wrong_certificate_is_none(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = {"_caldavs._tcp.example.org": ["SRV 0 1 443 cal.example.org."]}
    there: Routes = {"/.well-known/caldav": SIGN_IN}
    other = Authority(tmp_path / "other")
    async with internet(other, records, {"cal.example.org": there, "example.org": there}) as (net, webs):
        found = await discover(ANN, ["caldav"], net)
    assert told(found.of("caldav")) == ("https://cal.example.org/", True), "named by DNS; the check will tell"
    assert not any(web.requests for web in webs.values())


async def test_mail_servers_by_srv_records(authority: Authority) -> None:
    records = {
        "_imaps._tcp.example.org": ["SRV 0 0 0 ."],
        "_imap._tcp.example.org": ["SRV 0 1 143 mail.example.org."],
        "_submissions._tcp.example.org": ["SRV 0 1 465 mail.example.org."],
    }
    async with internet(authority, records) as (net, _):
        found = await discover(ANN, ["imap", "smtp"], net)
    assert told(found.of("imap")) == ("mail.example.org:143 (starttls)", True), "a dot says: not here"
    assert told(found.of("smtp")) == ("mail.example.org:465 (TLS)", True)


@pytest.mark.parametrize(
    "place",
    [
        "autoconfig.example.org/mail/config-v1.1.xml",
        "example.org/.well-known/autoconfig/mail/config-v1.1.xml",
    ],
)
async def test_mail_servers_by_the_file_of_the_domain(authority: Authority, place: str) -> None:
    host, _, path = place.partition("/")
    async with internet(authority, {}, {host: {f"/{path}": Reply(body=AUTOCONFIG.encode())}}) as (net, _):
        found = await discover(ANN, ["imap", "smtp"], net)
    imap, smtp = found.of("imap"), found.of("smtp")
    assert told(imap) == ("in.example.org:993 (TLS)", True), "neither POP nor plain text"
    assert imap is not None and imap.service.username == "ann"
    assert told(smtp) == ("out.example.org:587 (starttls)", True)


async def test_usual_names_are_tried_at_last(authority: Authority) -> None:
    greeting = frozenset({"mail.example.org:993", "smtp.example.org:587", "mail.example.org:587"})
    async with internet(authority, greeting=greeting) as (net, _):
        found = await discover(ANN, ["imap", "smtp"], net)
    assert told(found.of("imap")) == ("mail.example.org:993 (TLS)", True)
    assert told(found.of("smtp")) == ("smtp.example.org:587 (starttls)", True)


async def test_a_common_provider_needs_no_network() -> None:
    found = await discover("ann@fastmail.com", ["caldav", "imap"])
    assert told(found.of("caldav")) == ("https://caldav.fastmail.com/", True)
    assert found.provider is not None and "app password" in found.provider.hint
    icloud = (await discover("ann@icloud.com", ["imap", "smtp"])).found
    assert [one.service.username for one in icloud] == ["ann", "ann@icloud.com"]


async def test_a_domain_of_ones_own_at_a_common_provider(authority: Authority) -> None:
    records = {"example.org": ["MX 10 in1-smtp.messagingengine.com.", "MX 20 in2-smtp.messagingengine.com."]}
    async with internet(authority, records) as (net, _):
        found = await discover(ANN, ["caldav", "imap", "smtp"], net)
    assert found.provider is not None and found.provider.name == "Fastmail"
    assert [one.service.username for one in found.found] == [ANN] * 3


async def test_names_that_only_look_like_a_provider_are_none(authority: Authority) -> None:
    records = {"example.org": ["MX 10 evilmessagingengine.com."]}
    async with internet(authority, records) as (net, _):
        assert (await discover(ANN, ["caldav"], net)).provider is None


async def test_a_network_that_says_nothing_is_given_up_within_seconds(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (network, __import__("pierian.accounts.discovery", fromlist=["x"])):
        monkeypatch.setattr(module, "ANSWERS_SECONDS", 0.2)
    before = time.monotonic()
    wanted: list[Wanted] = ["caldav", "carddav", "imap", "smtp"]
    async with internet(authority, silent=True) as (net, _):
        assert (await discover(ANN, wanted, net)).found == ()
    assert time.monotonic() - before < 30, "a few times the patience, not the sum of all questions"


async def test_addresses_that_people_type(authority: Authority) -> None:
    own: Routes = {
        "/.well-known/caldav": Reply(301, headers={"Location": "/remote.php/dav/"}),
        "/remote.php/dav/": SIGN_IN,
    }
    async with internet(authority, {}, {"cloud.example.org": own}) as (net, _):
        assert (await at_url("caldav", "cloud.example.org", "ann", net)).where == (
            "https://cloud.example.org/remote.php/dav/"
        )
    typed = await at_url("caldav", "https://cloud.example.org/dav/me", "ann")
    assert (typed.where, typed.how) == ("https://cloud.example.org/dav/me", "as you typed it")
    assert at_host("imap", "mail.example.org", None, None, "ann").where == "mail.example.org:993 (TLS)"
    assert at_host("imap", "mail.example.org", 143, None, "ann").where == "mail.example.org:143 (starttls)"
    assert (
        at_host("smtp", "mail.example.org", None, "starttls", "ann").where
        == "mail.example.org:587 (starttls)"
    )
    with pytest.raises(UserError, match="not a domain"):
        await discover("ann@-.", ["caldav"])


def test_a_hostile_file_for_mail_programs_is_no_file() -> None:
    entity = '<!DOCTYPE a [<!ENTITY x "mail.evil.example">]>'
    for text in (
        AUTOCONFIG.replace('<?xml version="1.0"?>', f'<?xml version="1.0"?>{entity}'),
        AUTOCONFIG[:200],
        "<html><body>Not found</body></html>",
        "<a>" * 50_000,
        "",
    ):
        assert mail_services(text.encode(), ANN) == ()
    assert mail_services(AUTOCONFIG.encode("utf-16"), ANN) == ()
    for host in ("a b", "-x.org", "localhost", "x.org/evil", "x.org:1", "xn--" + "a" * 300):
        text = AUTOCONFIG.replace("in.%EMAILDOMAIN%", host)
        assert [one.kind for one in mail_services(text.encode(), ANN)] == ["smtp"], host


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: b.decode("latin-1")))
def test_no_file_for_mail_programs_raises(text: str) -> None:
    mail_services(text.encode("utf-8", "replace"), ANN)
    mail_services(AUTOCONFIG.replace("993", text).encode("utf-8", "replace"), ANN)


def test_the_settings_of_providers_are_encrypted_and_each_domain_has_one() -> None:
    domains = [domain for one in PROVIDERS for domain in one.domains]
    assert len(domains) == len(set(domains))
    for one in PROVIDERS:
        assert all(url.startswith("https://") for url in (one.caldav, one.carddav) if url)
        assert all(service.security != "none" for service in one.services("a@b.c"))
    assert provider_of("GMAIL.com.") is provider_of("googlemail.com")
