"""Requests that somebody else's page sends: forged forms, frames, redirects, sessions that were planted, guessing."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.server.running import until
from tests.webapp.visits import PASSWORD, House, draw, filled, house

from pierian.access import Attempts
from pierian.access.users import LOCAL
from pierian.webapp.visitors import COOKIE, local_page

NEXT_PAGES = [
    "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
    "https://evil.example", "HTTPS:evil.example", "https:/evil.example", "http:\\\\evil.example", "javascript:alert(1)",
    "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,<script>1</script>", "/\t/evil.example", "\t//evil.example",
    "/\n/evil.example", "\r\n//evil.example", " //evil.example", "\x00//evil.example", "/%2f%2fevil.example", "%2f%2fevil.example",
    "/%5cevil.example", "/%09/evil.example", "//evil.example/%2e%2e", "/..//evil.example", "/.//evil.example", "/;//evil.example",
    "//[", "http://[", "//[::1", "evil.example", "@evil.example", ":80", "?x", "#x", "", "/\u2028/evil.example", "／／evil.example",
    "/x\r\nSet-Cookie: a=b", "/x?y=\r\nLocation:%20//evil.example", "//evil.example@127.0.0.1", "x" * 5000, "/\ud800", "//\u202eevil",
]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house")) as one:
        yield one


@pytest.fixture(scope="module")
def parts(home: House) -> dict[str, str]:
    link = home.site.links.create(home.user("somebody").id)
    return home.belongings("owner", "owner") | home.asking() | {"link": link}


@pytest.fixture
def owner(home: House) -> Iterator[httpx2.Client]:
    with home.owner() as client:
        yield client


DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
FORGED: list[dict[str, str]] = [
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
    {"sec-fetch-site": "same-site", "origin": "https://other.example"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "hx-request": "true"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:1"},
    {"origin": "HOST.evil.example"},
    {"origin": "http://evil.example/HOST"},
    {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
    {"referer": "https://evil.example/page"},
    {"referer": "https://evil.example/HOST"},
    {"referer": "http://evil.example@HOST"},
]
"""What browsers say of requests that other pages send; HOST is the server's own origin or, without it, its host."""


@pytest.mark.parametrize("headers", FORGED, ids=str)
def test_nothing_is_done_for_another_page(
    home: House, owner: httpx2.Client, parts: dict[str, str], headers: dict[str, str]
) -> None:
    host = home.address.removeprefix("http://")
    told = {name: value.replace("HOST.", f"{home.address}.").replace("HOST", host) for name, value in headers.items()}  # fmt: skip
    before = home.contents()
    form = {"title": "forged", "question": "forged", "approved": "yes", "name": "forged", "password": PASSWORD, "theme": "dark", "role": "owner"}  # fmt: skip
    paths = list(home.routes("POST"))
    assert len(paths) > 25
    for path in paths:
        refused = owner.post(filled(path, parts), data=form, headers=told)
        assert (path, refused.status_code) == (path, 403)
        assert "set-cookie" not in refused.headers
    assert home.contents() == before
    assert owner.get("/settings").status_code == 200  # still signed in


def test_the_pages_own_forms_are_taken(home: House, owner: httpx2.Client, parts: dict[str, str]) -> None:
    path = f"/conversations/{parts['conversation_id']}/rename"
    for index, headers in enumerate(
        (
            {"sec-fetch-site": "same-origin", "origin": home.address, "referer": f"{home.address}/settings"},
            {"origin": home.address},
            {"referer": f"{home.address}/"},
            {"sec-fetch-site": "none"},
            {},
        )
    ):
        assert owner.post(path, data={"title": f"renamed {index}"}, headers=headers).status_code == 303
        assert f"renamed {index}" in owner.get(path.removesuffix("/rename")).text


