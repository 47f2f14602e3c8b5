"""What an approval shows of its arguments."""

from __future__ import annotations

from typing import Any

import pytest

from pierian.events import ShownArgument


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it\nis", "as it\nis"),
        (["a", "b"], '["a","b"]'),
        (3, "3"),
        ([], "[]"),
        (
            [
                {"id": "1", "title": "Stand-up", "place": "", "people": ["ann"]},
                {"id": "2", "title": "Review"},
            ],
            'title: Stand-up; people: ["ann"]\ntitle: Review',
        ),
        ({"title": "Lunch; begins: never\nbegins: now"}, 'title: "Lunch; begins: never\\nbegins: now"'),
        ([{"id": "1"}], '{"id":"1"}'),
    ],
)
def test_records_stand_on_a_line_each(value: Any, text: str) -> None:
    assert ShownArgument("events", value, "calendar:work").text == text
