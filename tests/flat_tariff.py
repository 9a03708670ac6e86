"""A price that is easy to reckon with."""

from __future__ import annotations

from waypost.core.price import UnitRates
from waypost.core.usage import Units, Usage


class FlatTariff:
    """Input costs 1 nano-dollar per token, output 10."""

    version = "flat-1"
    flat = None

    def cost(self, usage: Usage, at: float, tier: str | None = None) -> int:
        return usage.input + 10 * usage.output

    def ceiling(
        self,
        input_tokens: int,
        output_tokens: int,
        at: float,
        tier: str | None = None,
        units: Units | None = None,
    ) -> int:
        return input_tokens + 10 * output_tokens

    def unit_rates(self, at: float) -> UnitRates | None:
        return None