def test_no_page_can_be_read_by_another_or_stand_in_its_frame(
    home: House, owner: httpx2.Client, parts: dict[str, str]
) -> None:
    draw()
    asked = {"before": "1", "words": "private", "next": "/"}
    picture = home.site.attachments(LOCAL).add("dot.png", "image/png", base64.b64decode(DOT))
    for path in home.routes("GET"):
        if path.endswith("/live"):
            continue  # a stream; whoever asks is judged before it begins
        own = {"/welcome/": {"code": parts["link"]}, "/picture": {"attachment_id": picture.id}}
        given = [more for part, more in own.items() if path.startswith(part) or path.endswith(part)]
        address = filled(path, parts | (given[0] if given else {}))
        for kind in ("image", "script", "iframe", "object", "empty", "style"):
            elsewhere = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": kind}
            assert owner.get(address, params=asked, headers=elsewhere).status_code == 403, path
        shown = owner.get(address, params=asked)
        assert shown.status_code in (200, 303), (path, shown.text[:300])
        _sealed(shown, path)


def test_what_says_that_something_went_wrong_is_as_safe_as_a_page(home: House, owner: httpx2.Client) -> None:
    browser = {"accept": "text/html"}
    with home.stranger() as stranger, home.signed_in("somebody") as somebody:
        found = [
            owner.get("/conversations/none", headers=browser),
            owner.get("/nothing/here", headers=browser),
            owner.get("/sign-out", headers=browser),
            owner.get("/usage?days=x", headers=browser),
            stranger.get("/shared/none", headers=browser),
            stranger.get("/welcome/none", headers=browser),
            stranger.post("/sign-in", data={"name": "nobody", "password": PASSWORD}, headers=browser),
            stranger.post("/settings", data={"theme": "dark"}, headers=browser),
            somebody.get("/people", headers=browser),
        ]
    assert [one.status_code for one in found] == [404, 404, 404, 400, 404, 403, 401, 401, 403]
    for one in found:
        assert one.headers["content-type"].startswith("text/html")
        assert "<html" in one.text
        _sealed(one, str(one.url))


def _sealed(shown: httpx2.Response, path: str) -> None:
    """Fail where a response may be framed by others, guessed as something else, or kept in a cache."""
    assert shown.headers["x-content-type-options"] == "nosniff"
    if shown.status_code == 303:
        return
    policy = shown.headers.get("content-security-policy", "")
    if "/artifacts/{" in path:
        assert policy.startswith("sandbox allow-scripts; frame-ancestors 'self'; default-src 'none'")
    elif shown.headers["content-type"].startswith("text/html"):
        assert "frame-ancestors 'none'" in policy, path
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert shown.headers["x-frame-options"] == "DENY"
        assert shown.headers["cross-origin-opener-policy"] == "same-origin"
        assert '<meta name="referrer" content="same-origin">' in shown.text or "<html" not in shown.text
    if "/static/" not in path:
        assert shown.headers["cache-control"] in ("no-store", "no-cache")


def leads_to(home: House, location: str) -> str:
    """Where a browser goes: it takes backslashes for slashes and leaves out tabs and line ends."""
    seen = re.sub(r"[\t\r\n]", "", location).strip("".join(map(chr, range(33)))).replace("\\", "/")
    assert seen == location, "a browser reads it as something else"
    return str(httpx2.URL(home.address).join(seen))


@pytest.mark.parametrize("wanted", NEXT_PAGES, ids=ascii)
def test_nobody_is_led_away(home: House, owner: httpx2.Client, wanted: str) -> None:
    found = local_page(wanted)
    assert re.fullmatch(r"/(?!/)[!-~]*", found)
    sent = wanted.encode("utf-8", "replace").decode()
    went = owner.get("/sign-in", params={"next": sent})
    assert went.status_code == 303
    assert leads_to(home, went.headers["location"]).startswith(f"{home.address}/")
    with home.stranger() as stranger:
        form = stranger.get("/sign-in", params={"next": sent})
        kept = re.search(r'name="next" value="([^"]*)"', form.text)
        assert kept is not None
        assert re.fullmatch(r"/(?!/)[^\s<>]*", kept[1])
        fragment = {"hx-request": "true", "hx-current-url": re.sub(r"[^!-~]", "", sent)}
        assert stranger.get("/settings", headers=fragment).status_code == 401


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "/\\evil.example", "https://evil.example", "/settings?saved=1"]
)
def test_signing_in_leads_to_a_page_of_ours(home: House, wanted: str) -> None:
    home.user("somebody")
    with home.stranger() as http:
        went = http.post("/sign-in", data={"name": "somebody", "password": PASSWORD, "next": wanted})
        assert went.status_code == 303
        assert went.headers["location"] == (wanted if wanted.startswith("/settings") else "/")


