"""What is somebody's stays theirs: every page is asked for with ids of somebody else, of every role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.webapp.visits import PASSWORD, House, draw, filled, house

OPEN = ("/shared/", "/welcome/", "/join/", "/static/")
"""What opens with something that was given away: a link, a code."""
MANAGED = ("/keys/", "/people/", "/invites/")
"""What administrators see of everybody."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house")) as one:
        yield one


@pytest.fixture(scope="module")
def theirs(home: House) -> dict[str, dict[str, str]]:
    """What people have, by who they are."""
    of_owner = home.belongings("owner", "owner") | home.asking()
    return {
        "owner": of_owner,
        "ann": home.belongings("ann"),
        "boss": home.belongings("boss", "administrator"),
    }


def personal(home: House, method: str) -> list[str]:
    """The addresses that name something of somebody's."""
    return [path for path in home.routes(method) if "{" in path and not path.startswith(OPEN)]


def asked(http: httpx2.Client, method: str, address: str) -> httpx2.Response:
    if method == "GET":
        return http.get(address, params={"before": "9", "seen": "0"}, headers={"accept": "text/html"})
    form = {"approved": "yes", "mode": "instant", "question": "taken over", "title": "taken over"}
    return http.post(address, data=form)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("who", "whose"), [("ann", "owner"), ("boss", "owner"), ("ann", "boss"), ("boss", "ann"), ("owner", "ann")])  # fmt: skip
def test_no_address_leads_to_what_is_somebody_elses(
    home: House, theirs: dict[str, dict[str, str]], who: str, whose: str, method: str
) -> None:
    foreign, before = theirs[whose], home.contents()
    if whose == "owner":
        draw()
    paths = personal(home, method)
    assert len(paths) > (5 if method == "GET" else 15)
    with home.signed_in(who) as http:
        for path in paths:
            if path.startswith(MANAGED) and who != "ann" and whose != "owner":
                continue
            if path.startswith("/invites/") and who == "boss":
                continue  # invitations are no one's own: administrators take any of them back
            if path == "/people/{user_id}/enable" and who == "boss":
                continue  # it changes nothing for who is not disabled
            parts = foreign | {"attachment_id": foreign["waiting"]} if path.endswith("/delete") else foreign
            answered = asked(http, method, filled(path, parts))
            if method == "GET":
                assert answered.status_code in (403, 404), (path, answered.status_code, answered.text[:200])
            else:
                assert home.contents() == before, path
            for found in (f"of {whose}", foreign["run_id"][3:], foreign["token"]):
                assert found not in answered.text, (path, found)


def test_a_question_takes_no_file_and_no_conversation_of_somebody_else(
    home: House, theirs: dict[str, dict[str, str]]
) -> None:
    foreign, before = theirs["owner"], home.contents()
    with home.signed_in("ann") as http:
        for form in (
            {"question": "go on", "conversation": foreign["conversation_id"]},
            {"question": "go on", "conversation": foreign["conversation_id"][:12]},
            {"question": "read it", "attachments": foreign["attachment_id"]},
            {"question": "read it", "attachments": foreign["waiting"]},
            {"question": "read it", "conversation": theirs["ann"]["conversation_id"], "attachments": foreign["waiting"]},
        ):  # fmt: skip
            assert http.post("/ask", data=form).status_code in (400, 404), form
    assert home.contents() == before


def test_an_approval_is_answered_at_its_own_run_only(home: House, theirs: dict[str, dict[str, str]]) -> None:
    _, _, other = home.answered("owner", "owner", question="Something else")
    with home.owner() as http:
        waits = theirs["owner"]["approval_id"]
        before = home.contents()
        refused = http.post(f"/runs/{other}/approvals/{waits}", data={"approved": "yes"})
        assert refused.status_code == 404, refused.text
        assert home.contents() == before


def test_lists_and_search_show_only_what_is_theirs(home: House, theirs: dict[str, dict[str, str]]) -> None:
    assert theirs
    for who, others in (("ann", ("owner", "boss")), ("owner", ("ann", "boss")), ("boss", ("owner", "ann"))):
        with home.signed_in(who) as http:
            for page in (
                "/",
                "/runs",
                "/search?words=private",
                "/settings",
                "/usage?everybody=true",
                "/keys",
            ):
                shown = http.get(page)
                assert shown.status_code == 200
                named = [one for one in others if f"private words of {one}" in shown.text or f"private title of {one}" in shown.text]  # fmt: skip
                assert named == [], (who, page)
                if page == "/settings":
                    assert "private browser" not in shown.text
                if page == "/keys" and who == "ann":
                    assert "private key of ann" in shown.text
                    assert "private key of owner" not in shown.text
            assert f"private words of {who}" in http.get("/search?words=private").text.replace("<mark>", "").replace("</mark>", "")  # fmt: skip


