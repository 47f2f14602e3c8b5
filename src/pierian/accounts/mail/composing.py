"""Writing messages: headers that hold what they should and nothing else, answers and forwarded messages.

Made by the standard library's `email`, which refuses a line break in a header. A message that is to be found again
has its Message-ID from the key of the step that sends it. Sending is the business of `sending`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from pierian.accounts.account import Account
from pierian.accounts.mail.attaching import File, attach
from pierian.accounts.mail.message import Message, Person
from pierian.characters import misleads
from pierian.exceptions import UserError
from pierian.storage.ids import random_text
from pierian.storage.words import clean, fold

LONGEST_SUBJECT = 500
MOST_RECIPIENTS = 100
MOST_REFERENCES = 20

_ADDRESS = re.compile(r"[^\s@<>(),;:\\\"\[\]]+@[^\s@<>(),;:\\\"\[\]]+\.?[^\s@<>(),;:\\\"\[\]]*")
_NAMED = re.compile(r"([^<>]*)<([^<>]+)>")
_FORWARDED = re.compile(r"\s*(fwd?|wg|tr|rv)\s*:", re.IGNORECASE)
_ANSWERED = re.compile(r"\s*(re|aw|sv|vs|antw|odp)\s*(\[\d+\])?\s*:", re.IGNORECASE)


def message_id_for(key: str, account: Account) -> str:
    """The Message-ID of what a step sends, the same for every try; one that nobody else has where there is no key."""
    name = hashlib.sha256(f"{account.id}/{key}".encode()).hexdigest()[:32] if key else random_text(24)
    domain = account.address.rpartition("@")[2]
    plain = domain.isascii() and re.fullmatch(r"[A-Za-z0-9.-]+", domain) is not None
    return f"<{name}@{domain if plain else 'localhost'}>"


def compose(
    account: Account,
    to: Sequence[str],
    subject: str,
    text: str,
    *,
    now: datetime,
    message_id: str,
    files: Sequence[File] = (),
) -> EmailMessage:
    """A message by the user of an account; raises `UserError` where an address or the subject is none."""
    message = EmailMessage(policy=SMTP.clone(max_line_length=78))
    every = [person_of(one) for one in to]
    if len(every) > MOST_RECIPIENTS:
        raise UserError(f"A message goes to at most {MOST_RECIPIENTS} addresses.")
    message["From"] = header_address(Person("", account.address))
    if to:
        message["To"] = [header_address(one) for one in every]
    message["Subject"] = subject_of(subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id
    message.set_content(_lines(text), cte="quoted-printable" if not text.isascii() else None)
    attach(message, files)
    return message


def answer_to(original: Message, message: EmailMessage) -> None:
    """Make a message the answer to another: RFC 5322, 3.6.4."""
    known = [*original.ancestors, original.message_id]
    kept = [one for one in dict.fromkeys(known) if _is_id(one)]
    if len(kept) > MOST_REFERENCES:
        kept = [kept[0], *kept[-MOST_REFERENCES + 1 :]]
    if kept and kept[-1] == original.message_id:
        message["In-Reply-To"] = kept[-1]
    if kept:
        message["References"] = " ".join(kept)


def answered_subject(subject: str) -> str:
    """The subject of an answer."""
    line = " ".join(clean(subject).split())
    return line if _ANSWERED.match(line) else f"Re: {line}"


def forwarded_subject(subject: str) -> str:
    """The subject of a message that passes another one on."""
    line = " ".join(clean(subject).split())
    return line if _FORWARDED.match(line) else f"Fwd: {line}"


def forwarded(original: Message, text: str) -> str:
    """The text of a message that passes another one on; its attachments go with it as files."""
    to = ", ".join(str(one) for one in original.recipients.to)
    head = [
        "---------- Forwarded message ----------",
        f"From: {original.sender}",
        f"Date: {original.sent_at:%Y-%m-%d %H:%M} UTC",
        f"Subject: {original.subject}",
        f"To: {to}",
    ]
    return "\n".join([*([text, ""] if text else []), *head, "", original.text])


def person_of(said: str) -> Person:
    """The person of `ann@example.org` or `Ann <ann@example.org>`; raises `UserError`."""
    found = _NAMED.fullmatch(said.strip())
    name, address = (found[1].strip().strip('"'), found[2]) if found else ("", said.strip())
    if misleads(said) or not _ADDRESS.fullmatch(address) or len(address) > 320:
        raise UserError(
            f"{said[:80]!r} is not a mail address.",
            hint="It looks like ann@example.org; find it with contacts_find.",
        )
    return Person(name, address)


def header_address(person: Person) -> Address:
    """A person as an address header holds one; raises `UserError`."""
    local, _, domain = person.address.rpartition("@")
    try:
        if not domain.isascii():
            domain = domain.encode("idna").decode()
        return Address(display_name=person.name, username=local, domain=domain)
    except (ValueError, MessageError, UnicodeError) as error:
        raise UserError(f"{person.address[:80]!r} is not a mail address.") from error


def subject_of(said: str) -> str:
    """A subject on one line."""
    return " ".join(clean(said).split())[:LONGEST_SUBJECT]


def wire(message: EmailMessage) -> bytes:
    """The bytes of a message, with letters in its addresses where they have some (RFC 6532)."""
    return message.as_bytes(policy=SMTP if is_ascii(message) else SMTPUTF8)


def is_ascii(message: EmailMessage) -> bool:
    """Whether all addresses of a message are in ASCII, as most servers want them."""
    return all(one.isascii() for one in [*addresses_of(message), str(message["From"])])


def addresses_of(message: EmailMessage) -> list[str]:
    """Whom a message goes to, each address once."""
    found: list[str] = []
    for header in ("To", "Cc", "Bcc"):
        for value in message.get_all(header, []):
            found += [one.addr_spec for one in value.addresses]
    return list({fold(one): one for one in found if one}.values())


def _lines(text: str) -> str:
    return clean(text).replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"


def _is_id(text: str) -> bool:
    return re.fullmatch(r"<[^\s<>]{1,240}>", text) is not None and text.isascii()