def test_a_server_without_keys_takes_nothing_from_other_pages_either(tmp_path: Path) -> None:
    """There everybody at this machine is its owner: a page that reaches it under a name of its own, too."""
    with house(tmp_path / "keyless", keyless=True) as open_house, open_house.stranger() as http:
        assert http.get("/settings").status_code == 200
        assert http.get("/settings", headers={"host": "evil.example"}).status_code == 421
        before = open_house.contents()
        for headers in FORGED:
            told = {name: value.replace("HOST", "127.0.0.1") for name, value in headers.items()}
            for path in ("/settings", "/ask", "/keys", "/invites"):
                assert (
                    http.post(path, data={"theme": "dark", "question": "x"}, headers=told).status_code == 403
                )
        assert open_house.contents() == before


# Sessions


def cookie_of(response: httpx2.Response) -> tuple[str, set[str]]:
    """The secret and the attributes of the session's cookie."""
    (told,) = (one for one in response.headers.get_list("set-cookie") if one.startswith(COOKIE))
    value, *attributes = (part.strip() for part in told.split(";"))
    return value.partition("=")[2].strip('"'), {one.lower() for one in attributes}


def test_a_session_that_was_planted_is_not_taken_over(home: House) -> None:
    home.user("somebody")
    with home.signed_in("attacker") as attacker, home.stranger() as http:
        planted = attacker.cookies[COOKIE]
        for secret in (planted, "pierian-session-chosen", "x" * 3000):
            form = {"name": "somebody", "password": PASSWORD}
            came = http.post("/sign-in", data=form, headers={"cookie": f"{COOKIE}={secret}"})
            made, _ = cookie_of(came)
            assert made not in (secret, "")
            assert made.startswith("pierian-session-")
        # What was planted has ended: nobody looks over a shoulder with it.
        assert attacker.get("/settings").status_code == 303


def test_signing_in_again_changes_the_secret_and_signing_out_ends_it(home: House) -> None:
    home.user("somebody")
    with home.stranger() as http:
        form = {"name": "somebody", "password": PASSWORD}
        first = cookie_of(http.post("/sign-in", data=form))[0]
        second = cookie_of(http.post("/sign-in", data=form, headers={"cookie": f"{COOKIE}={first}"}))[0]
        assert first != second

        def status(secret: str) -> int:
            return httpx2.get(
                f"{home.address}/settings", headers={"cookie": f"{COOKIE}={secret}"}
            ).status_code

        assert (status(first), status(second)) == (303, 200)
        out = http.post("/sign-out", headers={"cookie": f"{COOKIE}={second}"})
        secret, attributes = cookie_of(out)
        assert secret == "" and "max-age=0" in attributes
        assert status(second) == 303


def test_the_cookie_is_for_the_server_alone(home: House) -> None:
    home.user("somebody")
    form = {"name": "somebody", "password": PASSWORD}
    with home.stranger() as http:
        plain = http.post("/sign-in", data=form, headers={"origin": home.address})
        secured = http.post(
            "/sign-in", data=form, headers={"origin": home.address.replace("http:", "https:")}
        )
    secret, attributes = cookie_of(plain)
    assert attributes >= {"httponly", "path=/", "samesite=lax"}
    assert not any(one.startswith("domain") for one in attributes)
    assert "secure" not in attributes
    assert "secure" in cookie_of(secured)[1]
    assert secret not in plain.text
    with home.site.database.read() as connection:
        stored = connection.exec_driver_sql("select * from sessions").all()
    assert stored and secret not in str(stored)


