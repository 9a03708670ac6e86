"""The catalogue as the gateway uses it: what runs on this machine costs nothing, the rest as published."""

from __future__ import annotations

from collections.abc import Callable, Collection

from waypost.catalog.override import override
from waypost.config.snapshot import Catalog
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
