"""The catalogue as the gateway uses it: what runs on this machine costs nothing, the rest as published."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

from waypost.catalog.override import override
from waypost.config.origins import BadUrl, parse_base_url
from waypost.config.schema import Config
from waypost.config.snapshot import Catalog
from waypost.config.targets import Provider
from waypost.core.facts import ModelFacts
from waypost.core.markup import charged
from waypost.core.money import PER_MILLION, ceil_div
from waypost.core.price import Tariff


def free_tariff() -> Tariff:
    """A known price of 0, which is not the same as no known price."""
    return override({"input": 0, "output": 0}, "local")


class GatewayCatalog:
    """`config.snapshot.Catalog`. `local` names the providers found on this machine: their price is a known 0."""

    def __init__(self, published: Catalog, free: Tariff, local: Callable[[], Collection[str]]) -> None:
        self._published = published
        self._free = free
        self._local = local

    def find(self, provider: str, model: str) -> tuple[Tariff | None, ModelFacts]:
        """See `config.snapshot.Catalog`."""
        tariff, facts = self._published.find(provider, model)
        return (self._free if provider in self._local() else tariff), facts


#: What is not priced by tokens, as the configuration spells it: the rate, and what of its unit is told.
_UNITS: Final = (
    ("audio_per_minute", "audio", 60),
    ("per_million_characters", "characters", 1),
    ("per_image", "image", PER_MILLION),
    ("per_search", "search", PER_MILLION),
)


def unit_prices(tariff: Tariff, markup: int, at: float) -> dict[str, int | dict[str, int]]:
    """What is not priced by tokens, in nano-dollars and with the mark-up, under the names of `prices`."""
    rates = tariff.unit_rates(at)
    found: dict[str, int | dict[str, int]] = {}
    if rates is None:
        return found
    for name, kind, parts in _UNITS:
        rate: int | None = getattr(rates, kind)
        if rate is not None:
            found[name] = ceil_div(charged(rate, markup), parts)
    if rates.images:
        images = sorted(rates.images.items())
        found["images"] = {kind: ceil_div(charged(rate, markup), PER_MILLION) for kind, rate in images}
    return found


def local_names(found: Sequence[Provider], config: Config) -> frozenset[str]:
    """The providers found on this machine, without those kinds of server that the file also has on another one."""
    names = {provider.name for provider in found if provider.origin_label == "local"}
    return frozenset(names - _elsewhere(config))


def _elsewhere(config: Config) -> frozenset[str]:
    """Price names that the file gives to servers on other machines: those cost what they cost, even while a server of
    the same kind runs here too."""
    return frozenset(
        name
        for entry in config.providers
        if entry.base_url is not None and not _here(entry.base_url)
        for name in (entry.preset, entry.prices_from)
        if name is not None
    )


def _here(base_url: str) -> bool:
    try:
        return parse_base_url(base_url).loopback
    except BadUrl:
        return True  # `resolve` says what is wrong with it
