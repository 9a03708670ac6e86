"""The catalogue as the gateway uses it: what runs on this machine costs nothing, the rest as published."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from waypost.catalog.override import override
from waypost.config.origins import BadUrl, parse_base_url
from waypost.config.schema import Config
from waypost.config.snapshot import Catalog
from waypost.config.targets import Provider
from waypost.core.facts import ModelFacts
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
