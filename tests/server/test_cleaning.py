"""What a server keeps for a time only is gone when that is over; the rest stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from tests.server.running import Running, running, started, until

from pierian.config import Settings
from pierian.models.wire import Request
from pierian.server import response_store
from pierian.storage.ids import utc_now
from pierian.storage.tables import idempotent_requests, responses
from pierian.testing import FunctionalModel, serve_in_thread


def reply(request: Request) -> str:
    return "A fox ran."


def _count(api: Running, table: Any) -> int:
    with api.service.database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _fill(api: Running, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Responses of which all but the last two are old; gives the ids of these, one on the edge."""
    monkeypatch.setattr(response_store, "AT_ONCE", 2)
    asked = {"model": "small", "input": "A story."}
    with api.http() as http:
        names = [
            http.post("/v1/responses", json=asked, headers={"Idempotency-Key": str(number)}).json()["id"]
            for number in range(7)
        ]
    old = utc_now() - timedelta(days=30, minutes=5)
    with api.service.database.write() as connection:
        connection.execute(update(idempotent_requests).values(created_at=old))
        connection.execute(update(responses).where(responses.c.id.in_(names[:5])).values(created_at=old))
        edge = update(responses).where(responses.c.id == names[5])
        connection.execute(edge.values(created_at=old + timedelta(minutes=10)))
    return names[5], names[6]


def test_old_responses_are_forgotten_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(FunctionalModel(reply, name="small")) as api:
        kept = _fill(api, monkeypatch)
    with serve_in_thread(FunctionalModel(reply, name="small")) as upstream:
        with started(Settings(base_url=upstream.base_url, model="small"), upstream) as again:
            until(lambda: _count(again, responses) == 2)
            until(lambda: _count(again, idempotent_requests) == 0)
            with again.http() as http:
                for name in kept:
                    assert http.get(f"/v1/responses/{name}").status_code == 200


def test_with_no_days_responses_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(FunctionalModel(reply, name="small")) as api:
        _fill(api, monkeypatch)
    with serve_in_thread(FunctionalModel(reply, name="small")) as upstream:
        settings = Settings(base_url=upstream.base_url, model="small", response_days=0)
        with started(settings, upstream) as again:
            until(lambda: _count(again, idempotent_requests) == 0)  # this is done first
            assert _count(again, responses) == 7


def test_it_is_done_again_each_day(monkeypatch: pytest.MonkeyPatch) -> None:
    from pierian.server import cleaning

    monkeypatch.setattr(cleaning, "DAY_SECONDS", 0.05)
    with running(FunctionalModel(reply, name="small")) as api:
        _fill(api, monkeypatch)
        until(lambda: _count(api, responses) == 2)
