"""The catalogue file and its lookups."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

from waypost.catalog import catalog as module
from waypost.catalog.catalog import PriceCatalog, catalog_path, load
from waypost.core.facts import ModelFacts
from waypost.core.usage import Units, Usage
from waypost.errors import ConfigError

AT = 1_795_000_000.0
EVERYTHING = Units(1, 1, 1, 1)


@pytest.fixture(scope="module")
def catalog() -> PriceCatalog:
    return load()


def test_every_model_of_the_file_can_be_looked_up(catalog: PriceCatalog) -> None:
    priced = 0
    for provider in catalog.providers:
        for model in catalog.models(provider):
            tariff, facts = catalog.find(provider, model)
            assert tariff is not None or facts != ModelFacts(), f"{provider}/{model}"
            if tariff is not None:
                priced += 1
                units = None if tariff.cost(Usage(), AT) is not None else EVERYTHING
                cost, most = (
                    tariff.cost(Usage(1000, 10, units=units), AT),
                    tariff.ceiling(1000, 10, AT, None, units),
                )
                assert cost is not None
                assert most is not None
                assert cost <= most
    assert priced > 4000


def test_the_file_is_small_and_names_its_sources_and_licences(catalog: PriceCatalog) -> None:
    assert catalog_path().stat().st_size < 600_000
    assert [(source.name, source.licence) for source in catalog.sources] == [
        ("genai-prices", "MIT"),
        ("litellm", "MIT"),
    ]
    assert all(source.version and source.date and source.url for source in catalog.sources)
    assert "MIT" in catalog.notice


def test_an_unknown_model_and_an_unknown_provider_have_no_price(catalog: PriceCatalog) -> None:
    assert catalog.find("openai", "no-such-model") == (None, ModelFacts())
    assert catalog.find("no-such-provider", "gpt-4o") == (None, ModelFacts())
    assert catalog.find("openai", "gpt-4o" * 100) == (None, ModelFacts())
    assert catalog.models("no-such-provider") == ()


@pytest.mark.parametrize(
    ("provider", "model", "units", "cost"),
    [
        ("openai", "whisper-1", Units(audio_ms=60_000), 6_000_000),
        ("openai", "tts-1", Units(characters=1000), 15_000_000),
        ("openai", "tts-1-hd", Units(characters=1000), 30_000_000),
        ("deepgram", "nova-3", Units(audio_ms=60_000), 4_300_000),
        ("elevenlabs", "scribe_v1", Units(audio_ms=3_600_000), 220_000_000),
        ("groq", "whisper-large-v3-turbo", Units(audio_ms=3_600_000), 40_000_000),
        ("cohere", "rerank-v3.5", Units(searches=1), 2_000_000),
        ("x-ai", "grok-imagine-image-2.0", Units(images=1), 60_000_000),
        ("x-ai", "grok-imagine-image-2.0", Units(images=1, image="low/1024x1024"), 40_000_000),
        ("x-ai", "grok-imagine-image-2.0", Units(images=1, image="low/2048x2048"), None),
    ],
)
def test_what_is_billed_by_something_else_than_tokens(
    catalog: PriceCatalog, provider: str, model: str, units: Units, cost: int | None
) -> None:
    tariff, _ = catalog.find(provider, model)
    assert tariff is not None
    assert tariff.cost(Usage(1000, units=units), AT) == cost
    assert tariff.cost(Usage(1000, 10), AT) is None


def test_facts_come_with_the_price(catalog: PriceCatalog) -> None:
    tariff, facts = catalog.find("openai", "gpt-4o")
    assert tariff is not None
    assert tariff.version.startswith(f"openai@{catalog.date}#")
    assert (facts.context, facts.max_output, facts.mode) == (128_000, 16_384, "chat")
    assert {"tools", "vision", "json_schema"} <= set(facts.features)
    assert "image" in facts.modalities


def test_spellings_of_one_model_share_one_tariff(catalog: PriceCatalog) -> None:
    tariff, _ = catalog.find("google", "gemini-2.5-pro")
    assert tariff is not None
    assert catalog.find("google", "models/gemini-2.5-pro")[0] is tariff
    assert catalog.find("google", "Gemini-2.5-Pro")[0] is tariff


def test_an_unlisted_snapshot_has_the_price_of_its_family(catalog: PriceCatalog) -> None:
    family, _ = catalog.find("cerebras", "gpt-oss-120b")
    assert family is not None
    assert catalog.find("cerebras", "gpt-oss-120b-2031-02-03")[0] is family
    assert catalog.find("cerebras", "gpt-oss-120b-2031-02-31")[0] is None


def test_a_free_variant_is_priced_at_nothing(catalog: PriceCatalog) -> None:
    tariff, facts = catalog.find("openrouter", "openai/gpt-4o:free")
    assert tariff is not None
    assert tariff.cost(Usage(10**6, 10**6), AT) == 0
    assert facts == catalog.find("openrouter", "openai/gpt-4o")[1]
    assert catalog.find("openrouter", "no/such-model:free")[0] is None


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    catalog = load()
    first = catalog.find("openai", "gpt-4o")
    for n in range(10):
        catalog.find("openai", f"unknown-{n}")
    assert len(catalog._memory) == 3
    assert catalog.find("openai", "gpt-4o") == first


def test_a_missing_a_damaged_and_a_foreign_file_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json.gz"
    with pytest.raises(ConfigError, match="can not be read"):
        load(path)
    for bad in (b"not gzip", gzip.compress(b"{}"), gzip.compress(b"[")):
        path.write_bytes(bad)
        with pytest.raises(ConfigError, match=r"damaged|can not be read"):
            load(path)
    path.write_bytes(catalog_path().read_bytes()[:-200])
    with pytest.raises(ConfigError, match="damaged"):
        load(path)
    document = msgspec.json.decode(gzip.decompress(catalog_path().read_bytes()))
    document["format"] = 99
    path.write_bytes(gzip.compress(msgspec.json.encode(document)))
    with pytest.raises(ConfigError, match="format 99"):
        load(path)
