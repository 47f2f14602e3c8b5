"""How model calls beside the drafts are paid: from the run's budget, and counted on its receipt."""

from __future__ import annotations

from pierian.events import Spend
from pierian.models.structured import Payment
from pierian.models.wire import Usage
from pierian.reasoning.run import Run


def payment_of(run: Run, *, least: int | None = None) -> Payment:
    """The payment of a run's calls; `least` as in `Payment`."""

    def used(usage: Usage) -> None:
        run.spend = run.spend + Spend(
            usage.prompt_tokens,
            usage.cached_tokens,
            usage.completion_tokens,
            money=run.prices.of(usage.prompt_tokens, usage.completion_tokens),
        )

    return Payment(run.ledger, run.prices.of, used, least=least)