@pytest.mark.parametrize("who", ["ann", "partner"])
def test_pages_of_administrators_are_for_them_alone(
    home: House, theirs: dict[str, dict[str, str]], who: str
) -> None:
    parts = theirs["owner"]
    home.user("partner", "partner")
    before = home.contents()
    with home.signed_in(who) as http, home.stranger() as stranger:
        for path in ("/people", "/invites", "/keys"):
            if path != "/keys":
                assert http.get(path).status_code in (403, 404, 405)
            if path != "/people":
                form: Any = {"name": "x", "role": "owner", "user": parts["user_id"], "days": "3"}
                assert http.post(path, data=form).status_code == 403
        for path in home.routes("POST"):
            if path.startswith(("/people/", "/invites/")):
                assert http.post(filled(path, parts)).status_code == 403, path
            if not path.startswith((*OPEN, "/sign-in", "/sign-out")):
                assert stranger.post(filled(path, parts)).status_code == 401, path
        for path in home.routes("GET"):
            if path.startswith((*OPEN, "/sign-in", "/offline", "/manifest", "/service-worker")):
                continue
            went = stranger.get(filled(path, parts), params={"before": "1"})
            assert (path, went.status_code) == (path, 303)
            assert went.headers["location"].startswith("/sign-in?next=%2F")
    assert home.contents() == before


@pytest.mark.parametrize(("who", "role"), [("ann", "member"), ("boss", "administrator")])
def test_accounts_and_schedules_are_the_owners_alone(
    home: House, theirs: dict[str, dict[str, str]], who: str, role: str
) -> None:
    parts, before = theirs["owner"], home.contents()
    with home.signed_in(who, role) as http:
        for path in ("/accounts", "/accounts/link", "/schedules", "/today"):
            assert http.get(path, headers={"accept": "text/html"}).status_code == 403, path
        for path in home.routes("POST"):
            if path.startswith(("/accounts", "/schedules")):
                form = {"kind": "caldav", "url": "http://127.0.0.1:1/", "username": "x", "password": "x", "times": "hourly"}  # fmt: skip
                assert http.post(filled(path, parts), data=form).status_code == 403, path
        shown = http.get("/settings").text
        assert 'href="/accounts"' not in shown and 'href="/today"' not in shown
    assert home.contents() == before
    with home.owner() as http:
        assert "private-account-of-owner" in http.get("/accounts").text
        assert "private words of owner" in http.get("/schedules").text


def test_an_administrator_is_not_the_owner(home: House, theirs: dict[str, dict[str, str]]) -> None:
    """Nobody becomes an owner, or gets hold of what the owner's tools can do, by way of the owner's account."""
    owner, before = theirs["owner"], home.contents()
    with home.signed_in("boss", "administrator") as http:
        for path, form in (
            ("/invites", {"role": "owner", "days": "3"}),
            ("/keys", {"name": "mine", "user": owner["user_id"], "modes": "instant"}),
            ("/keys", {"name": "mine", "user": "owner", "modes": "instant"}),
            (f"/keys/{owner['key_id']}/rotate", {}),
            (f"/keys/{owner['key_id'][:20]}/rotate", {}),
            (f"/people/{owner['user_id']}/link", {}),
            (f"/people/{owner['user_id']}/disable", {}),
            ("/people/owner/link", {}),
        ):
            refused = http.post(path, data=form)
            assert refused.status_code in (403, 422), (path, refused.status_code)
            assert "pierian-" not in refused.text.replace("pierian-conversation", ""), path
    assert home.contents() == before


def test_a_name_that_is_taken_does_not_let_in(home: House) -> None:
    """Somebody who joins under the owner's name, or takes it with a link, gets neither the owner's data nor the name."""
    before = home.user("owner", "owner")
    code = home.site.links.create(home.user("ann").id)
    with home.stranger() as http:
        for name in ("owner", " Owner ", "ＯＷＮＥＲ", "own\u200ber"):
            refused = http.post(f"/welcome/{code}", data={"name": name, "password": PASSWORD})
            assert refused.status_code == 422, name
    assert home.user("owner", "owner") == before
