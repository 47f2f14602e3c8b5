"""The English words that `entity_english` knows: months, days, units, words that tell of time."""

from __future__ import annotations

from pierian.agents.entity_calendar import Length

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
SHORT_WEEKDAYS = {"tue": 1, "tues": 1, "thu": 3, "thur": 3, "thurs": 3, "fri": 4}
DOUBTFUL_WEEKDAYS = {"mon": 0, "wed": 2, "weds": 2, "sat": 5, "sun": 6}
DOUBTFUL_MONTHS = {"may": 5, "march": 3, "mar": 3}
UNITS = {
    "seconds secs sec": Length(seconds=1),
    "minute minutes mins min": Length(seconds=60),
    "hour hours hrs hr": Length(seconds=3600),
    "day days": Length(days=1),
    "week weeks": Length(days=7),
    "fortnight fortnights": Length(days=14),
    "month months": Length(months=1),
    "year years": Length(months=12),
}
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
MONEY_AFTER = {
    "euro euros eur": "EUR",
    "dollar dollars buck bucks usd": "USD",
    "pound pounds quid gbp": "GBP",
    "franc francs chf": "CHF",
    "yen jpy": "JPY",
    "yuan renminbi": "CNY",
    "rupee rupees": "INR",
}
PARTS = {"morning": (360, 720), "afternoon": (720, 1080), "evening": (1080, 1320), "night": (1200, 1440)}
CONNECTORS = frozenset(
    (
        "a about after again also am an and are around as at be because been before between but by can could did do "
        "does each either every for from has have he her his how i if in instead into is it its just let make may me "
        "must my next not of on only onto or our per please rather she should since so than thanks that the their "
        "them then there they this till to today together tomorrow tonight too until via was we were what when where "
        "which while who will with without would yesterday you your " + " ".join(WEEKDAYS)
    ).split()
)

PAST = frozenset({"did", "was", "were", "happened", "spent", "paid", "bought", "went", "ate", "met"})
AHEAD = frozenset(
    {"will", "would", "should", "can", "could", "plan", "plans", "planned", "due", "by", "until", "next"}
)
RECEIVED = (
    r"(?:e-?mails?|mails?|messages?|letters?|invoices?|receipts?|photos?|pictures?|minutes)"
    r"(?: (?:that )?(?:\w+ ){0,2}(?:sent|got|received|wrote|took))?(?: me| us)?(?: from| of| dated| on)? (?:the )?$"
)