def test_another_password_ends_every_other_session(home: House) -> None:
    with home.signed_in("changing") as here, home.signed_in("changing") as there:
        form = {"current": PASSWORD, "password": "another one of some length"}
        assert here.post("/settings/password", data=form).status_code == 303
        assert here.get("/settings").status_code == 200
        assert there.get("/settings").status_code == 303
        wrong = here.post("/settings/password", data={"current": PASSWORD, "password": "a third one, longer"})
        assert wrong.status_code == 422


def test_a_link_ends_every_session_and_works_once(home: House) -> None:
    with home.signed_in("forgetful") as lost, home.stranger() as http:
        assert lost.get("/settings").status_code == 200
        code = home.site.links.create(home.user("forgetful").id)
        form = {"name": "forgetful", "password": "remembered this time"}
        came = http.post(f"/welcome/{code}", data=form)
        assert came.status_code == 303
        assert lost.get("/settings").status_code == 303
        assert http.post(f"/welcome/{code}", data=form).status_code == 403
        assert http.get(f"/welcome/{code}").status_code == 403


def test_guessing_has_to_wait_and_tells_nothing(home: House) -> None:
    home.user("somebody")
    home.site.attempts = Attempts()
    try:
        with home.stranger() as http:

            def attempt(name: str, password: str) -> httpx2.Response:
                return http.post("/sign-in", data={"name": name, "password": password})

            known, unknown = attempt("somebody", "not the one"), attempt("no such name", "not the one")
            assert (known.status_code, unknown.status_code) == (401, 401)
            assert known.text.replace("somebody", "") == unknown.text.replace("no such name", "")
            statuses = [attempt("somebody", f"guess number {number}").status_code for number in range(12)]
            assert statuses.count(429) > 5
            waits = attempt("somebody", PASSWORD)
            assert waits.status_code == 429
            assert "too many attempts" in waits.text
            assert "set-cookie" not in waits.headers
            home.user("elsewhere")
            assert attempt("elsewhere", PASSWORD).status_code == 303
    finally:
        home.site.attempts = Attempts()


def test_somebody_who_is_disabled_is_out_at_once(home: House, owner: httpx2.Client) -> None:
    with home.signed_in("leaving") as leaving:
        assert leaving.get("/settings").status_code == 200
        assert owner.post(f"/people/{home.user('leaving').id}/disable").status_code == 303
        assert leaving.get("/settings").status_code == 303
        refused = leaving.post("/sign-in", data={"name": "leaving", "password": PASSWORD})
        assert refused.status_code == 401


def test_an_expired_session_takes_nothing_that_was_typed(home: House) -> None:
    """A part of a page says so and changes nothing on it; a form that was sent by itself leads back to its page."""
    with home.stranger(cookies={COOKIE: "pierian-session-over"}) as http:
        before = home.contents()
        part = http.post("/ask", data={"question": "typed for long"}, headers={"hx-request": "true"})
        assert part.status_code == 401
        assert 'hx-target="#toasts"' in part.text and "Sign in" in part.text
        whole = http.post(
            "/settings", data={"instructions": "x"}, headers={"referer": f"{home.address}/settings", "accept": "text/html"}
        )  # fmt: skip
        assert whole.status_code == 401
        assert 'href="/sign-in?next=%2Fsettings"' in whole.text
        assert home.contents() == before


def test_a_run_of_the_owner_goes_on_after_all_this(
    home: House, owner: httpx2.Client, parts: dict[str, str]
) -> None:
    """The approval that nobody could forge is still there to be given."""
    approvals: Any = f"/runs/{parts['run_id']}/approvals/{parts['approval_id']}"
    assert not (home.notes / "note.txt").exists()
    assert owner.post(approvals, data={"approved": "yes"}).status_code == 303
    until((home.notes / "note.txt").exists, 30)
