"""Every page of the web app in every state worth looking at, from made-up values: for tests and screenshots.

`PAGES` has them by name; nothing here needs a server. What the pages say is long, mathematical, hostile or missing on
purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from tests.webapp.sample_account_pages import account_pages

from pierian.webapp.fields import Filled
from pierian.webapp.forms import Form
from pierian.webapp.rendering import page
from pierian.webapp.texts import text
from pierian.webapp.views import (
    ApprovalView,
    ArgumentView,
    AttachmentView,
    CheckView,
    ConversationLine,
    DraftView,
    Person,
    Progress,
    ReceiptView,
    StepView,
    TurnView,
)

NOW = datetime.now(UTC)
ANN = Person(id="u1", name="Ann", role="owner", administers=True, owns=True)
MODES = [
    SimpleNamespace(value=mode, label=text(f"mode.{mode}"), description=text(f"mode.{mode}.description"))
    for mode in ("auto", "instant", "thinking", "contemplating")
]
HOSTILE = '<img src=x onerror=alert(1)>"\'<script>alert(2)</script> style="x" {{ 7*7 }}'

LONG_ANSWER = r"""The train was moving for **2 hours and 28 minutes**.

From 14:35 to 17:12 are 157 minutes. It stood for 9 of them, so it moved for $157 - 9 = 148$ minutes, which is

$$148 = 2 \cdot 60 + 28.$$

### If you want the average speed

With a distance $d$ in kilometres, the average while moving is $\bar v = \frac{60\,d}{148}$ km/h:

| Distance | While moving | With the stop |
|---|--:|--:|
| 150 km | 60.8 km/h | 57.3 km/h |
| 220 km | 89.2 km/h | 84.1 km/h |
| 310 km | 125.7 km/h | 118.5 km/h |

The same as a function, which you can keep:

```python
from datetime import datetime


def moving(start: str, end: str, stopped: int = 0) -> int:
    '''Minutes between two times of one day, without those that it stood.'''
    first, last = (datetime.strptime(time, "%H:%M") for time in (start, end))
    return int((last - first).total_seconds() // 60) - stopped  # whole minutes
```

1. Times are of one day; a train over midnight needs a date.
2. A stop counts whole, also where it is *scheduled* shorter.

> A timetable says when a train should move. The receipt below says what was checked.
"""

SVG_ANSWER = """Here is the drawing.

```svg
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 60"><circle cx="50" cy="30" r="20" fill="teal"/></svg>
```

