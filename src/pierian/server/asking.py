"""What a mode is asked on a caller's account, for answers and for runs alike: with which prices, out of which caps,
and what it cost in the end.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from pierian.assistant import AskRequest
from pierian.metering import Caller, KeyCap, Price
from pierian.reasoning import Mode, Prices
from pierian.server.service import Service

BILLION = 1e9


class Account(Struct, frozen=True):
    """Where what one question to a mode uses is reserved, and what it costs."""

    caller: Caller
    mode: Mode
    price: Price
    cap: KeyCap

    @classmethod
    def of(cls, service: Service, caller: Caller, mode: Mode) -> Account:
        """The account of a caller for one question."""
        price = service.prices.of(service.settings.model, mode.value)
        cap = KeyCap(service.meter, caller, service.settings.model, mode.value)
        return cls(caller, mode, price, cap)

    def question(self, text: str, **options: Any) -> AskRequest:
        """A question on this account; `options` are further fields of `AskRequest`.

        The tools of this machine belong to its owner: none, unless a run names them.
        """
        fields: dict[str, Any] = {"tools": (), "owner": self.caller.owner, **options}
        return AskRequest(question=text, mode=self.mode, cap=self.cap, prices=self._prices(), **fields)

    async def finish(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> int:
        """Say what was used in all, once it is known; gives the money, in billionths."""
        money = self.price.money(prompt_tokens, cached_tokens, completion_tokens)
        await self.cap.finish(prompt_tokens, cached_tokens, money)
        return money

    def _prices(self) -> Prices:
        """Prices for the ledger: calls are charged as if nothing of their prompts had been cached.

        The end puts that right (`finish`).
        """
        price = self.price
        return Prices(max(price.input, price.cached) / BILLION, price.output / BILLION)
