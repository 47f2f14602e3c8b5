"""`pierian serve` carries out what is scheduled: briefs and questions, each once, seen in the conversations."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import update
from tests.server.running import started, until

from pierian.config import Settings
from pierian.runs import Journal
from pierian.schedules import Question, Schedules, scheduler
from pierian.storage import Conversations, Database
from pierian.storage.tables import schedules
from pierian.testing import FunctionalModel, serve_in_thread
from pierian.webapp.application import Pages


def due(database: Database) -> None:
    """What is scheduled has become due."""
    with database.write() as connection:
        connection.execute(update(schedules).values(next_at=datetime(2026, 1, 1, tzinfo=UTC)))


def test_two_servers_do_what_is_due_once(monkeypatch) -> None:
    monkeypatch.setattr(scheduler, "LOOK_SECONDS", 0.1)
    model = FunctionalModel(lambda request: "A fox runs over the hill.", name="small")
    with serve_in_thread(model) as upstream:
        settings = Settings(base_url=upstream.base_url, model="small")
        with (
            started(settings, upstream, keyless=True, pages=Pages) as one,
            started(settings, upstream, pages=Pages),
        ):
            database = one.service.database
            found = Schedules(database)
            found.add("every day 7:30", "UTC", "brief")
            found.add(
                "every day 7:30",
                "UTC",
                "ask",
                Question(text="Tell me about foxes.", mode="instant", tools=()),
            )
            due(database)
            store = Conversations(database)

            def answers() -> list[str]:
                return sorted(
                    turn.text for each in store.list() for turn in store.get(each.id).turns if turn.text
                )

            until(lambda: len(answers()) == 4, 30)
            assert answers()[0].startswith("**")
            assert answers()[1:] == ["A fox runs over the hill.", "Day brief", "Tell me about foxes."]
            assert {run.state for run in Journal(database).list()} == {"done"}
            assert len(Journal(database).list()) == 2
            with one.http("") as browser:
                for each in store.list():
                    page = browser.get(f"/conversations/{each.id}", headers={"accept": "text/html"})
                    assert page.status_code == 200
                    assert each.title in page.text and (
                        "fox" in page.text or "No account is linked" in page.text
                    )
                assert browser.get("/runs", headers={"accept": "text/html"}).status_code == 200
                brief = next(each for each in store.list() if each.title == "Day brief")
                again = browser.post(
                    f"/conversations/{brief.id}/turns/1/retry", headers={"sec-fetch-site": "same-origin"}
                )
                assert again.status_code == 400 and "made at its time" in again.text
                assert len(store.get(brief.id).turns) == 2
