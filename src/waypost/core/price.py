"""What tokens cost. Rates are nano-dollars per million tokens, so every published price is an exact integer."""

from __future__ import annotations

from typing import Protocol

from waypost.core.usage import Usage


class Tariff(Protocol):
    """The prices of one model at one provider, all dates and tiers of it. Immutable; a lookup does no I/O."""

    @property
    def version(self) -> str:
        """Names the exact price rows: kept on every ledger line, so that a line can be recomputed."""
        ...

    @property
    def flat(self) -> tuple[int, int, int] | None:
        """The default tier's rates of input, output and a request as such, where neither time nor the size of the
        context changes them: what `cost` sums for plain tokens. None: ask `cost`."""
        ...

    def cost(self, usage: Usage, at: float, tier: str | None = None) -> int:
        """Nano-dollars for this usage at Unix time `at`, all kinds summed, rounded up once."""
        ...

    def ceiling(self, input_tokens: int, output_tokens: int, at: float, tier: str | None = None) -> int:
        """An upper bound in nano-dollars: no split of these counts into kinds costs more."""
        ...
