from __future__ import annotations

from transcript import FlatTariff, NoCatalog
from waypost.app.prices import GatewayCatalog, free_tariff
from waypost.core.facts import ModelFacts
from waypost.core.price import Tariff
from waypost.core.usage import Usage


class Published:
    def find(self, provider: str, model: str) -> tuple[Tariff | None, ModelFacts]:
        return FlatTariff(), ModelFacts(context=9)


def test_what_runs_here_costs_a_known_nothing_and_keeps_its_facts() -> None:
    free, local = FlatTariff(), {"ollama"}
    catalog = GatewayCatalog(Published(), free, lambda: local)
    assert catalog.find("ollama", "qwen3") == (free, ModelFacts(context=9))
    assert catalog.find("openai", "gpt-5")[0] is not free


def test_a_server_that_goes_away_is_not_free_any_more() -> None:
    local = {"ollama"}
    catalog = GatewayCatalog(NoCatalog(), FlatTariff(), lambda: local)
    assert catalog.find("ollama", "m")[0] is not None
    local.clear()
    assert catalog.find("ollama", "m")[0] is None


def test_free_is_a_price() -> None:
    tariff = free_tariff()
    assert tariff.cost(Usage(input=1000, output=1000), 0.0) == 0
    assert tariff.version.startswith("config:local#")
