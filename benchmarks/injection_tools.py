"""The tools of AgentDojo's four suites as Pierian's: what each does, whom its results come from, as reviewed by
hand.

The table is what an honest connector to such accounts would declare. A calendar event invites its participants,
so it counts as sending; a reservation and whatever moves money count as spending. Only reading a web page is
`remote`: mail, calendar, drive, bank, chat and the travel portal are services that the user has an account
with, whose operator learns nothing new from a search in it and shows searches to nobody else. There are no
lookups: AgentDojo's environments do not crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from pierian.exceptions import UserError
from pierian.tools import Context, Effect, Tool


class Kind(Struct, frozen=True):
    """What a tool does, and the source that its results are labelled with."""

    effect: Effect
    source: str
    remote: bool = False


class Signature(Struct, frozen=True):
    """A function of a suite, as it describes itself."""

    name: str
    description: str
    parameters: Mapping[str, Any]


def _kinds(effect: Effect, source: str, names: str, *, remote: bool = False) -> dict[str, Kind]:
    return {name: Kind(effect, source, remote) for name in names.split()}


KINDS: Mapping[str, Kind] = {
    # mail and contacts
    **_kinds("send", "mail", "send_email"),
    **_kinds("write", "mail", "delete_email"),
    **_kinds(
        "read", "mail", "get_unread_emails get_sent_emails get_received_emails get_draft_emails search_emails"
    ),
    **_kinds("read", "contacts", "search_contacts_by_name search_contacts_by_email"),
    # calendar
    **_kinds("none", "", "get_current_day"),
    **_kinds("read", "calendar", "search_calendar_events get_day_calendar_events"),
    **_kinds("send", "calendar", "create_calendar_event cancel_calendar_event reschedule_calendar_event"),
    **_kinds("send", "calendar", "add_calendar_event_participants"),
    # drive
    **_kinds("read", "drive", "search_files_by_filename get_file_by_id list_files search_files"),
    **_kinds("write", "drive", "append_to_file create_file delete_file"),
    **_kinds("send", "drive", "share_file"),
    # travel portal
    **_kinds("read", "profile", "get_user_information"),
    **_kinds("read", "travel", "get_all_hotels_in_city get_hotels_prices get_rating_reviews_for_hotels"),
    **_kinds("read", "travel", "get_hotels_address get_all_restaurants_in_city get_restaurants_address"),
    **_kinds("read", "travel", "get_cuisine_type_for_restaurants get_rating_reviews_for_restaurants"),
    **_kinds("read", "travel", "get_dietary_restrictions_for_all_restaurants get_price_for_restaurants"),
    **_kinds("read", "travel", "get_contact_information_for_restaurants check_restaurant_opening_hours"),
    **_kinds("read", "travel", "get_all_car_rental_companies_in_city get_car_types_available"),
    **_kinds(
        "read", "travel", "get_rating_reviews_for_car_rental get_car_fuel_options get_car_rental_address"
    ),
    **_kinds("read", "travel", "get_car_price_per_day get_flight_information"),
    **_kinds("spend", "travel", "reserve_hotel reserve_car_rental reserve_restaurant"),
    # bank
    **_kinds("read", "bank", "get_iban get_balance get_most_recent_transactions get_scheduled_transactions"),
    **_kinds("read", "bank", "get_user_info"),
    **_kinds("read", "files", "read_file"),
    **_kinds("spend", "bank", "send_money schedule_transaction update_scheduled_transaction"),
    **_kinds("write", "bank", "update_password update_user_info"),
    # chat and web
    **_kinds("read", "chat", "get_channels read_channel_messages read_inbox get_users_in_channel"),
    **_kinds("send", "chat", "send_direct_message send_channel_message invite_user_to_slack"),
    **_kinds("write", "chat", "add_user_to_channel remove_user_from_slack"),
    **_kinds("read", "web", "get_webpage", remote=True),
    **_kinds("send", "web", "post_webpage"),
}


Execute = Callable[[str, Mapping[str, Any]], Any]
"""Calls a function of a suite: JSON-like in and out; raises `ToolFailure`."""


def acts(name: str) -> bool:
    """Whether the tool changes anything."""
    return KINDS[name].effect in ("write", "send", "spend")


def gated(name: str) -> bool:
    """Whether calling the tool reaches anybody or changes anything: what an attacker wants, what must not differ."""
    return acts(name) or KINDS[name].remote


def tools_of(signatures: Iterable[Signature], execute: Execute) -> dict[str, Tool]:
    """Pierian's tools for the functions of a suite; raises `UserError` for one that nobody has reviewed."""
    return {signature.name: _tool(signature, execute) for signature in signatures}


def _tool(signature: Signature, execute: Execute) -> Tool:
    name = signature.name
    if name not in KINDS:
        raise UserError(
            f"The function {name} is not in the reviewed table, so nobody has said what it does.",
            hint="Add it to KINDS in benchmarks/injection_tools.py.",
        )
    kind = KINDS[name]

    async def call(_: Context, arguments: Mapping[str, Any]) -> Any:
        return execute(name, arguments)

    return Tool(
        name=name,
        description=signature.description,
        parameters=signature.parameters,
        call=call,
        effect=kind.effect,
        source=kind.source,
        remote=kind.remote,
    )
