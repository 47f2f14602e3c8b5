"""Contacts of a Microsoft account, from Microsoft Graph (learn.microsoft.com/graph/api/user-list-contacts).

Only what is documented for all kinds of accounts: folders, and their contacts page by page. Graph's JSON is put into
the same values as cards.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from pierian.accounts.account import Service
from pierian.accounts.contacts.keeping import MOST_CARDS, KeptCard
from pierian.accounts.contacts.vcards import Card, phone, tidy
from pierian.accounts.dav import SignIn
from pierian.accounts.secrets import Secret
from pierian.accounts.transport import ask, client
from pierian.accounts.troubles import AccountError, by_status
from pierian.storage.words import clean, fold

MOST_BYTES = 16_000_000
"""Of one page."""
MOST_PAGES = 5_000
T = TypeVar("T")
_FIELDS = (
    "id,changeKey,displayName,givenName,surname,nickName,companyName,personalNotes,emailAddresses,"
    "businessPhones,homePhones,mobilePhone"
)


class Folder(Struct, frozen=True):
    """A folder of contacts, and where at the server they are."""

    path: str
    name: str


class _Address(Struct):
    address: str | None = None


class _Contact(Struct, rename="camel"):
    id: str
    change_key: str = ""
    display_name: str | None = None
    given_name: str | None = None
    surname: str | None = None
    nick_name: str | None = None
    company_name: str | None = None
    personal_notes: str | None = None
    email_addresses: list[_Address] | None = None
    business_phones: list[str] | None = None
    home_phones: list[str] | None = None
    mobile_phone: str | None = None


class _Folder(Struct, rename="camel"):
    id: str
    display_name: str = ""


class _Page(Struct):
    value: list[dict[str, Any]] = []
    next: str = msgspec.field(default="", name="@odata.nextLink")


class GraphContacts:
    """The contacts of whoever has consented. Use as a context manager; raises `AccountError`."""

    def __init__(self, service: Service, secret: Secret | None) -> None:
        self._base = service.url.rstrip("/")
        self._auth = SignIn(service, secret) if secret is not None else None
        self._http = client()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def folders(self) -> list[Folder]:
        """The folder that everybody has, and those that were made beside it."""
        found = [Folder("/me/contacts", "Contacts")]
        for page in self._pages("/me/contactFolders?$top=100&$select=id,displayName"):
            for one in self._converted(page, _Folder):
                found.append(Folder(f"/me/contactFolders/{one.id}/contacts", tidy(one.display_name)))
        return found

    def pages(self, folder: Folder) -> Iterator[list[KeptCard]]:
        """All contacts of a folder."""
        for page in self._pages(f"{folder.path}?$top={MOST_CARDS}&$select={_FIELDS}"):
            found = self._converted(page, _Contact)
            yield [KeptCard(clean(one.id), clean(one.change_key), _card(one)) for one in found]

    def _pages(self, path: str) -> Iterator[list[dict[str, Any]]]:
        url = f"{self._base}{path}"
        for _ in range(MOST_PAGES):
            page = self._page(url)
            yield page.value
            if not page.next:
                return
            if urlsplit(page.next)[:2] != urlsplit(self._base)[:2]:
                raise AccountError(
                    "Microsoft Graph names a page somewhere else, which was not followed.", code="failed"
                )
            url = page.next
        raise AccountError("Microsoft Graph goes on without an end.", code="failed")

    def _page(self, url: str) -> _Page:
        answer = ask(self._http, "GET", url, auth=self._auth, most_bytes=MOST_BYTES)
        where = answer.request.url.host
        if answer.status_code == 401:
            raise AccountError(
                f"{where} no longer accepts the consent that was given.",
                code="consent",
                hint="Link the account again: pierian accounts link",
            )
        if not answer.is_success:
            raise by_status(answer.status_code, where, retry_after=answer.headers.get("retry-after"))
        try:
            return msgspec.json.decode(answer.content, type=_Page)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AccountError(
                f"{where} does not answer in the way of Microsoft Graph.", code="failed"
            ) from error

    def _converted(self, page: list[dict[str, Any]], kind: type[T]) -> list[T]:
        try:
            return [msgspec.convert(one, kind) for one in page]
        except msgspec.ValidationError as error:
            where = urlsplit(self._base).hostname
            raise AccountError(
                f"{where} does not answer in the way of Microsoft Graph.", code="failed"
            ) from error


def _card(one: _Contact) -> Card:
    phones = [*(one.business_phones or ()), *(one.home_phones or ()), one.mobile_phone or ""]
    emails = (fold(clean(each.address or "")) for each in one.email_addresses or ())
    organisation = tidy(one.company_name or "")
    given = " ".join(part for part in (one.given_name, one.surname) if part)
    return Card(
        uid=clean(one.id),
        name=tidy(one.display_name or given or organisation),
        nicknames=(tidy(one.nick_name),) if one.nick_name else (),
        organisation=organisation,
        note=tidy(one.personal_notes or ""),
        emails=tuple(dict.fromkeys(each for each in emails if "@" in each and " " not in each)),
        phones=tuple(dict.fromkeys(number for each in phones if (number := phone(each)))),
        data=msgspec.json.encode(one).decode(),
    )
