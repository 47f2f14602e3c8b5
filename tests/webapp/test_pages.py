"""Every page in every state: it renders, the content policy has nothing to forbid, and everybody can use it."""

from __future__ import annotations

import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.webapp.sample_pages import HOSTILE, LONG_ANSWER, PAGES, QUESTION, STREAMING, conversation, user
from tests.webapp.sample_tabs import opened
from tests.webapp.visits import house

from pierian.access.users import LOCAL
from pierian.events import Receipt, Spend
from pierian.provenance import Origin
from pierian.storage import Saying
from pierian.storage.ids import new_id
from pierian.webapp import assets, rendering
from pierian.webapp.highlighting import stylesheet
from pierian.webapp.texts import TEXTS, text

TEMPLATES = Path(rendering.__file__).parent / "templates"
VOID = {"input", "img", "br", "hr", "meta", "link", "path", "rect", "line", "circle"}
FIRST_LOAD = 150_000
"""Bytes, compressed, of a page with everything that it loads."""


class Reader(HTMLParser):
    """The tags of a page with their attributes, and the words inside each element that has an id."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.labelled: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))


@pytest.fixture(params=sorted(PAGES))
def page(request: pytest.FixtureRequest) -> str:
    return PAGES[request.param]()


def test_the_content_policy_has_nothing_to_forbid(page: str) -> None:
    for tag, attributes in Reader(page).tags:
        assert tag not in {"style", "base", "object", "embed"}
        assert not [name for name in attributes if name.startswith("on") or name in {"style", "hx-on"}], (
            attributes
        )
        if tag == "script":
            assert attributes["src"].startswith("/static/")
        for name in ("src", "href", "action", "formaction", "hx-get", "hx-post"):
            assert not re.match(r"(?!mailto:)[a-z-]+:|//", attributes.get(name, "")), attributes
    assert "<script>" not in page


def test_ids_are_unique_and_what_refers_to_them_finds_them(page: str) -> None:
    tags = Reader(page).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in tags:
        for name in (
            "for",
            "aria-labelledby",
            "aria-describedby",
            "aria-controls",
            "data-opens",
            "data-copy",
            "form",
        ):
            if name in attributes and attributes[name] != "search":
                assert attributes[name] in ids, (name, attributes[name])


def test_every_button_and_field_has_a_name(page: str) -> None:
    labels = set(re.findall(r'<label[^>]* for="([^"]+)"', page))
    for match in re.finditer(r"<button([^>]*)>(.*?)</button>", page, re.DOTALL):
        words = re.sub(r"<[^>]+>", "", match[2]).strip()
        assert words or "aria-label=" in match[1] or "aria-hidden" in match[1], match[0]
    for tag, attributes in Reader(page).tags:
        if tag not in {"input", "textarea", "select"} or attributes.get("type") in {
            "hidden",
            "radio",
            "checkbox",
        }:
            continue
        named = attributes.get("id") in labels or "aria-label" in attributes or "hidden" in attributes
        inside = re.search(
            rf"<label(?:(?!</label>).)*name=\"{attributes.get('name') or '-'}\"", page, re.DOTALL
        )
        assert named or inside or attributes.get("id") == "files", attributes


def test_what_people_and_models_wrote_stays_text() -> None:
    for html in (PAGES["hostile"](), PAGES["search-nothing"](), PAGES["keys"](), PAGES["sign-in-wrong"]()):
        assert "<img src=x" not in html
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(2)" in html
        assert "{{ 7*7 }}" in html


def test_a_tag_of_htmx_in_an_answer_is_text_also_inside_an_attribute() -> None:
    evil = '<a href="https://a.example/?<hx-partial hx-target=#main>">x</a><head><title>no</title></head>'
    assert not re.search(r"<(hx-|/?head)", rendering.safe(evil))
    source = '[<hx-partial hx-target="#main">](https://a.example/<hx-partial>) `<hx-get>`'
    assert "<hx-" not in rendering.markdown(source)
    assert "<hx-" not in "".join(rendering.blocks(source))


def test_every_part_of_an_answer_is_there_before_anything_is_in_it() -> None:
    turn = user(0, "Why?"), STREAMING
    html = conversation(*turn)
    for part in ("status", "thoughts", "drafts", "plan", "answer", "receipt", "actions"):
        assert html.count(f'id="turn-1-{part}"') == 1
    assert '<div dir="auto" class="block" id="turn-1-answer-b0">' in html


def test_an_event_of_the_stream_keeps_lines_apart_and_names_its_target() -> None:
    sent = rendering.event(rendering.update("turns", "<p>a\r\nb</p>"), rendering.update("title"), id="7")
    assert sent == (
        b"id: 7\n"
        b'data: <hx-partial hx-target="#turns" hx-swap="upsert"><p>a\n'
        b'data: b</p></hx-partial><hx-partial hx-target="#title" hx-swap="upsert"></hx-partial>\n\n'
    )
    assert rendering.event(name="gone") == b"event: gone\ndata: \n\n"


def test_a_missing_value_is_an_error_and_never_an_empty_page() -> None:
    with pytest.raises(Exception, match="undefined"):
        rendering.page("sign_in.html")


def test_every_text_exists_and_none_is_left_over() -> None:
    """A key that is put together counts by its beginning; one that is chosen or handed on, wherever it is written."""
    sources = [path.read_text() for path in (*TEMPLATES.rglob("*.html"), *TEMPLATES.parent.rglob("*.py"))]
    written = {key for source in sources for key in re.findall(r"""["']([a-z_]+\.[\w.]*\w)["']""", source)}
    asked = {
        key for source in sources for key in re.findall(r"""(?<![\w.])text\(f?["']([\w.]+)["'{]""", source)
    }
    known = {key.removesuffix(".one").removesuffix(".many") for key in TEXTS}
    begun = tuple(key for key in asked if key.endswith((".", "_")))
    assert not asked - known - {*begun}
    texts_alone = {(TEMPLATES.parent / name).read_text() for name in ("texts.py", "account_texts.py")}
    elsewhere = {
        key
        for source in sources
        if source not in texts_alone
        for key in re.findall(r"""["']([a-z_]+\.[\w.]*\w)["']""", source)
    }
    assert not {key for key in known - asked - elsewhere if not key.startswith(begun)} - {"name"}
    assert written


def test_one_is_one_and_two_are_many() -> None:
    assert text("count.tokens", count=1) == "1 token"
    assert text("count.tokens", count=1_234) == "1,234 tokens"


def test_static_files_are_found_by_name_only() -> None:
    for path in (
        "../rendering.py",
        "/etc/passwd",
        "styles/../../texts.py",
        "styles",
        "",
        "styles/none.css",
        "styles/tokens.css\0",
    ):
        assert assets.load(path) is None
    styles = assets.load("styles/all.css")
    assert styles is not None and styles.media_type == "text/css"
    assert styles.content.startswith(b"/* The design in one place")
    assert stylesheet().encode() in styles.content
    assert assets.asset("scripts/main.js") == f"/static/{assets.version()}/scripts/main.js"
    with pytest.raises(KeyError):
        assets.asset("scripts/none.js")


def test_scripts_import_what_is_there() -> None:
    folder = assets.FOLDER / "scripts"
    for script in folder.glob("*.js"):
        for name in re.findall(r'(?:from|import) "\./([\w-]+\.js)"', script.read_text()):
            assert (folder / name).is_file(), f"{script.name} imports {name}"
    started = set(re.findall(r'"\./([\w-]+\.js)"', (folder / "main.js").read_text()))
    imported = {
        name
        for script in folder.glob("*.js")
        for name in re.findall(r'"\./([\w-]+\.js)"', script.read_text())
    }
    assert {script.name for script in folder.glob("*.js")} == imported | {
        "main.js",
        "service-worker.js",
        "offline.js",
    }
    assert started


def test_the_first_load_is_small(tmp_path: Path) -> None:
    """With a full list at the side, and with a long conversation of rich answers, everything as it comes by the wire."""
    with house(tmp_path) as home, home.owner() as http:
        store = home.site.conversations(LOCAL)
        for number in range(100):
            store.create(f"What somebody asked on day {number}, in some words of their own")
        told = msgspec.json.encode(
            Receipt("thinking", "double", Spend(300, 80, 1200, 4.5), run=new_id())
        ).decode()
        said = [
            Saying("user", f"{QUESTION} ({number})", Origin.USER)
            if number % 2 == 0
            else Saying("assistant", f"Answer {number}.\n\n{LONG_ANSWER}", Origin.MODEL, told)
            for number in range(40)
        ]
        rich = store.append_all("", said, title="Long")
        for address in ("/", f"/conversations/{rich}"):
            sizes = first_load(http, address)
            assert len(sizes) > 20
            assert sum(sizes.values()) < FIRST_LOAD, sizes


def first_load(http: Any, address: str) -> dict[str, int]:
    """What a page and each file that it loads have on the wire."""
    shown = http.get(address)
    assert shown.status_code == 200
    files = {
        found
        for found in re.findall(r'(?:href|src)="(/static/[^"]+)"', shown.text)
        if "icon-180" not in found
    }
    answers = {address: shown, **{file: http.get(file) for file in files}}
    return {path: answer.num_bytes_downloaded for path, answer in answers.items()}


def test_pages_are_compressed_for_whoever_takes_that(tmp_path: Path) -> None:
    with house(tmp_path) as home, home.owner() as http:
        packed, plain = http.get("/"), http.get("/", headers={"accept-encoding": "identity"})
        assert packed.headers["content-encoding"] == "gzip" and packed.headers["vary"] == "accept-encoding"
        assert "content-encoding" not in plain.headers and plain.headers["vary"] == "accept-encoding"
        assert packed.text == plain.text
        assert packed.num_bytes_downloaded * 3 < plain.num_bytes_downloaded == len(plain.content)
        sent = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        assert "content-encoding" not in http.get("/search?q=guess", headers=sent).headers
        assert http.get("/conversations/none", headers={"hx-request": "true"}).status_code == 404
        conversation, _, _ = home.answered("owner", "owner", question="Why?")
        with http.stream("GET", f"/conversations/{conversation}/live") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert "content-encoding" not in stream.headers


# In the browser


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_keeps_the_policy_and_fits_the_screen(browser: Any, name: str, width: int) -> None:
    tab, complaints = opened(browser, width)
    tab.goto(f"http://pierian.test/{name}")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert complaints == []
    tab.close()


def axe() -> str:
    """The script of axe-core, from the package that carries it."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("needs axe-core: pip install axe-playwright-python")
    return (Path(found.origin).parent / "axe.min.js").read_text()


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("name", sorted(PAGES))
def test_axe_finds_nothing_serious(browser: Any, name: str, width: int, theme: str) -> None:
    script = axe()
    tab, _ = opened(browser, width, theme, bypass_csp=True)
    tab.goto(f"http://pierian.test/{name}")
    tab.evaluate("document.querySelectorAll('details:not(.menu)').forEach((one) => (one.open = true))")
    tab.evaluate(script)
    found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [
        (
            one["id"],
            [node["html"][:160] + " " + str(node.get("failureSummary", ""))[:200] for node in one["nodes"]][
                :3
            ],
        )
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
    tab.close()


def test_keys_open_what_the_list_of_shortcuts_says(browser: Any) -> None:
    tab, complaints = opened(browser, 1280)
    tab.goto("http://pierian.test/answered")
    tab.locator("body").press("?")
    assert tab.locator("#shortcuts").is_visible()
    tab.keyboard.press("Escape")
    assert tab.locator("#shortcuts").is_hidden()
    tab.keyboard.press("Control+k")
    assert tab.locator("#search").is_visible()
    tab.keyboard.press("Escape")
    tab.locator("#search").wait_for(state="hidden")
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.id") == "question"
    tab.keyboard.press("Alt+3")
    assert tab.locator('[name="mode"]:checked').get_attribute("value") == "thinking"
    assert tab.locator(".mode-shown:visible").inner_text().strip().endswith("Thinking")
    tab.keyboard.press("Control+Shift+E")
    assert tab.locator(".edit textarea").input_value().startswith("A train leaves")
    tab.keyboard.press("Escape")
    assert tab.locator(".edit").count() == 0
    assert complaints == []
    tab.close()


def test_unsent_text_survives_a_reload_and_belongs_to_its_conversation(browser: Any) -> None:
    tab, _ = opened(browser, 390)
    tab.goto("http://pierian.test/answered")
    tab.fill("#question", "half a thought")
    tab.reload()
    assert tab.input_value("#question") == "half a thought"
    tab.goto("http://pierian.test/empty")
    assert tab.input_value("#question") == ""
    tab.close()


def test_an_update_leaves_open_what_somebody_opened(browser: Any) -> None:
    tab, complaints = opened(browser, 1280)
    tab.goto("http://pierian.test/artifact")
    tab.get_by_role("button", name="Show", exact=True).click()
    assert tab.locator("#turn-1 iframe[sandbox='allow-scripts']").count() == 1
    turn = tab.evaluate("document.getElementById('turn-1').outerHTML")
    turn = re.sub(r"<iframe.*?</iframe>|<button[^>]*code-button.*?</button>", "", turn).replace(
        "Its circle", "Now its circle"
    )
    send = """(words) => htmx.swap({ sourceElement: document.getElementById("turns"), target: document.body,
      swap: "none", text: words, request: {} })"""
    for _ in range(2):
        tab.evaluate(send, rendering.update("turns", turn))
    assert "Now its circle" in tab.locator("#turn-1-answer").inner_text()
    assert tab.locator("#turn-1 iframe").count() == 1
    assert tab.locator(".turn").count() == 2
    assert complaints == []
    tab.close()


def test_a_drawer_on_a_phone_takes_the_focus_and_gives_it_back(browser: Any) -> None:
    tab, _ = opened(browser, 390)
    tab.goto("http://pierian.test/answered")
    assert tab.locator("#sidebar").is_hidden()
    tab.click(".bar-menu")
    assert tab.evaluate("document.getElementById('sidebar').contains(document.activeElement)")
    tab.keyboard.press("Escape")
    assert tab.evaluate("document.activeElement.classList.contains('bar-menu')")
    tab.close()


def test_a_hostile_page_runs_nothing(browser: Any) -> None:
    tab, _ = opened(browser, 1280)
    dialogs: list[str] = []
    tab.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    tab.goto("http://pierian.test/hostile")
    assert HOSTILE in tab.locator("[data-question]").inner_text()
    assert dialogs == []
    tab.close()
