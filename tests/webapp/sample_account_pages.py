"""The pages of accounts, schedules and the day brief in every state worth looking at, for `sample_pages`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from pierian.webapp.accounts import CheckLine
from pierian.webapp.fields import Filled
from pierian.webapp.forms import Form
from pierian.webapp.rendering import page
from pierian.webapp.texts import text

NOW = datetime.now(UTC)
CHECKS = [
    CheckLine("calendars", "signed in; 4 calendars", works=True, hint=""),
    CheckLine("sending mail", "smtp.example.org:465 does not accept this user name and password.", works=False, hint="Many providers want an app password."),
]  # fmt: skip


def account_pages(
    layout: Callable[[str], dict[str, Any]], modes: Sequence[Any], hostile: str
) -> Mapping[str, Callable[[], str]]:
    """The pages by their names."""

    def switches(*on: str, names: Sequence[str] = ("read", "write", "send", "free_busy_only")) -> list[Any]:
        return [SimpleNamespace(name=name, on=name in on) for name in names]

    def account(number: int, **more: Any) -> SimpleNamespace:
        values: dict[str, Any] = {
            "id": f"a{number}", "name": "work", "kind": text("accounts.kind.caldav"), "icon": "calendar", "address": "ann@example.org",
            "places": ["calendars: cal.example.org"], "state": "fine", "synced": NOW - timedelta(minutes=4), "problem": "", "hint": "",
            "retry_minutes": 0, "switches": switches("read", "write"), "consents": [], "checks": [],
        }  # fmt: skip
        return SimpleNamespace(**values | more)

    failing = account(
        2,
        name="mail",
        kind=text("accounts.kind.imap"),
        icon="mail",
        state="failed",
        synced=NOW - timedelta(hours=7),
        problem="imap.example.org:993 does not accept this user name and password.",
        hint="Many providers want a password made for this program (an app password), not the one of their pages.",
        retry_minutes=38,
        switches=switches("read", names=("read", "write", "send")),
        checks=CHECKS,
    )
    consented = account(
        3,
        name=hostile[:20],
        kind=text("accounts.kind.google"),
        address=hostile,
        state="syncing",
        consents=["openid", "https://www.googleapis.com/auth/calendar"],
    )
    rows = [
        account(1),
        failing,
        consented,
        account(4, name="holidays", kind=text("accounts.kind.ics"), icon="file", state="new", synced=None, switches=switches("read", names=("read", "free_busy_only"))),
        account(5, name="notes", kind=text("accounts.kind.mcp"), icon="tools", state="", synced=None, places=[], switches=[]),
    ]  # fmt: skip

    def accounts(**more: Any) -> str:
        given: dict[str, Any] = {
            "accounts": rows, "syncing": True, "minutes": 10, "done": "", "said": "", "error": "", "hint": "", "links": True,
        }  # fmt: skip
        return page("accounts.html", **layout("accounts") | given | more)

    def link(kind: str, **more: Any) -> str:
        names = {"caldav": ["write", "send", "free_busy_only"], "imap": ["write", "send"], "carddav": [], "ics": ["free_busy_only"]}  # fmt: skip
        given: dict[str, Any] = {
            "kind": kind, "kinds": ["caldav", "carddav", "imap", "ics"], "step": "server", "filled": Filled(), "note": "", "foreign": "",
            "checks": [], "switches": names[kind], "securities": ["tls", "starttls", "none"],
        }  # fmt: skip
        return page("account_link.html", **layout("accounts") | given | more)

    def schedule(number: int, **more: Any) -> SimpleNamespace:
        values: dict[str, Any] = {
            "id": f"s{number}", "short_id": f"s{number}", "what": "Day brief", "brief": True, "when": "At 07:30 on Monday through Friday",
            "zone": "Europe/Berlin", "paused": False, "over": False, "next": "Mon 30 Nov, 07:30", "last": NOW - timedelta(days=1),
            "late": "", "missed": "", "state": "done", "conversation": "c1",
        }  # fmt: skip
        return SimpleNamespace(**values | more)

    def schedules(listed: bool = True, filled: Filled | None = None) -> str:
        found = [
            schedule(1, late="3 hours"),
            schedule(2, what=hostile, brief=False, missed="Sat 28 Nov, 18:00", state="failed"),
            schedule(
                3, what="What should I read?", brief=False, paused=True, last=None, state="", conversation=""
            ),
            schedule(4, what="Once", brief=False, over=True, next=""),
        ]
        return page(
            "schedules.html",
            **layout("schedules"),
            schedules=found if listed else [],
            modes=modes,
            zone="Europe/Berlin",
            done="added" if listed else "",
            filled=filled or Filled(),
        )

    def today(**more: Any) -> str:
        def line(kind: str, time: str, words: str, *sources: str) -> SimpleNamespace:
            return SimpleNamespace(kind=kind, time=time, text=words, sources=sources or ("calendar:work",))

        def section(name: str, title: str, *lines: Any, more: str = "") -> SimpleNamespace:
            return SimpleNamespace(name=name, title=title, lines=lines, more=more)

        given: dict[str, Any] = {
            "day": "Saturday, 28 November 2026",
            "sections": [
                section("events", "Today", line("event", "09:00–09:45", "Stand-up"), line("event", "all day", hostile), more="and 3 more"),
                section("warnings", "Watch out", line("conflict", "11:30–12:00", "Quarterly review and Dentist overlap.", "calendar:home", "calendar:work/boss@example.org")),
                section("mail", "Waiting for your answer", line("mail", "", "Ann Smith: Dates for the workshop? — 20 hours ago", "mail:work/ann@example.com")),
                section("changes", "Changed since Friday", line("moved", "", "Moved: Budget, now Mon 30 Nov 14:00"), line("cancelled", "", "Cancelled: Interview"), line("new", "", "New: Team dinner")),
            ],
            "silence": "",
            "notes": ["home has never been synced: `pierian accounts sync home` does it."],
            "syncing": True,
        }  # fmt: skip
        return page("today.html", **layout("today") | given | more)

    typed = Form({"host": ["imap.example.org"], "username": [hostile], "smtp_port": ["x"], "write": ["yes"]})
    refused = "imap.example.org:993 does not accept this user name and password. Nothing was linked."
    return {
        "accounts": accounts,
        "accounts-none": lambda: accounts(accounts=[], syncing=False),
        "accounts-unlinked": lambda: accounts(
            accounts=rows[:1], syncing=False, done="unlinked", said="Your consent still stands at Google.", error="The consent for work does not cover this.", hint="Link it again."
        ),
        "account-link": lambda: link("caldav", step="address"),
        "account-link-server": lambda: link(
            "caldav", note="Fastmail wants an app password.", foreign="dav.hoster.example", filled=Filled(Form({"url": ["https://dav.hoster.example/"]}))
        ),
        "account-link-wrong": lambda: link("imap", filled=Filled(typed, {"password": refused, "smtp_port": "A port is a number."}, refused, "Try an app password."), checks=CHECKS),
        "account-link-file": lambda: link("ics"),
        "schedules": schedules,
        "schedules-none": lambda: schedules(listed=False),
        "schedules-wrong": lambda: schedules(filled=Filled(Form({"times": [hostile], "task": ["ask"]}), {"times": "These are no times.", "question": "There is no question."})),
        "today": today,
        "today-quiet": lambda: today(sections=[], silence="Nothing today: no events, no mail that waits, no changes.", notes=[], syncing=False),
        "today-unlinked": lambda: today(sections=[], notes=[], syncing=False, linked=False),
    }  # fmt: skip