Its circle stands in the middle; change `r` to make it larger.
"""


def receipt(**changes: Any) -> ReceiptView:
    values: dict[str, Any] = {
        "mode": "auto",
        "model": "qwen2.5-coder-1.5b-instruct",
        "took": "thinking",
        "tokens": 412,
        "prompt_tokens": 1_310,
        "cached_tokens": 1_204,
        "seconds": 9.1,
        "tokens_per_second": 45.4,
        "money": 0.0,
        "agreeing": 2,
        "checks": (
            CheckView(0, "arithmetic", "passed", "157 - 9 = 148"),
            CheckView(1, "program", "passed", "A program gave the same value: 148", "start = 14*60+35\nend = 17*60+12\nend - start - 9"),
            CheckView(2, "plausibility", "passed", "The answer uses every number of the question."),
            CheckView(3, "arithmetic", "corrected", "2 · 60 + 28 is 148, not 158: corrected."),
        ),
    }  # fmt: skip
    return ReceiptView(**values | changes)


def user(position: int, words: str, **more: Any) -> TurnView:
    return TurnView(position, "user", words, NOW - timedelta(minutes=9), **more)


def answer(position: int, words: str = "", progress: Progress | None = None, **more: Any) -> TurnView:
    return TurnView(position, "assistant", words, NOW, run="r1", progress=progress or Progress(), **more)


QUESTION = "A train leaves at 14:35 and arrives at 17:12 after a stop of 9 minutes. For how long did it move, and how fast was it?"
DONE = answer(
    1,
    LONG_ANSWER,
    Progress(
        state="done",
        mode="thinking",
        reason="It asks for a number that can be computed.",
        thoughts="First the time from start to end, then without the stop.\n\n$17{:}12 - 14{:}35 = 157$ minutes.",
        notes=("2 · 60 + 28 is 148, not 158: corrected.",),
        answer=LONG_ANSWER,
        receipt=receipt(note="The distance is not given; the speeds are examples."),
    ),
    versions=(1, 5),
)
STREAMING = answer(
    1,
    "",
    Progress(
        state="working",
        status="Writing",
        mode="thinking",
        reason="It asks for a number that can be computed.",
        thoughts="First the time from start to end.",
        answer=LONG_ANSWER[:330],
    ),
)
APPROACHES = (
    "step by step",
    "by a program",
    "by estimate",
    "backwards",
    "by units",
    "by cases",
    "by example",
    "sceptic",
)
DRAFTS = tuple(
    DraftView(
        number,
        approach,
        "working" if number % 3 else "finished",
        "" if number % 3 else "148",
        90 + 31 * number,
        f"Let me take the times apart. {'The train leaves at 14:35 and arrives at 17:12. ' * (number % 3 + 2)}So it moved for 148 minutes.",
    )
    for number, approach in enumerate(APPROACHES, 1)
)
CONTEMPLATING = answer(
    1, "", Progress(state="working", status="5 of 8 drafts", mode="contemplating", drafts=DRAFTS, merging="")
)
OUTCOMES = ("agreed", "agreed", "differed", "revised", "no value", "merged", "cut off", "failed")
CONTEMPLATED = answer(
    1,
    LONG_ANSWER,
    Progress(
        state="done",
        mode="contemplating",
        answer=LONG_ANSWER,
        drafts=tuple(
            DraftView(draft.number, draft.approach, outcome, "148" if outcome == "agreed" else "", draft.tokens)
            for draft, outcome in zip(DRAFTS, OUTCOMES, strict=True)
        ),
        receipt=receipt(
            mode="contemplating",
            took="",
            tokens=3_918,
            seconds=84.2,
            agreeing=5,
            money=0.0031,
            drafts=tuple(
                DraftView(draft.number, draft.approach, outcome, "148", draft.tokens)
                for draft, outcome in zip(DRAFTS, OUTCOMES, strict=True)
            ),
            stopped="Five drafts agreed; the others could not have changed the outcome.",
            checks=(CheckView(0, "agreement", "passed", "5 of 8 drafts came to 148"), CheckView(1, "program", "failed", "A program gave 157", "157"), CheckView(2, "program", "unusable", "A program failed: division by zero", "1/0")),
        ),
    ),
)  # fmt: skip
APPROVAL = ApprovalView(
    "a1",
    "mail.send",
    "send",
    "Sending leaves this machine, and the text rests on a mail that was read.",
    (
        ArgumentView("to", "bo@example.org", "your contacts"),
        ArgumentView("subject", "Friday at the station", "your own words"),
        ArgumentView("body", "Dear Bo,\n\nmy train arrives at 17:12. See you at the clock.\n\nAnn", "the answer of step 2, which read mail 14 (untrusted)"),
    ),
)  # fmt: skip
STEPS = (
    StepView("1", "Find the mail in which Bo proposes a time", "done", source="mail.search", tokens=210),
    StepView("2", "Write a reply with the time of arrival", "working", tokens=96),
    StepView("2.1", "Read the timetable of Friday", "confirmed", depth=1, source="calendar, read back"),
    StepView(
        "2.2",
        "Ask for the platform",
        "tool_failed",
        depth=1,
        message="The station's page did not answer in 20 s.",
    ),
    StepView("2.2.1", "Look it up in the last ticket", "skipped", depth=2),
    StepView("3", "Send the reply", "waiting", approval=APPROVAL),
    StepView("4", "Put the meeting into the calendar", "planned"),
)
PLANNING = answer(
    1, "", Progress(state="waiting", status="Waiting for your approval", mode="thinking", steps=STEPS)
)
FAILED = answer(
    1, "", Progress(state="failed", error="The model server stopped in the middle of the answer.", hint="It is being started again; try once more in a moment.", mode="thinking")
)  # fmt: skip
CUT_SHORT = answer(
    1,
    "The first two ways are insulation and a heat pump",
    Progress(
        state="stopped",
        mode="thinking",
        answer="The first two ways are insulation and a heat pump",
        receipt=receipt(cut_short="Cut short: the budget of 400 tokens is used up.", checks=(), agreeing=1),
    ),
)
LOST = answer(3, "", Progress(state="lost"))
LINES = [
    ConversationLine("c1", "Train times and how fast it went", NOW - timedelta(minutes=3), 2, answering=True),
    ConversationLine("c2", "Heating an old brick house", NOW - timedelta(hours=2), 8),
    ConversationLine(
        "c3", "Merging overlapping intervals in Python with tests and benchmarks", NOW - timedelta(days=2), 14
    ),
    ConversationLine("c4", HOSTILE, NOW - timedelta(days=3), 2),
    ConversationLine("c5", "Names for a sailing boat", NOW - timedelta(days=12), 31),
    ConversationLine("c6", "", NOW - timedelta(days=200), 2),
]
FILES = (
    AttachmentView("f1", "timetable.csv", "text/plain", 18_240),
    AttachmentView("f2", HOSTILE, "text/plain", 7),
)


def layout(current: str = "", **more: Any) -> dict[str, Any]:
    linked = current in ("accounts", "schedules", "today")
    around = {"person": ANN, "signs_in": True, "conversations": LINES, "current": current, "linked": linked}
    return around | more


def conversation(*turns: TurnView, **more: Any) -> str:
    values = {
        "conversation": {"id": "c1", "title": LINES[0].title},
        "share": None,
        "turns": list(turns),
        "earlier": None,
        "later": None,
        "newest": [],
        "last": turns[-1] if turns else None,
        "modes": MODES,
        "mode": "auto",
        "tools": ["calendar.read", "mail.search", "mail.send", "notes.write"],
        "attachments": [],
        "listed": 0,
    }
    return page("conversation.html", **layout("c1") | values | more)


def empty_conversation() -> str:
    return conversation(conversation={"id": "", "title": ""}, current="", attachments=[])


def usage(per_day: bool = True) -> str:
    days = [
        SimpleNamespace(
            date=date(2026, 10, 26) + timedelta(days=n),
            tokens={
                "instant": 400 * (n * 7 % 5),
                "thinking": 2_300 * (n * 5 % 4),
                "contemplating": 6_100 * (n * 3 % 7 == 2),
                "auto": 900 * (n % 3),
                "models": 700 * (n % 5 == 1),
            },
            requests=(n * 7 % 11) * (n % 6 > 0),
            money=0.013 * (n * 7 % 11),
        )
        for n in range(30)
    ]
    totals = {"tokens": 184_320, "requests": 143, "money": 1.87}
    by_key = [
        SimpleNamespace(name="Editor", user_name="Ann", requests=130, tokens=180_000, money=1.8),
        SimpleNamespace(name=HOSTILE, user_name="", requests=13, tokens=4_320, money=0.07),
    ]
    totals, by_key = (totals, by_key) if per_day else (dict.fromkeys(totals, 0), [])
    return page(
        "usage.html",
        **layout("usage"),
        days=30,
        per_day=days,
        series=["instant", "thinking", "contemplating", "auto", "models"],
        by_key=by_key,
        totals=totals,
        conversation_count=38,
        several=True,
        everyone=True,
    )


def keys(secret: str = "", listed: bool = True, makes: bool = True, filled: Filled | None = None) -> str:
    def key(number: int, **more: Any) -> SimpleNamespace:
        values = {
            "id": f"k{number}", "name": "Editor on the laptop", "shown": "pier_8fK2", "user_name": "Ann", "state": "active",
            "created_at": NOW - timedelta(days=40), "last_used_at": NOW - timedelta(hours=5), "requests_today": 82,
            "limits": ["30 requests a minute"], "web": False, "changes": True,
            "caps": [SimpleNamespace(words="0.17 of 0.50 used today", share=0.34), SimpleNamespace(words="5.00 of 5.00 used this month", share=1.0)],
        }  # fmt: skip
        return SimpleNamespace(**values | more)

    rows = [
        key(1),
        key(2, name=HOSTILE, last_used_at=None, limits=[], caps=[]),
        key(4, name="web", user_name="Bo", web=True),
    ]
    users = [SimpleNamespace(id="u1", name="Ann"), SimpleNamespace(id="u2", name="Bo")]
    return page(
        "keys.html",
        **layout("keys"),
        keys=rows if listed else [],
        ended=[key(3, name=HOSTILE, state="revoked")] if listed else [],
        secret=secret,
        secret_name="Editor on the laptop",
        modes=MODES,
        users=users if makes else [],
        makes=makes,
        named=True,
        filled=filled or Filled(),
    )


WRONG = {
    "modes": "Nothing is allowed yet. Tick a mode, or name a model.",
    "requests_per_minute": "'many' is not a number of requests. Leave it empty for no limit.",
    "days": "'<b>' is not a number of days. Leave it empty for no limit.",
}
TYPED = Filled(Form({"name": [HOSTILE], "requests_per_minute": ["many"], "days": ["<b>"]}), WRONG)


def people(link: str = "", filled: Filled | None = None) -> str:
    def one(number: int, name: str, **more: Any) -> SimpleNamespace:
        values = {
            "id": f"u{number}", "name": name, "role": "member", "created_at": NOW, "seen": NOW - timedelta(days=3),
            "disabled": False, "changes": True, "tokens_month": 4_100,
        }  # fmt: skip
        return SimpleNamespace(**values | more)

    def invite(number: int, state: str, **more: Any) -> SimpleNamespace:
        values = {
            "id": f"i{number}", "role": "member", "expires_at": NOW + timedelta(days=5), "state": state, "used_by": "",
            "limits": [],
        }  # fmt: skip
        return SimpleNamespace(**values | more)

    rows = [
        one(1, "Ann", role="owner", changes=False, seen=NOW),
        one(2, HOSTILE),
        one(3, "Cy", seen=None, disabled=True, tokens_month=0),
    ]
    return page(
        "people.html",
        **layout("people"),
        people=rows,
        invites=[invite(1, "open", limits=["Instant", "0.50 a day"])],
        ended=[invite(2, "used", used_by="Bo"), invite(3, "revoked")],
        roles=["member", "administrator"],
        modes=MODES,
        link=link,
        link_for="",
        filled=filled or Filled(),
    )


def runs(any_runs: bool = True) -> str:
    def run(number: int, state: str, **more: Any) -> SimpleNamespace:
        values = {
            "id": f"r{number}", "what": QUESTION, "state": state, "mode": "thinking", "conversation": "c1",
            "started": NOW - timedelta(minutes=4 * number),
        }  # fmt: skip
        return SimpleNamespace(**values | more)

    running = [run(1, "running"), run(2, "waiting", mode="contemplating")]
    past = [
        run(3, "done", conversation=""),
        run(4, "failed"),
        run(5, "cancelled", mode="instant"),
    ]
    return page(
        "runs.html", **layout("runs"), running=running if any_runs else [], past=past if any_runs else []
    )


def settings(**more: Any) -> str:
    values = {
        "instructions": "I am a carpenter in Leeds.",
        "mode": "auto",
        "theme": "system",
        "budget_tokens": "4000",
        "budget_seconds": "",
    }
    sessions = [
        SimpleNamespace(id="s1", device="Firefox on Linux", seen=NOW, current=True),
        SimpleNamespace(id="s2", device="Safari on iPhone", seen=NOW - timedelta(days=2), current=False),
    ]
    given = {
        "modes": MODES,
        "settings": values,
        "sessions": sessions,
        "saved": "",
        "filled": Filled(),
        "passwords": {},
    }
    return page("settings.html", **layout("settings") | given | more)


def search(words: str, found: bool = True) -> str:
    result = SimpleNamespace(
        shown=True, conversation="c2", title="Heating an old brick house", position=3, role="assistant", at=NOW - timedelta(days=1),
        excerpt=[("… a ", False), ("heat", True), (" pump in an old ", False), ("house", True), (" needs larger radiators, or warmer water and a poorer yield …", False)],
    )  # fmt: skip
    other = SimpleNamespace(**vars(result) | {"shown": False})
    return page(
        "search.html", **layout("search"), words=words, results=[result, result, other] if found else []
    )


PAGES_OF_ACCOUNTS = account_pages(layout, MODES, HOSTILE)
ENTRANCE = {"person": None, "error": "", "hint": ""}
PAGES: dict[str, Callable[[], str]] = {
    "empty": empty_conversation,
    "answered": lambda: conversation(user(0, QUESTION, attachments=FILES, versions=(0, 4)), DONE),
    "streaming": lambda: conversation(user(0, QUESTION), STREAMING),
    "contemplating": lambda: conversation(user(0, QUESTION), CONTEMPLATING),
    "contemplated": lambda: conversation(user(0, QUESTION), CONTEMPLATED),
    "approval": lambda: conversation(user(0, "Tell Bo when my train arrives, and put it into the calendar."), PLANNING),
    "failed": lambda: conversation(user(0, QUESTION), FAILED, user(2, "And now?"), LOST),
    "cut-short": lambda: conversation(user(0, "Compare three ways to heat an old house."), CUT_SHORT),
    "artifact": lambda: conversation(user(0, "Draw a circle."), answer(1, SVG_ANSWER), attachments=list(FILES)),
    "hostile": lambda: conversation(
        user(0, HOSTILE),
        answer(1, HOSTILE, Progress(answer=HOSTILE, notes=(HOSTILE,), receipt=receipt(note=HOSTILE, model=HOSTILE))),
        conversation={"id": "c4", "title": HOSTILE},
    ),
    "search": lambda: search("heat house"),
    "search-nothing": lambda: search(HOSTILE, found=False),
    "runs": runs,
    "runs-none": lambda: runs(any_runs=False),
    "settings": settings,
    "settings-wrong": lambda: settings(filled=Filled(Form({}), {"instructions": "Too long.", "budget_tokens": "'x' is not a number."})),
    "settings-password": lambda: settings(passwords={"current": "This is not your current password."}),
    "settings-saved": lambda: settings(saved="password"),
    "settings-keyless": lambda: settings(signs_in=False, sessions=[]),
    "keys": keys,
    "keys-secret": lambda: keys(secret="pier_8fK2mQ7vT1xZ9cB4nL6pR3sW5yD0hJ"),
    "keys-none": lambda: keys(listed=False),
    "keys-member": lambda: keys(listed=False, makes=False),
    "keys-wrong": lambda: keys(filled=TYPED),
    "people": people,
    "people-wrong": lambda: people(filled=TYPED),
    "people-invited": lambda: people(link="http://127.0.0.1:8745/join/7Hq2"),
    "usage": usage,
    "usage-none": lambda: usage(per_day=False),
    "shared": lambda: page(
        "shared.html", title="Train times", stood_at=NOW, turns=[user(0, QUESTION, attachments=FILES), DONE]
    ),
    "sign-in": lambda: page("sign_in.html", **ENTRANCE, name="", next="/"),
    "sign-in-wrong": lambda: page(
        "sign_in.html", **ENTRANCE | {"error": "Name or password is wrong."}, name=HOSTILE, next="/usage"
    ),
    "welcome": lambda: page("welcome.html", **ENTRANCE, code="c0de", name="Ann", whom="owner"),
    "welcome-new": lambda: page("welcome.html", **ENTRANCE, code="c0de", name="Ann", whom="new"),
    "welcome-back": lambda: page("welcome.html", **ENTRANCE, code="c0de", name="Ann", whom="here"),
    "join": lambda: page("join.html", **ENTRANCE, code="c0de", name=""),
    "message": lambda: page(
        "message.html", status=404, title="There is no such conversation", words="It may have been deleted.", action="/"
    ),
    "offline": lambda: page("offline.html"),
    **PAGES_OF_ACCOUNTS,
}  # fmt: skip
