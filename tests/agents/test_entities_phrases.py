"""The table that the finder of entities was chosen by: phrases, and what a careful person reads in them.

It is Tuesday 24 November 2026, ten in the morning in Berlin. Every expected value was worked out with a calendar on
paper, not with the code. Where English leaves a choice, the table shows the convention that the modules state.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pierian.agents.entities import find_entities

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Berlin"))

Expected = tuple[str, str, Any]


def span(start: str, end: str) -> dict[str, str]:
    return {"start": start, "end": end}


def money(amount: float, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def measure(amount: float, unit: str) -> dict[str, Any]:
    return {"amount": amount, "unit": unit}


DATES: list[tuple[str, list[Expected]]] = [
    ("Book it for 2026-12-07.", [("date", "2026-12-07", "2026-12-07")]),
    ("Dinner on 5 March", [("date", "5 March", "2027-03-05")]),
    ("Dinner on March 5th 2027, please", [("date", "March 5th 2027", "2027-03-05")]),
    ("Dinner on March 5, 2027", [("date", "March 5, 2027", "2027-03-05")]),
    ("Pay it by 3/4/2027", [("date", "3/4/2027", "2027-04-03")]),
    ("Pay it by 4/13/2027", [("date", "4/13/2027", "2027-04-13")]),
    ("Pay it by 13.01.2027.", [("date", "13.01.2027", "2027-01-13")]),
    ("Pay it on 3/4", [("date", "3/4", "2027-04-03")]),
    ("lunch Mon 7 Dec", [("date", "Mon 7 Dec", "2026-12-07")]),
    ("lunch on Sat, Dec. 5th", [("date", "Sat, Dec. 5th", "2026-12-05")]),
    ("the 5th of May would do", [("date", "the 5th of May", "2027-05-05")]),
    ("the twenty-first of May", [("date", "the twenty-first of May", "2027-05-21")]),
    ("Send it by the 5th.", [("date", "the 5th", "2026-12-05")]),
    ("the 5th of next month", [("date", "the 5th of next month", "2026-12-05")]),
    ("My birthday is 29 February", [("date", "29 February", "2028-02-29")]),
    ("It was on 1 November 2026", [("date", "1 November 2026", "2026-11-01")]),
    ("Find the mail from October 19", [("date", "October 19", "2026-10-19")]),
    ("the messages she sent me on 3 December", [("date", "3 December", "2025-12-03")]),
    ("Call her tomorrow", [("date", "tomorrow", "2026-11-25")]),
    ("the day after tomorrow", [("date", "the day after tomorrow", "2026-11-26")]),
    ("What did I eat yesterday?", [("date", "yesterday", "2026-11-23")]),
    ("the day before yesterday", [("date", "the day before yesterday", "2026-11-22")]),
    ("Remind me in three weeks", [("date", "in three weeks", "2026-12-15")]),
    ("Remind me in 3 months", [("date", "in 3 months", "2027-02-24")]),
    ("Remind me in a fortnight", [("date", "in a fortnight", "2026-12-08")]),
    ("I paid two days ago", [("date", "two days ago", "2026-11-22")]),
    ("a week from Friday", [("date", "a week from Friday", "2026-12-04")]),
    ("two days before Christmas", [("date", "two days before Christmas", "2026-12-23")]),
    ("the day after Easter", [("date", "the day after Easter", "2027-03-29")]),
    ("See you next Tuesday", [("date", "next Tuesday", "2026-12-01")]),
    ("See you next Friday", [("date", "next Friday", "2026-12-04")]),
    ("Move Friday's call", [("date", "Friday", "2026-11-27")]),
    ("the Friday after next", [("date", "the Friday after next", "2026-12-11")]),
    ("See you this Friday", [("date", "this Friday", "2026-11-27")]),
    ("See you on Friday", [("date", "Friday", "2026-11-27")]),
    ("See you on Fri", [("date", "Fri", "2026-11-27")]),
    ("We met last Friday", [("date", "last Friday", "2026-11-20")]),
    ("ill since Monday", [("date", "Monday", "2026-11-23")]),
    ("Monday next week", [("date", "Monday next week", "2026-11-30")]),
    ("the first Monday of December", [("date", "the first Monday of December", "2026-12-07")]),
    ("the last Friday of the month", [("date", "the last Friday of the month", "2026-11-27")]),
    ("by the end of the month", [("date", "the end of the month", "2026-11-30")]),
    ("at the start of next year", [("date", "the start of next year", "2027-01-01")]),
    ("What about Christmas?", [("date", "Christmas", "2026-12-25")]),
    ("a party on New Year's Eve", [("date", "New Year's Eve", "2026-12-31")]),
    ("a party on New Year’s Day 2028", [("date", "New Year’s Day 2028", "2028-01-01")]),
    ("Easter Monday with the family", [("date", "Easter Monday", "2027-03-29")]),
]

RANGES: list[tuple[str, list[Expected]]] = [
    ("What did I spend last month?", [("range", "last month", span("2026-10-01", "2026-10-31"))]),
    ("Plan next month", [("range", "next month", span("2026-12-01", "2026-12-31"))]),
    ("What is on this week?", [("range", "this week", span("2026-11-23", "2026-11-29"))]),
    ("the week after next", [("range", "the week after next", span("2026-12-07", "2026-12-13"))]),
    ("Plans for the weekend?", [("range", "the weekend", span("2026-11-28", "2026-11-29"))]),
    ("Cancel the next Year-End Review", []),
    ("Plans for next weekend?", [("range", "next weekend", span("2026-12-05", "2026-12-06"))]),
    (
        "in the second week of December",
        [("range", "the second week of December", span("2026-12-07", "2026-12-13"))],
    ),
    ("first week of next month", [("range", "first week of next month", span("2026-11-30", "2026-12-06"))]),
    ("the first week of August", [("range", "the first week of August", span("2027-08-02", "2027-08-08"))]),
    ("the last week of January", [("range", "the last week of January", span("2027-01-25", "2027-01-31"))]),
    (
        "the last three days of December",
        [("range", "the last three days of December", span("2026-12-29", "2026-12-31"))],
    ),
    (
        "from the 5th to the 9th of May",
        [("range", "from the 5th to the 9th of May", span("2027-05-05", "2027-05-09"))],
    ),
    (
        "away from Monday to Thursday",
        [("range", "from Monday to Thursday", span("2026-11-30", "2026-12-03"))],
    ),
    (
        "somewhere between 3 and 7 June",
        [("range", "between 3 and 7 June", span("2027-06-03", "2027-06-07"))],
    ),
    ("a room for 3–7 June 2028", [("range", "3–7 June 2028", span("2028-06-03", "2028-06-07"))]),
    ("a room for June 3-7", [("range", "June 3-7", span("2027-06-03", "2027-06-07"))]),
    (
        "28 December to 3 January",
        [("range", "28 December to 3 January", span("2026-12-28", "2027-01-03"))],
    ),
    (
        "from 1 November to 30 November",
        [("range", "from 1 November to 30 November", span("2026-11-01", "2026-11-30"))],
    ),
    ("from March to May", [("range", "from March to May", span("2027-03-01", "2027-05-31"))]),
    ("2026-12-07 to 2026-12-13", [("range", "2026-12-07 to 2026-12-13", span("2026-12-07", "2026-12-13"))]),
    ("We go in May.", [("range", "May", span("2027-05-01", "2027-05-31"))]),
    ("We go in December 2027.", [("range", "December 2027", span("2027-12-01", "2027-12-31"))]),
    ("We went last December.", [("range", "last December", span("2025-12-01", "2025-12-31"))]),
    ("sometime in late January", [("range", "late January", span("2027-01-21", "2027-01-31"))]),
    ("within the next 10 days", [("range", "the next 10 days", span("2026-11-24", "2026-12-04"))]),
    ("over the last two weeks", [("range", "the last two weeks", span("2026-11-10", "2026-11-24"))]),
    ("our goals for Q1 2027", [("range", "Q1 2027", span("2027-01-01", "2027-03-31"))]),
    ("the rest of the week", [("range", "the rest of the week", span("2026-11-24", "2026-11-29"))]),
    ("the week of 7 December", [("range", "the week of 7 December", span("2026-12-07", "2026-12-13"))]),
    ("next month's rent", [("range", "next month", span("2026-12-01", "2026-12-31"))]),
    ("the weekend of 5 December", [("range", "the weekend of 5 December", span("2026-12-05", "2026-12-06"))]),
    ("In 2028 we move", [("range", "2028", span("2028-01-01", "2028-12-31"))]),
]

TIMES: list[tuple[str, list[Expected]]] = [
    ("Wake me at 3pm", [("time", "3pm", "15:00")]),
    ("Wake me at 3 p.m.", [("time", "3 p.m.", "15:00")]),
    ("Wake me at 15:30", [("time", "15:30", "15:30")]),
    ("Wake me at 7", [("time", "7", "07:00")]),
    ("lunch at noon", [("time", "noon", "12:00")]),
    ("half past three", [("time", "half past three", "15:30")]),
    ("a quarter to five", [("time", "a quarter to five", "16:45")]),
    ("10 o'clock", [("time", "10 o'clock", "10:00")]),
    ("free between 9 and 11?", [("range", "between 9 and 11", span("09:00", "11:00"))]),
    ("from 9am to 5pm", [("range", "from 9am to 5pm", span("09:00", "17:00"))]),
    ("9-11am suits me", [("range", "9-11am", span("09:00", "11:00"))]),
    ("from 9 to 5", [("range", "from 9 to 5", span("09:00", "17:00"))]),
    ("tomorrow at 3pm", [("time", "tomorrow at 3pm", "2026-11-25T15:00:00+01:00")]),
    ("3pm on Friday", [("time", "3pm on Friday", "2026-11-27T15:00:00+01:00")]),
    ("on Friday, 15:30", [("time", "Friday, 15:30", "2026-11-27T15:30:00+01:00")]),
    ("5 July at 9:00", [("time", "5 July at 9:00", "2027-07-05T09:00:00+02:00")]),
    ("2026-12-07T15:30 sharp", [("time", "2026-12-07T15:30", "2026-12-07T15:30:00+01:00")]),
    ("2026-12-07 15:30Z", [("time", "2026-12-07 15:30Z", "2026-12-07T15:30:00+00:00")]),
    ("Friday at 15:30 UTC", [("time", "Friday at 15:30 UTC", "2026-11-27T15:30:00+00:00")]),
    ("tonight at 8", [("time", "tonight at 8", "2026-11-24T20:00:00+01:00")]),
    ("at 10 to 5", [("time", "10 to 5", "16:50")]),
    ("at half 7", [("time", "half 7", "07:30")]),
    ("last night", [("range", "last night", span("2026-11-23T18:00:00+01:00", "2026-11-24T00:00:00+01:00"))]),
    ("31 October 2027 at 2:30am", [("time", "31 October 2027 at 2:30am", "2027-10-31T02:30:00+02:00")]),
    ("tomorrow evening at 7", [("time", "tomorrow evening at 7", "2026-11-25T19:00:00+01:00")]),
    ("28 March 2027 at 2:30am", [("time", "28 March 2027 at 2:30am", "2027-03-28T03:30:00+02:00")]),
    (
        "Lunch with Bob tomorrow in the park at 1pm",
        [("date", "tomorrow", "2026-11-25"), ("time", "1pm", "2026-11-25T13:00:00+01:00")],
    ),
    (
        "Call Bob at 9 a.m. from the hotel tomorrow",
        [("time", "9 a.m.", "2026-11-25T09:00:00+01:00"), ("date", "tomorrow", "2026-11-25")],
    ),
    (
        "Cancel what I have on Friday before 2",
        [("range", "Friday before 2", span("2026-11-27T00:00:00+01:00", "2026-11-27T14:00:00+01:00"))],
    ),
    (
        "Who do I meet after 11:30 on Wednesday?",
        [
            (
                "range",
                "after 11:30 on Wednesday",
                span("2026-11-25T11:30:00+01:00", "2026-11-26T00:00:00+01:00"),
            )
        ],
    ),
    (
        "Find the mail from October 19 and plan a meeting at 1 with the sender for December 11",
        [
            ("date", "October 19", "2026-10-19"),
            ("time", "1", "2026-12-11T13:00:00+01:00"),
            ("date", "December 11", "2026-12-11"),
        ],
    ),
    ("Remind me in two hours", [("time", "in two hours", "2026-11-24T12:00:00+01:00")]),
    ("I left 20 minutes ago", [("time", "20 minutes ago", "2026-11-24T09:40:00+01:00")]),
    (
        "Friday between 9 and 11",
        [
            (
                "range",
                "Friday between 9 and 11",
                span("2026-11-27T09:00:00+01:00", "2026-11-27T11:00:00+01:00"),
            )
        ],
    ),
    (
        "tomorrow from 2 to 4pm",
        [("range", "tomorrow from 2 to 4pm", span("2026-11-25T14:00:00+01:00", "2026-11-25T16:00:00+01:00"))],
    ),
    (
        "tomorrow morning",
        [("range", "tomorrow morning", span("2026-11-25T06:00:00+01:00", "2026-11-25T12:00:00+01:00"))],
    ),
]

LENGTHS: list[tuple[str, list[Expected]]] = [
    ("a nap for an hour", [("duration", "an hour", "PT1H")]),
    ("45 minutes of running", [("duration", "45 minutes", "PT45M")]),
    ("a trip of three days", [("duration", "three days", "P3D")]),
    ("half an hour", [("duration", "half an hour", "PT30M")]),
    ("an hour and a half", [("duration", "an hour and a half", "PT1H30M")]),
    ("two and a half hours", [("duration", "two and a half hours", "PT2H30M")]),
    ("three-quarters of an hour", [("duration", "three-quarters of an hour", "PT45M")]),
    ("1h30 by train", [("duration", "1h30", "PT1H30M")]),
    ("2 hours and 10 minutes", [("duration", "2 hours and 10 minutes", "PT2H10M")]),
    ("a two-week break", [("duration", "two-week", "P14D")]),
]

AMOUNTS: list[tuple[str, list[Expected]]] = [
    ("It costs $20.", [("amount", "$20", money(20.0, "USD"))]),
    ("at most 20 euros", [("amount", "20 euros", money(20.0, "EUR"))]),
    ("pay EUR 1,200.50 now", [("amount", "EUR 1,200.50", money(1200.5, "EUR"))]),
    ("pay 1.200,50 € now", [("amount", "1.200,50 €", money(1200.5, "EUR"))]),
    ("pay 1.200 € now", [("amount", "1.200 €", money(1200.0, "EUR"))]),
    ("pay 1\u00a0200 € now", [("amount", "1\u00a0200 €", money(1200.0, "EUR"))]),
    ("under £3.5k", [("amount", "£3.5k", money(3500.0, "GBP"))]),
    ("two hundred and fifty dollars", [("amount", "two hundred and fifty dollars", money(250.0, "USD"))]),
    ("a budget of $2 million", [("amount", "$2 million", money(2000000.0, "USD"))]),
    ("CHF 1'000.-", [("amount", "CHF 1'000", money(1000.0, "CHF"))]),
    ("run 3 km", [("amount", "3 km", measure(3, "km"))]),
    ("run 2.5 miles", [("amount", "2.5 miles", measure(2.5, "mi"))]),
    ("it was -5 °C", [("amount", "-5 °C", measure(-5, "°C"))]),
    ("tip 15%", [("amount", "15%", measure(15, "%"))]),
    ("a flat of 80 m²", [("amount", "80 m²", measure(80, "m²"))]),
    ("a hotel for 3 nights", [("amount", "3 nights", measure(3, "night"))]),
]

PLAIN: list[tuple[str, list[Expected]]] = [
    (
        "Write to anna.lee+x@example.co.uk.",
        [("email", "anna.lee+x@example.co.uk", "anna.lee+x@example.co.uk")],
    ),
    (
        "See https://example.org/a_(b)?q=1#top).",
        [("url", "https://example.org/a_(b)?q=1#top", "https://example.org/a_(b)?q=1#top")],
    ),
    ("See www.example.org, please", [("url", "www.example.org", "https://www.example.org")]),
    ("See example.com/help", [("url", "example.com/help", "https://example.com/help")]),
    ("Call +49 30 1234567.", [("phone", "+49 30 1234567", "+49301234567")]),
    ("Call (555) 123-4567", [("phone", "(555) 123-4567", "5551234567")]),
    ("Call 0171 2345678", [("phone", "0171 2345678", "01712345678")]),
    ("Read ~/notes/todo please", [("file", "~/notes/todo", "~/notes/todo")]),
    ("Read /a/b.txt.", [("file", "/a/b.txt", "/a/b.txt")]),
    ("Sum up report.pdf", [("file", "report.pdf", "report.pdf")]),
    ('Sum up "My report 2.pdf"', [("file", '"My report 2.pdf"', "My report 2.pdf")]),
    ("Open C:\\Users\\me\\a.docx", [("file", "C:\\Users\\me\\a.docx", "C:\\Users\\me\\a.docx")]),
    ('Title it "Plans for May"', [("quote", '"Plans for May"', "Plans for May")]),
    ("Title it 'don't panic'", [("quote", "'don't panic'", "don't panic")]),
    (
        "Write 'the task 'Draw a logo' is done, I'll rest' and title it 'Done'",
        [
            (
                "quote",
                "'the task 'Draw a logo' is done, I'll rest'",
                "the task 'Draw a logo' is done, I'll rest",
            ),
            ("quote", "'Done'", "Done"),
        ],
    ),
    ("Write 'as in 'tis' and go", [("quote", "'as in 'tis'", "as in 'tis")]),
    ("Title it “Plans”, not «Pläne»", [("quote", "“Plans”", "Plans"), ("quote", "«Pläne»", "Pläne")]),
    ("three ideas", [("number", "three", 3)]),
    ("a dozen eggs", [("number", "a dozen", 12)]),
    ("twenty-five people", [("number", "twenty-five", 25)]),
    ("1½ of it", [("number", "1½", 1.5)]),
    ("a hundred and fifty", [("number", "a hundred and fifty", 150)]),
    ("1,200 words", [("number", "1,200", 1200)]),
    ("add 2.75", [("number", "2.75", 2.75)]),
    ("3/4 of it", [("number", "3/4", 0.75)]),
    ("half a dozen", [("number", "half a dozen", 6)]),
]

NOTHING: list[str] = [
    "You may march on, he sat in the sun and will wed her",
    "On second thought, a second opinion is the first thing to get",
    "I am sure that Mark is in the mar",
    "Upgrade to version 2.10 or v1.2.3, build 10.4.1.22",
    "The router is at 192.168.1.1 and fe80::1",
    "We won 3-2, the ratio was 16:9",
    "Take flight LH-123 or print it on A4",
    "once a day, twice a week, no one knows",
    "e.g. and/or etc.",
    "Open 24/7",
    "",
]

MIXED: list[tuple[str, list[Expected]]] = [
    ("What did I spend in October?", [("range", "October", span("2026-10-01", "2026-10-31"))]),
    ("Where did I go on Friday?", [("date", "Friday", "2026-11-20")]),
    (
        "there on the 3rd of January, back on the 6th",
        [("date", "the 3rd of January", "2027-01-03"), ("date", "the 6th", "2027-01-06")],
    ),
    ("20 to 30 euros", [("amount", "20", money(20.0, "EUR")), ("amount", "30 euros", money(30.0, "EUR"))]),
    ("$5-10", [("amount", "$5", money(5.0, "USD")), ("amount", "10", money(10.0, "USD"))]),
    ("every Monday at 9", [("time", "9", "09:00")]),
    ("the file 'final (v2).docx'", [("file", "'final (v2).docx'", "final (v2).docx")]),
    ('send it to "bob@example.org"', [("email", '"bob@example.org"', "bob@example.org")]),
    (
        "Room 007, order 1234567890123456789",
        [("number", "007", "007"), ("number", "1234567890123456789", "1234567890123456789")],
    ),
    (
        "On May 3 you may march 10 miles",
        [("date", "May 3", "2027-05-03"), ("amount", "10 miles", measure(10, "mi"))],
    ),
    ("Lunch for 2 at 12:30", [("number", "2", 2), ("time", "12:30", "12:30")]),
    ("30 February", [("number", "30", 30), ("range", "February", span("2027-02-01", "2027-02-28"))]),
    ("between 9 and 11 people", [("number", "9", 9), ("number", "11", 11)]),
    ("pick a number between 1 and 10", [("number", "1", 1), ("number", "10", 10)]),
    (
        "Find a flight under 300 € from Berlin in the second week of December for 2 people",
        [
            ("amount", "300 €", money(300.0, "EUR")),
            ("range", "the second week of December", span("2026-12-07", "2026-12-13")),
            ("number", "2", 2),
        ],
    ),
    (
        'Email bob@example.org tomorrow at 9 that "we meet on Friday" and attach ~/plan.pdf',
        [
            ("email", "bob@example.org", "bob@example.org"),
            ("time", "tomorrow at 9", "2026-11-25T09:00:00+01:00"),
            ("quote", '"we meet on Friday"', "we meet on Friday"),
            ("file", "~/plan.pdf", "~/plan.pdf"),
        ],
    ),
    (
        "15 minutes past the hour on the 5th floor",
        [("duration", "15 minutes", "PT15M")],
    ),
]

TABLE = [*DATES, *RANGES, *TIMES, *LENGTHS, *AMOUNTS, *PLAIN, *MIXED, *((text, []) for text in NOTHING)]


@pytest.mark.parametrize(("text", "expected"), TABLE, ids=[text[:40] or "empty" for text, _ in TABLE])
def test_phrase(text: str, expected: list[Expected]) -> None:
    found = find_entities(text, now=NOW)
    assert [(one.kind, one.text, one.value) for one in found if one.name != "today"] == expected
