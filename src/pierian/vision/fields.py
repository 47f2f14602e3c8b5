"""The key fields of a receipt or an invoice: who issued it, where, when, and what is to be paid.

By rules on wording and place, as receipts everywhere follow them: the issuer stands at the head and bears a legal
form or large letters, the address follows it, totals have names. What is found is quoted as it is printed, with the
lines it comes from; a field that is not there is not made up.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from pierian.vision.dates_in_text import first_date
from pierian.vision.reading_order import rows_of
from pierian.vision.regions import Box
from pierian.vision.scene import TextLine

FieldName = Literal["company", "date", "address", "total"]


class Field(Struct, frozen=True, kw_only=True):
    """A field as it is printed, and where."""

    name: FieldName
    text: str
    region: Box
    lines: tuple[str, ...]
    """The ids of the lines of text that it was read from."""
    confidence: float


class Row(NamedTuple):
    """Lines that stand side by side, and their text from left to right."""

    lines: tuple[TextLine, ...]
    text: str
    box: Box


LEGAL = re.compile(
    r"\b(S[DO0]N\.?\s?B[HN][DO0]|[S5]/B|SB|BERHAD|BHD|LTD|LIMITED|LLC|L\.L\.C|INC|CORP(ORATION)?|PLC|GMBH|MBH|KG|AG|S\.?A\.?R\.?L|"
    r"S\.A\.|B\.V\.|PTY|PTE|CO)\b\.?",
    re.IGNORECASE,
)
TRADE = re.compile(
    r"\b(ENTERPRISES?|TRADING|RESTAURANT|RESTORAN|CAFE|COFFEE|STORES?|BOOKSTORES?|MARKET|SUPERMARKET|[A-Z]*MART|PHARMACY|"
    r"BAKER(Y|IES)|CONFECTIONERY|HOTEL|SHOP|HOUSE|CENTRE|CENTER|CLINIC|SALON|SERVICES|ELECTRICAL|HARDWARE|PERNIAGAAN|"
    r"SYARIKAT|KEDAI|PASARAYA|STATIONER(S|Y)|BOOKS?|SUPPL(Y|IES|IER)|GALLERY|FURNITURE|FASHION|OPTIC(AL|IAN)|MOTORS?|"
    r"LAUNDRY|KITCHEN|STATION|GIFTS?|MINIMARKET|BOUTIQUE|DINER|INN|TAVERN|DELI|BRASSERIE|TRATTORIA|"
    r"APOTHEKE|BÄCKEREI|BOULANGERIE|BISTRO|BAR|GRILL|PIZZA|FOODS?|HOLDINGS?|GROUP|COMPANY)\b",
    re.IGNORECASE,
)
STREET = re.compile(
    r"\b(JALAN|JLN|JIN|LORONG|TAMAN|TMN|KAMPUNG|KAWASAN|BANDAR|SEKSYEN|PERSIARAN|LEBUH|LOT|LEVEL|FLOOR|BLOCK|UNIT|SUITE|"
    r"WISMA|MENARA|BANGUNAN|KOMPLEKS|DESA|"
    r"STREET|ST|ROAD|RD|AVENUE|AVE|LANE|LN|DRIVE|BOULEVARD|BLVD|SQUARE|PLAZA|HIGHWAY|HWY|P\.?O\.? BOX|RUE|PLATZ|WEG|"
    r"VIA|CALLE|PLACE)\b|STRASSE|STRAßE|STR\.|^\W*NO[.:,]?\s?\d|^\W*NO[.:,]\s?[A-Z]?\d",
    re.IGNORECASE,
)
HOUSE = re.compile(r"\W*\d{1,4}[A-Z]?(\s?[-&,]\s?\d{1,4}[A-Z]?)*\s*,\s*[A-Z]", re.IGNORECASE)
POSTCODE = re.compile(r"(?<![\d-])\d{5}(?![\d-])|\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b")
REGISTERED = re.compile(
    r"\W*\(?\s*((CO|COMPANY)?\.?\s?(REG)?\.?\s?(NO)?\.?\s?[:.]?|ROC)?\s*[A-Z]{0,3}\d{4,}[-\s]?[A-Z]{0,2}\s*\)?\W*",
    re.IGNORECASE,
)
OTHER = re.compile(
    r"\b(TEL|TELEPHONE|PHONE|FAX|HOTLINE|GST|VAT|TAX|INVOICE|RECEIPT|BILL|DATE|CASHIER|TABLE|E-?MAIL|WWW|HTTPS?|TIME|"
    r"OUTLET|CARELINE|MEMBER|ORDER|CHECK|DOC(UMENT)?|SALESPERSON|COMPANY NO|CO\.? ?REG|REG\.? ?NO|SITE|WELCOME|"
    r"THANK)\b|TAX\s?INVOICE|\bTEL\s?[:.]|@|^\W*0\d[-\d ]{6,}\W*$",
    re.IGNORECASE,
)
CONTACT = re.compile(r"\W*\b(TEL(EPHONE)?|PHONE|FAX|HP|H/P|GST|E-?MAIL)\b.*", re.IGNORECASE)
MONEY = re.compile(
    r"(?P<sign>-\s?)?(?P<currency>(RM|MYR|USD|EUR|GBP|SGD|[$€£¥]))?(?P<number>\d{1,3}(?:,\d{3})+\.\d\d|\d+[.,]\d\d)(?![\d.,%])"
)
PAYABLE = re.compile(
    r"GRAND|NETT?\s?TOTAL|PAYABLE|AMOUNT\s?DUE|BALANCE\s?DUE|TOTAL\s?DUE|TOTAL\s?AMOUNT|ROUND\w*\s?\w?\s?TOTAL|TO\s?PAY|"
    r"GESAMT|SUMME|À PAYER",
    re.IGNORECASE,
)
TOTAL = re.compile(r"\bT[O0]TA[L1I]\b|\bTOTAL|\bAMOUNT\b", re.IGNORECASE)
INCLUSIVE = re.compile(r"\bINC(L|LUSIVE|LUDING)?\b\.?", re.IGNORECASE)
PART = re.compile(
    r"SUB[-\s]?TOTAL|EXCL|WITHOUT|BEFORE|QTY|QUANTITY|ITEMS?\b|DISCOUNT|SAVING|SUPPLIES|TENDER|CHANGE|POINTS?|ZERO|"
    r"^\W*(GST|TAX|VAT)\b|TOTAL\s?(GST|TAX|VAT)|^\W*TAX(ABLE)?\b|DEPOSIT",
    re.IGNORECASE,
)
SUMMARY = re.compile(r"(GST|TAX|VAT)\s*(SUMMARY|CODE|ANALYSIS)", re.IGNORECASE)
HANDED = re.compile(r"\b(CASH|TENDER(ED)?|PAID|VISA|MASTER(CARD)?|CARD)\b", re.IGNORECASE)
CHANGE = re.compile(r"\bCHANGE\b", re.IGNORECASE)
TENDERED = re.compile(r"\b(CASH|CHANGE|TENDER|VISA|MASTER|CARD|PAID)\b", re.IGNORECASE)
ROUNDING = re.compile(r"\bR[O0]UND", re.IGNORECASE)
HEAD_ROWS = 14
ROUNDED_BY = 0.05
PAID = 8.0


def read_fields(texts: Sequence[TextLine]) -> tuple[Field, ...]:
    """The fields that are there, each once: company, date, address, total."""
    rows = [_row(lines) for lines in rows_of([line for line in texts if abs(line.angle) < 20])]
    if not rows:
        return ()
    company = _company(rows)
    found = (company, first_date_field(rows), _address(rows, company), _total(rows))
    return tuple(field for field in found if field is not None)


def _row(lines: Sequence[TextLine]) -> Row:
    return Row(
        tuple(lines), " ".join(line.text for line in lines), _around(line.region.box for line in lines)
    )


def _around(boxes: Iterable[Box]) -> Box:
    several = list(boxes)
    return Box(
        min(box.left for box in several),
        min(box.top for box in several),
        max(box.right for box in several),
        max(box.bottom for box in several),
    )


def _field(name: FieldName, text: str, rows: Sequence[Row]) -> Field:
    lines = [line for row in rows for line in row.lines]
    return Field(
        name=name,
        text=text,
        region=_around(row.box for row in rows),
        lines=tuple(line.id for line in lines),
        confidence=min(line.confidence for line in lines),
    )


# Who


def _company(rows: Sequence[Row]) -> Field | None:
    """The line of the head that is likeliest a name: a legal form, a trade, large letters, near the top."""
    head = rows[:HEAD_ROWS]
    usual = statistics.median(row.box.height for row in rows)
    scored = [(_as_company(row, place, usual), -place) for place, row in enumerate(head)]
    score, place = max(scored)
    if score < 0:
        return None
    chosen = [head[-place]]
    if -place and _only_legal(chosen[0].text) and _as_company(head[-place - 1], -place - 1, usual) > -2:
        chosen.insert(0, head[-place - 1])  # a name in two lines
    text = " ".join(_plain_name(row.text) for row in chosen).strip()
    return _field("company", text, chosen) if text else None


def _as_company(row: Row, place: int, usual: float) -> float:
    text = row.text
    letters = sum(letter.isalpha() for letter in text)
    score = -0.35 * place + min(row.box.height / usual - 1, 1.5)
    score += 4 if LEGAL.search(text) else 0
    score += 2 if TRADE.search(text) else 0
    score += 0.7 if text.isupper() else 0
    score -= 5 if OTHER.search(text) and not LEGAL.search(text) else 0
    score -= 4 if (STREET.search(text) and not LEGAL.search(text)) or POSTCODE.search(text) else 0
    score -= 5 if letters < 4 or letters < 0.5 * len(text.replace(" ", "")) else 0
    return score


def _only_legal(text: str) -> bool:
    match = LEGAL.search(text)
    return match is not None and len(re.findall(r"[A-Za-z]{2,}", text[: match.start()])) == 0


def _plain_name(text: str) -> str:
    """Without the number of its registration, and without what introduces it."""
    text = re.sub(r"^[A-Za-z ]{4,16}:\s*", "", text)
    text = re.sub(r"\(\s*[A-Z]{0,3}\d[\w\s-]*\)?\s*$", "", text)
    text = re.sub(r"\s+[A-Z]{0,2}\d{5,}\s?-?\s?[A-Z]?\W*$", "", text).strip(" ,:;-")
    # What a legal form is for certain, and letters that were read as figures within words.
    text = re.sub(r"\bS[DO0]N(\.?\s?)B[HN][DO0]\b", r"SDN\1BHD", re.sub(r"\b5/B\b", "S/B", text))
    return re.sub(r"(?<=[A-Z]{2})1\b|\b1(?=[A-Z]{2})", "I", text)


# When


def first_date_field(rows: Sequence[Row]) -> Field | None:
    """The first date that is called one, else the first at all."""
    found: list[tuple[bool, int, str]] = []
    for place, row in enumerate(rows):
        if date := first_date(row.text):
            named = re.search(r"\bDATE|\bDATUM|\bDT\b", row.text, re.IGNORECASE) is not None
            late = re.search(r"DUE|EXPIR|VALID|PRINT|DELIVER", row.text, re.IGNORECASE) is not None
            found.append((late or not named, place, date))
    if not found:
        return None
    _, place, text = min(found)
    return _field("date", text, [rows[place]])


# Where


def _address(rows: Sequence[Row], company: Field | None) -> Field | None:
    """The lines from the first that names a street or a house to the first that says something else."""
    start = 0
    if company is not None:
        start = 1 + max(n for n, row in enumerate(rows) if row.lines[0].id in company.lines)
    chosen: list[Row] = []
    for row in rows[start : start + HEAD_ROWS]:
        whole, row = row.text, _without_contact(row)
        text = row.text
        if chosen and _is_apart(chosen[-1], row) and any(POSTCODE.search(one.text) for one in chosen):
            break
        if REGISTERED.fullmatch(text) or (first_date(text) and not STREET.search(text)):
            if chosen:
                break
            continue
        if _says_other(text):
            if chosen:
                break
            continue
        if chosen or STREET.search(text) or POSTCODE.search(text) or HOUSE.match(text):
            chosen.append(row)
        if len(chosen) > 6 or (chosen and text != whole):
            break
    if not chosen:
        return None
    return _field("address", " ".join(row.text.strip() for row in chosen), chosen)


def _without_contact(row: Row) -> Row:
    """A row that ends an address without the telephone that may stand behind it."""
    address = CONTACT.sub("", row.text)
    return row._replace(text=address) if STREET.search(address) or POSTCODE.search(address) else row


def _says_other(text: str) -> bool:
    """A telephone, a number of tax or of the invoice: not a part of an address."""
    return OTHER.search(text) is not None or text.strip().startswith(("-", "*", "="))


def _is_apart(row: Row, following: Row) -> bool:
    """More white than between lines of one address."""
    height = min(row.box.height, following.box.height)
    return following.box.top - row.box.bottom > 1.6 * height


# How much


class Amount(NamedTuple):
    """A sum of money on a row, and how likely it is what is to be paid."""

    place: int
    text: str
    value: float
    score: float


def _total(rows: Sequence[Row]) -> Field | None:
    amounts: list[Amount] = []
    summary = len(rows)
    for place, row in enumerate(rows):
        if SUMMARY.search(row.text):
            summary = min(summary, place)
        found = _money(row.text)
        if (
            not found
            and TOTAL.search(row.text)
            and place + 1 < len(rows)
            and not _words(rows[place + 1].text)
        ):
            found = _money(rows[place + 1].text)  # the figure stands below its name
        if found:
            text, value = found[-1]
            several = len({one for _, one in found}) > 1
            amounts.append(Amount(place, text, value, _as_total(row.text, several, place > summary)))
    amounts = _with_change(rows, amounts)
    best = max(amounts, key=lambda one: (one.score, one.value, one.place), default=None)
    if best is None:
        return None
    if best.score <= 0:
        best = _largest(rows, amounts)
        return _field("total", _pointed(best, amounts), [rows[best.place]])
    rounding = [n for n, row in enumerate(rows) if ROUNDING.search(row.text)]
    if rounding:
        # What follows a rounding, and differs by no more than one, is what was rounded to.
        near = [one for one in amounts if rounding[0] <= one.place < summary and _is_rounded(one, best)]
        named = [one for one in near if one.score > 0 or ROUNDING.search(rows[one.place].text)]
        best = max(named, key=lambda one: (one.score > 0, one.place), default=best)
    return _field("total", _pointed(best, amounts), [rows[best.place]])


def _with_change(rows: Sequence[Row], amounts: Sequence[Amount]) -> list[Amount]:
    """What was handed over less the change is what was paid: sums like that are likelier the total."""
    handed = {one.value for one in amounts if HANDED.search(rows[one.place].text)}
    change = {one.value for one in amounts if CHANGE.search(rows[one.place].text)}
    paid = [one - other for one in handed for other in change if one > other]
    return [
        one._replace(score=one.score + PAID)
        if any(abs(one.value - value) < 0.005 for value in paid) and not HANDED.search(rows[one.place].text)
        else one
        for one in amounts
    ]


def _pointed(amount: Amount, amounts: Sequence[Amount]) -> str:
    """Its text with a point where a comma was read and nearly all other sums of the receipt have a point."""
    text = amount.text
    pointed = sum("." in one.text for one in amounts)
    if re.search(r",\d\d$", text) and pointed >= 3 and pointed > 0.7 * len(amounts):
        return f"{text[:-3]}.{text[-2:]}"
    return text


def _is_rounded(amount: Amount, total: Amount) -> bool:
    return abs(amount.value - total.value) <= ROUNDED_BY + 1e-6


def _as_total(text: str, several: bool, in_summary: bool) -> float:
    score = 0.0
    if PAYABLE.search(text):
        score = 10
    elif TOTAL.search(text):
        score = 7 if INCLUSIVE.search(text) else 6
    if PART.search(text):
        score -= 8
    if TENDERED.search(text) and not TOTAL.search(text):
        score -= 4
    return score - (4 if several else 0) - (5 if in_summary else 0)


def _money(text: str) -> list[tuple[str, float]]:
    """Sums of money as printed, and as numbers; figures that the reader pulled apart are joined."""
    joined = re.sub(r"(\d)\s*([.,])\s*(\d\d)(?!\d)", r"\1\2\3", text)
    joined = re.sub(r"(?<![\d.,])([.,])(\d\d)(?!\d)", r"0\1\2", joined)
    found: list[tuple[str, float]] = []
    for match in MONEY.finditer(joined):
        number = match["number"]
        plain = number.replace(",", "") if "." in number else number.replace(",", ".")
        found.append((f"{match['currency'] or ''}{number}", float(plain)))
    return found


def _words(text: str) -> bool:
    return len(re.findall(r"[A-Za-z]{3,}", text)) > 0


def _largest(rows: Sequence[Row], amounts: Sequence[Amount]) -> Amount:
    """Where nothing is called a total: the largest sum that is not money handed over."""
    own = [one for one in amounts if not TENDERED.search(rows[one.place].text)] or list(amounts)
    return max(own, key=lambda one: one.value)
