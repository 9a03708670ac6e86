from __future__ import annotations

from flat_tariff import FlatTariff
from transcript import NoCatalog
from waypost.app.prices import GatewayCatalog, free_tariff, unit_prices
from waypost.catalog.override import override
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


def test_what_is_not_priced_by_tokens_is_told_as_it_is_written() -> None:
    tariff = override(
        {"audio_per_minute": "0.0001", "per_image": 0.04, "images": {"hd": 0.08}, "per_search": 0.002}, "x"
    )
    assert unit_prices(tariff, 0, 0.0) == {
        "audio_per_minute": 100_000,
        "per_image": 40_000_000,
        "per_search": 2_000_000,
        "images": {"hd": 80_000_000},
    }
    assert unit_prices(tariff, 50_000, 0.0)["images"] == {"hd": 84_000_000}
    assert unit_prices(free_tariff(), 0, 0.0) == {}
