"""Files, forms and addresses that no browser of good will sends: refused with a sentence, and nothing else happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

import httpx2
import pytest
from tests.webapp.hostile_text import NAMES
from tests.webapp.visits import House, filled, house

from pierian.storage.attachments import MOST_UNCLAIMED
from pierian.webapp.forms import MOST_FIELDS, MOST_FORM_BYTES, MOST_UPLOAD_BYTES
from pierian.webapp.uploads import MOST_TEXT_BYTES

BOUNDARY = "xxxxboundary"
MULTIPART = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house")) as one:
        yield one


@pytest.fixture(scope="module")
def parts(home: House) -> dict[str, str]:
    return home.belongings("owner", "owner") | home.asking()


@pytest.fixture
def http(home: House) -> Iterator[httpx2.Client]:
    with home.owner() as client:
        yield client


def part(name: bytes, data: bytes, kind: bytes = b"text/plain", field: bytes = b"file") -> bytes:
    """One file of a form as it is sent, its name as it is."""
    head = b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\nContent-Type: %b\r\n\r\n'
    return head % (BOUNDARY.encode(), field, name, kind) + data + b"\r\n"


END = b"--%b--\r\n" % BOUNDARY.encode()


def send(http: httpx2.Client, name: str | bytes, data: bytes, kind: bytes = b"text/plain") -> httpx2.Response:
    named = name.encode("utf-8", "replace") if isinstance(name, str) else name
    return http.post("/attachments", content=part(named, data, kind) + END, headers=MULTIPART)


def taken(http: httpx2.Client, came: httpx2.Response) -> httpx2.Response:
    """The file that was put there, which is taken away again."""
    assert came.status_code == 200, came.text
    found = re.search(r'id="attachment-(\w+)"', came.text)
    assert found is not None
    shown = http.get(f"/attachments/{found[1]}")
    assert http.post(f"/attachments/{found[1]}/delete").status_code == 204
    assert http.get(f"/attachments/{found[1]}").status_code == 404
    return shown


def name_of(shown: httpx2.Response) -> str:
    return unquote(shown.headers["content-disposition"].partition("UTF-8''")[2])


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\notes.txt", "notes.txt"),
        ("/abs/olute.txt", "olute.txt"),
        ("..", "file"),
        ("", "file"),
        ("a\x01b\x7f.txt", "ab.txt"),
        ("\u202etxt.exe", "txt.exe"),
        ("a\u200bb.txt", "ab.txt"),
        ("two  words\t.txt", "two words .txt"),
        ("<img src=x onerror=alert(1)>.md", "<img src=x onerror=alert(1)>.md"),
        ("'; filename=evil.exe; x='", "'; filename=evil.exe; x='"),
        ("a%0d%0aSet-Cookie: x=y.txt", "a%0d%0aSet-Cookie: x=y.txt"),
        ("ü ñ 日本.txt", "ü ñ 日本.txt"),
    ],
)
def test_a_name_leads_nowhere_and_breaks_no_header(http: httpx2.Client, name: str, kept: str) -> None:
    shown = taken(http, send(http, name, b"text"))
    assert shown.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert name_of(shown) == kept
    assert "set-cookie" not in shown.headers
    assert shown.headers["x-content-type-options"] == "nosniff"


def test_names_that_are_no_text_are_names_all_the_same(http: httpx2.Client) -> None:
    for name in (*NAMES, b"\xff\xfe.txt", b"\x00", b"x" * 4000 + b".txt", b'a\\"b.txt'):
        came = send(http, name, b"text")
        if came.status_code == 400:  # a line end ends the header: the form is damaged
            assert isinstance(name, str) and "\n" in name
            continue
        assert 0 < len(name_of(taken(http, came))) <= 200
        assert "<img" not in came.text.replace('<img src="/attachments/', "")
        assert "<svg" not in came.text


@pytest.mark.parametrize("kind", [b"text/html", b"image/svg+xml", b"text/plain; charset=utf-7", b"application/javascript", b"x\t/../y", b"multipart/form-data"])  # fmt: skip
def test_a_page_that_says_it_is_text_is_only_ever_text(http: httpx2.Client, kind: bytes) -> None:
    came = send(http, "page.html", b"<!doctype html><script>alert(document.cookie)</script>", kind)
    if kind == b"image/svg+xml":
        assert came.status_code == 422 and "no picture" in came.text
        return
    shown = taken(http, came)
    assert shown.headers["content-type"] == "text/plain; charset=utf-8"
    assert shown.headers["content-disposition"].startswith("attachment")
    assert "sandbox; default-src 'none'" in shown.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("data", "status", "told"),
    [
        (b"", 422, "is empty"),
        (b"a\x00b", 422, "neither a text nor a picture"),
        (b"\xff\xfea\x00\x01\x00", 422, "neither a text nor a picture"),
        (b"\xff\xfea", 422, "neither a text nor a picture"),
        (b"caf\xe9 \x07", 422, "neither a text nor a picture"),
        (b"caf\x81", 422, "neither a text nor a picture"),
        (b"\xff\xd8\xff\xe0\x10JFIF", 422, "damaged"),
        (b"\xe9" * (MOST_TEXT_BYTES // 2 + 1), 422, "is the most that is read"),
        (b"PK\x03\x04\x00\x00", 422, "neither a text nor a picture"),
        (b"x" * (MOST_TEXT_BYTES + 1), 422, "is the most that is read"),
        (b"x" * (MOST_UPLOAD_BYTES + 1), 413, "larger than"),
    ],
    ids=[
        "empty",
        "nul",
        "utf-16-bell",
        "utf-16-half",
        "latin-1-bell",
        "no-windows",
        "jpeg",
        "large-in-utf-8",
        "zip",
        "large",
        "oversized",
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(
    home: House, http: httpx2.Client, data: bytes, status: int, told: str
) -> None:
    before = home.contents()
    refused = send(http, "dir/what\u202e.bin", data)
    assert (refused.status_code, told in refused.text) == (status, True), refused.text
    if status == 422:
        assert "what.bin" in refused.text and "dir/" not in refused.text
        assert 'class="attachment attachment-failed"' in refused.text
    assert home.contents() == before


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-marked", "cp1252", "latin-1"]
)
def test_a_text_is_kept_as_utf_8_however_it_was_written(http: httpx2.Client, encoding: str) -> None:
    written = "Zoë’s café;5€\r\nsecond line\t\r\n" if encoding != "latin-1" else "Zoë café\n"
    data = (
        "\ufeff".encode("utf-16-be") + written.encode("utf-16-be")
        if "marked" in encoding
        else written.encode(encoding)
    )
    assert taken(http, send(http, "notes.csv", data)).content == written.encode()


MANY = 200_000
FORMS = {
    "no file": (b"--%b\r\nContent-Disposition: form-data; name=x\r\n\r\nx\r\n" % BOUNDARY.encode() + END, MULTIPART, 400),
    "nothing": (END, MULTIPART, 400),
    "an empty body": (b"", MULTIPART, 400),
    "two files": (part(b"a.txt", b"a") + part(b"b.txt", b"b") + END, MULTIPART, 400),
    "many files": (part(b"a", b"") * (MOST_UPLOAD_BYTES // 120), MULTIPART, 400),
    "many fields": (b"--%b\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n" % BOUNDARY.encode() * 100_000, MULTIPART, 400),
    "many headers": (b"--%b\r\n" % BOUNDARY.encode() + b"a: b\r\n" * MANY, MULTIPART, 400),
    "a long header": (b"--%b\r\n" % BOUNDARY.encode() + b"a: " + b"b" * MANY, MULTIPART, 400),
    "broken off": (part(b"a.txt", b"half of it")[:-9], MULTIPART, 400),
    "no boundary": (part(b"a.txt", b"x") + END, {"content-type": "multipart/form-data"}, 400),
    "another boundary": (part(b"a.txt", b"x") + END, {"content-type": "multipart/form-data; boundary=y"}, 400),
    "an odd boundary": (part(b"a.txt", b"x") + END, {"content-type": 'multipart/form-data; boundary="\\"\xff'}, 400),
    "bad base64": (
        b"--%b\r\nContent-Disposition: form-data; name=f; filename=f\r\nContent-Transfer-Encoding: base64\r\n\r\nQ\r\n"
        % BOUNDARY.encode() + END, MULTIPART, 400,
    ),
    "no form": (b'{"file": "x"}', {"content-type": "application/json"}, 415),
    "a plain form": (b"a=b&" * 100_000, {"content-type": "application/x-www-form-urlencoded"}, 415),
    "only bytes": (b"x", {"content-type": "application/octet-stream", "x-file-name": "a.txt"}, 415),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_form_without_one_whole_file_is_refused(home: House, http: httpx2.Client, name: str) -> None:
    body, headers, status = FORMS[name]
    before = home.contents()
    sent = [(key.encode(), value.encode("latin-1")) for key, value in headers.items()]
    refused = http.post("/attachments", content=body, headers=[*sent, (b"hx-request", b"true")])
    assert refused.status_code == status, refused.text
    assert 'hx-target="#toasts"' in refused.text
    assert home.contents() == before


def test_files_that_no_question_takes_are_not_heaped_up(home: House) -> None:
    with home.signed_in("collector") as http:
        statuses = [send(http, f"{number}.txt", b"x").status_code for number in range(MOST_UNCLAIMED + 2)]
    assert statuses == [200] * MOST_UNCLAIMED + [422, 422]


# Forms

URLENCODED = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"name=\xff", URLENCODED, 400),
        (b"name=%ff", URLENCODED, 400),
        (b"name=%ed%a0%80", URLENCODED, 400),
        (b"name=caf\xe9", {"content-type": "application/x-www-form-urlencoded; charset=latin-1"}, 400),
        (b"x=1&" * (MOST_FIELDS + 1), URLENCODED, 413),
        (b"&" * 500_000, URLENCODED, 413),
        (b"name=" + b"x" * MOST_FORM_BYTES, URLENCODED, 413),
        (b'{"name": "x"}', {"content-type": "application/json"}, 415),
        (b"name=x", {"content-type": "text/plain"}, 415),
        (b"name=x", {}, 415),
        (part(b"a", b"b") + END, MULTIPART, 415),
    ],
    ids=range(11),
)
def test_a_form_that_is_none_changes_nothing(
    home: House, http: httpx2.Client, parts: dict[str, str], body: bytes, headers: dict[str, str], status: int
) -> None:
    before = home.contents()
    reading = ("/sign-in", "/ask", "/settings", "/settings/password", "/keys", "/invites", "/welcome/{code}", "/join/{code}",
               "/conversations/{conversation_id}/rename", "/conversations/{conversation_id}/turns/{position}/edit",
               "/conversations/{conversation_id}/turns/{position}/retry", "/runs/{run_id}/approvals/{approval_id}")  # fmt: skip
    assert set(reading) <= set(home.routes("POST"))
    for path in reading:
        refused = http.post(filled(path, parts), content=body, headers=headers)
        assert refused.status_code == status, (path, refused.text[-300:])
        assert "Something went wrong" not in refused.text
    assert home.contents() == before


NUMBERS = (
    "0",
    "-1",
    "1.5",
    "1e3",
    "٣",
    "0x10",
    "9" * 400,
    "1 000 000 000 000 000 000",
    "NaN",
    "inf",
    "\x00",
    "<b>",
    "+5",
    " ",
)


def test_numbers_that_are_none_are_told_and_not_stored(home: House, http: httpx2.Client) -> None:
    before = home.contents()["profiles"]
    for given in NUMBERS:
        for field in ("budget_tokens", "budget_seconds"):
            told = http.post("/settings", data={field: given, "theme": "dark"})
            right = not given.strip() or (field == "budget_seconds" and given in ("1.5", "1e3", "+5", "٣"))
            assert told.status_code == (303 if right else 422), (field, given)
        for page in ("/keys", "/invites"):
            form = {
                "requests_per_minute": given,
                "days": given,
                "day_cap": given,
                "modes": "instant",
                "role": "member",
            }
            assert http.post(page, data=form).status_code in (200, 422), (page, given)
    assert len(home.contents()["profiles"]) <= len(before) + 1


# Addresses

WEIRD = (
    "%00", "%2e%2e", "%2e%2e%2f%2e%2e%2f", "..%5c", "%ff%fe", "%E2%80%AE", "%0d%0aSet-Cookie:%20x=y", "'%20OR%201=1--", "%25", "_",
    "-1", "1e9", "9" * 30, "%20", "%7B%7B7*7%7D%7D", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "x" * 3000, "%F0%9F%90%8D", "null", "%22",
    "%EF%BC%90", "%D9%A3", "0" * 26, "zzzzzzzzzzzzzzzzzzzzzzzzzz", "%09", "01%25", "1%3B", "%3F", "%23",
)  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_address_makes_the_server_stumble(
    home: House, http: httpx2.Client, parts: dict[str, str], method: str
) -> None:
    before = home.contents()
    for path in home.routes(method):
        for name in re.findall(r"\{(\w+)\}", path):
            if path.startswith("/static/") or (name == "version_name"):
                continue
            for weird in WEIRD:
                address = filled(path, parts | {name: weird})
                answered = http.request(method, address, params={"before": "1"} if method == "GET" else None)
                assert answered.status_code in (200, 204, 303, 400, 403, 404, 405, 415, 422), address
                if answered.status_code == 303:
                    assert answered.headers["location"].startswith("/"), address
                assert "set-cookie" not in answered.headers or "x=y" not in answered.headers["set-cookie"]
                if answered.headers.get("content-type", "").startswith("text/html"):
                    assert "<script>alert" not in answered.text
    assert home.contents() == before


@pytest.mark.parametrize("given", ["", "-1", "9" * 30, "x", "1&before=2&seen=3&days=4&words=5&format=6", "%00", "%ff", "x" * 2000, "1.5", "٣", "true", "%F0%9F%90%8D"])  # fmt: skip
def test_no_query_makes_the_server_stumble(
    home: House, http: httpx2.Client, parts: dict[str, str], given: str
) -> None:
    for path in home.routes("GET"):
        if path.endswith("/live"):
            continue
        for name in ("before", "seen", "days", "everybody", "words", "format", "saved", "next"):
            answered = http.get(f"{filled(path, parts)}?{name}={given}")
            assert answered.status_code < 500, (path, name, answered.text[-500:])
    for seen in (given,):
        with http.stream("GET", f"/conversations/{parts['conversation_id']}/live?seen={seen}") as stream:
            assert stream.status_code < 500
