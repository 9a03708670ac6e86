"""What a request is expected to cost at a target, and what a target's list price is."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import astuple

from waypost.config.nodes import MaxPrice
from waypost.config.targets import Target
from waypost.core.asked import Asked
from waypost.core.markup import charged
from waypost.core.money import PER_MILLION
from waypost.core.price import Tariff
from waypost.core.usage import Usage
from waypost.routing.view import View

#: Small enough for every model's lowest band of context, large enough for published prices to be exact.
_SAMPLE = 10_000
#: Prices may change with the hour of the day; none is known to begin off a quarter of an hour.
_SLOT_S = 900
_KEPT_MOST = 4096
#: Rounds up.
_UP = PER_MILLION - 1


def slot_of(at: float) -> int:
    """The number of the quarter of an hour: within one, list prices do not change."""
    return int(at) // _SLOT_S


def tokens_of(asked: Asked) -> int:
    """What an attempt is counted with against a target's quota of tokens, before its usage is known."""
    return asked.input_estimate


class Expected:
    """Expected costs of one request."""

    __slots__ = ("_outputs", "_view")

    def __init__(self, view: View) -> None:
        self._view = view
        self._outputs: dict[int | None, int] = {}
        """Tokens, by the model's own maximum of them."""

    def costs(self, targets: Iterable[Target | None]) -> list[int | None]:
        """Nano-dollars at each; None where there is no target, or no known price."""
        view, outputs = self._view, self._outputs
        asked = view.asked
        estimate, tier, at = asked.input_estimate, asked.tier, view.at
        units = asked.units
        plain = tier is None and units is None
        told: list[int | None] = []
        add = told.append
        for target in targets:
            tariff = None if target is None else target.tariff
            if target is None or tariff is None:
                add(None)
                continue
            most = target.facts.max_output
            output = outputs.get(most)
            if output is None:
                output = outputs[most] = asked.expected_output(most, view.reserve_output)
            flat = tariff.flat if plain else None
            if flat is None:
                priced = tariff.cost(Usage(estimate, output, units=units), at, tier)
                if priced is None:
                    add(None)
                    continue
                cost = priced
            else:  # what `cost` would answer, without asking fifty times
                input_rate, output_rate, request = flat
                cost = (estimate * input_rate + output * output_rate + request + _UP) // PER_MILLION
            add(cost if not target.markup else charged(cost, target.markup))
        return told

    def cost(self, target: Target) -> int | None:
        """The same of one."""
        (cost,) = self.costs((target,))
        return cost


class ListPrice(msgspec.Struct, frozen=True):
    """Nano-dollars for 10,000 tokens of a kind, and for a request as such. Rounded up."""

    input: int
    output: int
    audio: int
    request: int


class ListPrices:
    """Tariffs' list prices, asked once per quarter of an hour. Keeps at most 4,096, then begins anew."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int, str | None], tuple[Tariff, ListPrice]] = {}

    def of(self, tariff: Tariff, at: float, tier: str | None) -> ListPrice:
        key = (id(tariff), slot_of(at), tier)
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= _KEPT_MOST:
                self._kept.clear()
            kept = self._kept[key] = (tariff, _list_price(tariff, at, tier))
        return kept[1]

    def above(self, most: MaxPrice, target: Target, at: float, tier: str | None) -> str | None:
        """What of a target's list price is above these, for people; None: nothing. A price that is not known is.

        With a service tier, its price and the usual one both have to hold: which one is served is for the provider to
        say. An image has no price of its own anywhere but that of its tokens.
        """
        tariff = target.tariff
        if tariff is None:
            return "its price is not known"
        told = _above(most, _marked(self.of(tariff, at, None), target.markup))
        if told is None and tier is not None:
            told = _above(most, _marked(self.of(tariff, at, tier), target.markup))
        return told


def _list_price(tariff: Tariff, at: float, tier: str | None) -> ListPrice:
    """Of a model that is not priced by tokens: nothing."""

    def cost(usage: Usage) -> int:
        return tariff.cost(usage, at, tier) or 0

    request = cost(Usage())
    return ListPrice(
        cost(Usage(input=_SAMPLE)) - request,
        cost(Usage(output=_SAMPLE)) - request,
        cost(Usage(input=_SAMPLE, audio_input=_SAMPLE)) - request,
        request,
    )


def _marked(price: ListPrice, markup: int) -> ListPrice:
    """What a client pays."""
    return price if not markup else ListPrice(*(charged(each, markup) for each in astuple(price)))


def _above(most: MaxPrice, price: ListPrice) -> str | None:
    if most.input is not None and price.input > _of_sample(most.input):
        return f"its input costs {_dollars(price.input)} per million tokens"
    if most.output is not None and price.output > _of_sample(most.output):
        return f"its output costs {_dollars(price.output)} per million tokens"
    if most.request is not None and price.request > most.request:
        return f"a request costs {price.request / 1e9:g} US dollars"
    if most.audio is not None and price.audio > most.audio * _SAMPLE:
        return f"its audio costs {_dollars(price.audio)} per million tokens"
    return None


def _of_sample(per_million: int) -> int:
    """Rounded up as the prices are, so that a price exactly at the limit is not above it."""
    return -(-per_million * _SAMPLE // PER_MILLION)


def _dollars(of_sample: int) -> str:
    return f"{of_sample * (PER_MILLION // _SAMPLE) / 1e9:g} US dollars"
