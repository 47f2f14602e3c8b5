"""The fetcher against a real server: where it goes, what it takes, and what it refuses."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.toolbox.web_server import ELSEWHERE, HERE, WebServer, here, leading, response, serving

from pierian.toolbox.addresses import Address, may_be_fetched
from pierian.toolbox.fetching import MOST_BYTES, MOST_PICTURE_BYTES, Fetched, Fetcher
from pierian.tools import ToolFailure


@pytest.fixture
async def server() -> AsyncIterator[WebServer]:
    async with serving() as running:
        yield running


def fetcher_for(*servers: WebServer, **options: Any) -> Fetcher:
    """A fetcher to which 127.0.0.1 is the open Internet, and 127.0.0.2 is not."""
    settings: dict[str, Any] = {"allowed": lambda address: address == HERE, "resolver": here}
    return Fetcher(**(settings | {"ports": {server.port for server in servers}} | options))


async def refused(fetcher: Fetcher, url: str) -> ToolFailure:
    with pytest.raises(ToolFailure) as caught:
        await fetcher.fetch(url)
    return caught.value


async def test_a_page_comes_with_its_address_and_host(server: WebServer) -> None:
    server.pages["/a?q=%C3%BC"] = response(b"<p>hello")
    found = await fetcher_for(server).fetch(server.url("/a?q=%C3%BC#part"))
    assert found == Fetched(server.url("/a?q=%C3%BC"), "html", "utf-8", b"<p>hello", ("site.example",))
    assert server.asked[-1] == ("/a?q=%C3%BC", f"site.example:{server.port}")
    assert all(word not in server.heads[-1].lower() for word in ("cookie", "authorization", "referer"))


async def test_a_picture_may_be_larger_and_is_of_whatever_type_it_says(server: WebServer) -> None:
    body = bytes(MOST_BYTES + 1)
    server.pages["/a"] = response(body, kind="application/octet-stream")
    found = await fetcher_for(server).fetch(server.url("/a"), wanted="picture")
    assert found == Fetched(server.url("/a"), "picture", "", body, ("site.example",))
    assert "accept: image/*" in server.heads[-1].lower()
    server.pages["/b"] = response(bytes(MOST_PICTURE_BYTES + 1))
    with pytest.raises(ToolFailure, match="larger than the 20,000,000 bytes"):
        await fetcher_for(server).fetch(server.url("/b"), wanted="picture")


async def test_redirects_are_followed_and_all_hosts_are_named(server: WebServer) -> None:
    server.pages["/a"] = leading(server.url("/b", host="other.example"))
    server.pages["/b"] = leading("c")
    server.pages["/c"] = response(b"there", kind="text/plain")
    found = await fetcher_for(server).fetch(server.url("/a"))
    assert (found.url, found.body, found.charset) == (server.url("/c", host="other.example"), b"there", "")
    assert found.hosts == ("site.example", "other.example")


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("http://127.0.0.2:{port}/inside", "denied"),
        ("http://[::1]:{port}/inside", "denied"),
        ("//127.0.0.2:{port}/inside", "denied"),
        ("http://user:pw@site.example:{port}/inside", "denied"),
        ("http://site.example:22/", "denied"),
        ("file:///etc/passwd", "invalid"),
        ("ftp://site.example/", "invalid"),
        ("javascript:alert(1)", "invalid"),
        ("http://site.example:{port}/" + "x" * 3000, "invalid"),
    ],
)
async def test_a_redirect_is_checked_like_an_address(server: WebServer, to: str, code: str) -> None:
    async with serving("127.0.0.2") as inside:
        to = to.replace("{port}", str(inside.port))
        server.pages["/a"] = leading(to)
        fetcher = fetcher_for(server, inside)
        assert (await refused(fetcher, server.url("/a"))).code == code
        assert (await refused(fetcher, f"http:{to}" if to.startswith("//") else to)).code == code
        assert inside.asked == []


async def test_redirects_without_end_are_ended(server: WebServer) -> None:
    server.pages["/a"] = leading("/a")
    failure = await refused(fetcher_for(server), server.url("/a"))
    assert "more than 5 times" in str(failure)
    assert server.paths.count("/a") == 6


async def test_a_name_that_changes_its_mind_leads_nowhere_else(server: WebServer) -> None:
    """DNS rebinding: public for the check and the robots file, private afterwards."""
    server.pages["/a"] = response(b"public")
    answers: list[list[Address]] = [[HERE], [ELSEWHERE], [HERE], [ELSEWHERE]]

    async def changing(host: str, port: int) -> Sequence[Address]:
        return answers.pop(0)

    async with serving("127.0.0.2") as inside:
        fetcher = fetcher_for(server, inside, resolver=changing)
        assert (await refused(fetcher, server.url("/a"))).code == "denied"
        assert (await fetcher.fetch(server.url("/a"))).body == b"public"
        assert inside.asked == []
    assert answers == [[ELSEWHERE]], "each request looks a name up once, and goes where the check went"


async def test_only_the_public_ones_of_several_addresses_are_used(server: WebServer) -> None:
    server.pages["/a"] = response(b"public")

    async def both(host: str, port: int) -> Sequence[Address]:
        return [ELSEWHERE, HERE]

    assert (await fetcher_for(server, resolver=both).fetch(server.url("/a"))).body == b"public"


async def test_an_address_that_does_not_answer_is_passed_over() -> None:
    async def both(host: str, port: int) -> Sequence[Address]:
        return [HERE, ELSEWHERE]

    async with serving("127.0.0.2") as only:
        only.pages["/a"] = response(b"second")
        fetcher = fetcher_for(only, resolver=both, allowed=lambda address: True)
        assert (await fetcher.fetch(only.url("/a"))).body == b"second"


@pytest.mark.parametrize(
    "url", ["http://localhost/", "http://127.0.0.1/", "http://[::1]/", "http://2130706433/"]
)
async def test_this_machine_is_not_the_web(url: str) -> None:
    failure = await refused(Fetcher(allowed=may_be_fetched), url)
    assert failure.code == "denied"
    assert "open Internet" in str(failure)


async def test_an_unknown_host_is_named() -> None:
    failure = await refused(Fetcher(), "no-such-host.example/page")
    assert (failure.code, "no-such-host.example" in str(failure)) == ("not_found", True)


async def test_a_host_that_is_down_is_said(server: WebServer) -> None:
    async with serving() as gone:
        url = gone.url("/a")
    assert (await refused(fetcher_for(gone), url)).code == "unreachable"


@pytest.mark.parametrize("packing", ["gzip", "deflate", "identity"])
async def test_a_body_is_bounded_after_unpacking(server: WebServer, packing: str) -> None:
    bomb = bytes(200_000_000)
    body = {"gzip": gzip.compress(bomb, 1), "deflate": zlib.compress(bomb, 1), "identity": bomb[:4_000_000]}[
        packing
    ]
    server.pages["/a"] = response(body, kind="text/plain", headers=f"Content-Encoding: {packing}\r\n")
    assert (await refused(fetcher_for(server), server.url("/a"))).code == "too_large"


@pytest.mark.parametrize("packing", ["gzip, gzip", "br", "zstd", "gzip,"])
async def test_packings_that_were_not_asked_for_are_refused(server: WebServer, packing: str) -> None:
    body = gzip.compress(gzip.compress(b"x"))
    server.pages["/a"] = response(body, headers=f"Content-Encoding: {packing}\r\n")
    assert (await refused(fetcher_for(server), server.url("/a"))).code == "wrong_type"


async def test_a_packed_page_is_unpacked_and_a_damaged_one_said(server: WebServer) -> None:
    server.pages["/a"] = response(gzip.compress(b"hello"), headers="Content-Encoding: gzip\r\n")
    server.pages["/b"] = response(b"no gzip at all", headers="Content-Encoding: gzip\r\n")
    fetcher = fetcher_for(server)
    assert (await fetcher.fetch(server.url("/a"))).body == b"hello"
    assert (await refused(fetcher, server.url("/b"))).code == "wrong_type"


async def test_a_body_without_end_is_ended(server: WebServer) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    server.pages |= {"/endless": endless, "/trickle": trickle}
    fetcher = fetcher_for(server, seconds=0.5)
    assert (await refused(fetcher, server.url("/trickle"))).code == "timeout"
    assert (await refused(fetcher_for(server), server.url("/endless"))).code == "too_large"


async def test_headers_without_end_are_ended(server: WebServer) -> None:
    async def headers(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-Long: " + b"x" * 60_000 + b"\r\n")
            await writer.drain()

    server.pages["/a"] = headers
    assert (await refused(fetcher_for(server), server.url("/a"))).code == "unreachable"


@pytest.mark.parametrize(
    "reply", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"]
)
async def test_what_is_no_http_is_said(server: WebServer, reply: bytes) -> None:
    server.pages["/a"] = reply
    assert (await refused(fetcher_for(server), server.url("/a"))).code == "unreachable"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, "not_found"),
        (410, "not_found"),
        (403, "denied"),
        (429, "unreachable"),
        (503, "unreachable"),
        (418, "failed"),
    ],
)
async def test_a_status_becomes_a_reason(server: WebServer, status: int, code: str) -> None:
    server.pages["/a"] = response(b"x", status)
    assert (await refused(fetcher_for(server), server.url("/a"))).code == code


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("application/json", "text"),
        ("application/rss+xml; charset=ISO-8859-1", "text"),
        ("TEXT/HTML", "html"),
        ("image/png", ""),
        ("application/pdf", ""),
        ("", ""),
    ],
)
async def test_kinds_of_content(server: WebServer, kind: str, taken: str) -> None:
    server.pages["/a"] = response(b"x", kind=kind)
    if taken:
        assert (await fetcher_for(server).fetch(server.url("/a"))).kind == taken
    else:
        assert (await refused(fetcher_for(server), server.url("/a"))).code == "wrong_type"


async def test_settings_of_the_environment_are_not_followed(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.2:9")
    monkeypatch.delenv("NO_PROXY")
    server.pages["/a"] = response(b"direct")
    assert (await fetcher_for(server).fetch(server.url("/a"))).body == b"direct"


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate for a name, with its key."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(signed.public_bytes(pem) + plain)
    return file


async def test_the_certificate_must_be_for_the_host_not_the_address(tmp_path: Path) -> None:
    file = certificate(tmp_path, "site.example")
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(file)
    named: list[str | None] = []
    theirs.sni_callback = lambda _, name, __: named.append(name)
    async with serving(tls=theirs) as server:
        server.pages["/a"] = response(b"secret line")
        fetcher = fetcher_for(server, tls=ssl.create_default_context(cafile=str(file)))
        found = await fetcher.fetch(server.url("/a", scheme="https"))
        assert found.body == b"secret line"
        assert set(named) == {"site.example"}
        other = await refused(fetcher, server.url("/a", host="other.example", scheme="https"))
        assert (other.code, "cannot be reached" in str(other)) == ("unreachable", True)
        untrusting = fetcher_for(server)
        assert (await refused(untrusting, server.url("/a", scheme="https"))).code == "unreachable"


def robots(text: str, status: int = 200) -> bytes:
    return response(text.encode(), status, "text/plain")


@pytest.mark.parametrize(
    ("file", "open_", "closed"),
    [
        (robots("User-agent: *\nDisallow: /private\n"), "/a", "/private/a"),
        (robots("User-agent: pierian\nDisallow: /\nAllow: /a\n\nUser-agent: *\nDisallow: /a"), "/a", "/b"),
        (robots("User-agent: *\nDisallow: /*.php$"), "/a", "/x.php"),
        (robots("", 503), "", "/a"),
        (robots("User-agent: *\nDisallow: /", 404), "/a", ""),
        (robots("User-agent: *\nDisallow: /", 403), "/a", ""),
        (robots("\ufeffUser-agent: *\nDisallow: /b"), "/a", "/b"),
        (robots("User-agent: *\nDisallow: /b\n" + "# x\n" * 200_000 + "Disallow: /a"), "/a", "/b"),
        (b"nonsense\r\n\r\n", "/a", ""),
        (leading("/robots.txt"), "/a", ""),
        (leading("http://127.0.0.2/"), "/a", ""),
        (leading("/elsewhere.txt"), "/a", "/b"),
    ],
)
async def test_robots_files(server: WebServer, file: bytes, open_: str, closed: str) -> None:
    server.pages |= {"/robots.txt": file, "/elsewhere.txt": robots("User-agent: *\nDisallow: /b")}
    for path in filter(None, (open_, closed)):
        server.pages[path] = response(b"x")
    fetcher = fetcher_for(server)
    if open_:
        assert (await fetcher.fetch(server.url(open_))).body == b"x"
    if closed:
        failure = await refused(fetcher, server.url(closed))
        assert (failure.code, "does not want" in str(failure)) == ("denied", True)
        assert closed not in server.paths


async def test_a_robots_file_is_asked_for_once_and_after_a_day_again(server: WebServer) -> None:
    now = 0.0
    fetcher = fetcher_for(server)
    fetcher._robots._now = lambda: now  # pyright: ignore[reportPrivateUsage]
    server.pages |= {"/a": response(b"x"), "/robots.txt": robots("User-agent: *\nDisallow: /b")}
    await fetcher.fetch(server.url("/a"))
    await fetcher.fetch(server.url("/a"))
    assert server.paths.count("/robots.txt") == 1
    await fetcher.fetch(server.url("/a", host="other.example"))
    assert server.paths.count("/robots.txt") == 2
    now = 25 * 3600.0
    await fetcher.fetch(server.url("/a"))
    assert server.paths.count("/robots.txt") == 3


async def test_the_robots_file_of_the_host_led_to_counts_too(server: WebServer) -> None:
    async with serving() as other:
        other.pages["/robots.txt"] = robots("User-agent: *\nDisallow: /")
        server.pages["/a"] = leading(other.url("/b", host="other.example"))
        failure = await refused(fetcher_for(server, other), server.url("/a"))
        assert (failure.code, "other.example" in str(failure)) == ("denied", True)
        assert other.paths == ["/robots.txt"]
