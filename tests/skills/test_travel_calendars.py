"""Whose calendar is whose, by settings, names and contacts; and what is said where nobody knows."""

from __future__ import annotations

from datetime import UTC, datetime

from pierian.accounts.account import Account, Service, Switches
from pierian.skills.calendars import named, people_setting, whose_calendars


def account(name: str, address: str = "", *, read: bool = True, busy_only: bool = False) -> Account:
    return Account(
        id=name,
        owner="local",
        name=name,
        kind="caldav",
        address=address or f"{name}@example.org",
        services=(Service(kind="caldav", url="http://127.0.0.1:1/"),),
        switches=Switches(read=read, free_busy_only=busy_only),
        created_at=datetime(2026, 11, 28, tzinfo=UTC),
    )


def whose(
    accounts: list[Account], *people: str, called: str = "", **more: object
) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    found = whose_calendars(accounts, people, people_setting(called), **more)  # type: ignore[arg-type]
    return {name: [one.name for one in some] for name, some in found.accounts.items()}, found.notes


def test_the_setting_says_whose_an_account_is() -> None:
    mine, ada = account("me"), account("ada", busy_only=True)
    assert whose([mine, ada], "you", "partner", called="partner=ada")[0] == {
        "you": ["me"],
        "partner": ["ada"],
    }
    # Also where she does not travel, her calendar is not mine.
    assert whose([mine, ada], "you", called="Partner = ada@example.org")[0] == {"you": ["me"]}


def test_names_and_contacts_say_it_too() -> None:
    accounts = [account("me"), account("shared", "eve@example.org"), account("wife")]
    found, notes = whose(
        accounts, "you", "Eve", addresses_of=lambda name: ["EVE@example.org"] if name == "Eve" else []
    )
    assert found == {"you": ["me"], "Eve": ["shared"]} and not notes


def test_what_nobody_knows_is_told() -> None:
    found, notes = whose(
        [account("work", busy_only=True), account("bob", read=False)], "you", "Bob", "partner"
    )
    assert found["Bob"] == [] and found["you"] == ["work"]
    assert notes == (
        "The calendar of Bob may not be read: whether they are free is not known.",
        "The calendar of your partner is not linked: whether they are free is not known.",
        "The calendar work, of which only free and busy is known, is taken for yours.",
    )
    assert whose([], "you")[1] == ("No calendar of yours is linked: whether you are free is not known.",)
    assert [named(one) for one in ("you", "partner", "Ada")] == ["you", "your partner", "Ada"]
