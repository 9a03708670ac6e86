from __future__ import annotations

import pytest

from routing.boards import AT, PerToken, named
from transcript import provider
from waypost.config.nodes import MaxPrice, Need
from waypost.config.targets import Target
from waypost.core.decision import Reason
from waypost.core.facts import ModelFacts
from waypost.routing.expected import ListPrices
from waypost.routing.needs import Asker, Verdicts, matches, missing, unmet

VERTEX = named(
    "vertex",
    provider_region="eu-west1",
    provider_trains=False,
    provider_retains=False,
    quantization="fp8",
    facts=ModelFacts(context=100_000, features=("tools", "vision")),
)
SILENT = named("silent")


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("vertex", True),
        ("vertex/eu-west1", True),
        ("vertex/us", False),
        ("vertex/*", True),
        ("*/eu-*", True),
        ("vert*", True),
        ("v?rtex", True),
        ("[uv]ertex", True),
        ("vert", False),
        ("Vertex", False),
        ("eu-west1", False),
        ("*", True),
    ],
)
def test_patterns_of_providers(pattern: str, told: bool) -> None:
    assert matches(VERTEX.provider, (pattern,)) is told
    assert matches(VERTEX.provider, ("none", pattern)) is told


def test_a_name_stands_for_all_of_a_providers_keys() -> None:
    assert matches(provider("vertex", key_name="second"), ("vertex",))
    assert not matches(provider("vertex"), ("vertex/eu",))


@pytest.mark.parametrize(
    ("need", "vertex", "silent"),
    [
        (Need(), None, None),
        (Need(only=("vertex",)), None, "not_allowed"),
        (Need(ignore=("vert*",)), "ignored", None),
        (Need(only=("vertex",), ignore=("vertex/eu-west1",)), "ignored", "not_allowed"),
        (Need(regions=frozenset({"eu-west1"})), None, "region"),
        (Need(regions=frozenset({"us"})), "region", "region"),
        (Need(no_training=True), None, "training"),
        (Need(zero_retention=True), None, "retention"),
        (Need(quantizations=frozenset({"fp8"})), None, "quantization"),
        (Need(quantizations=frozenset({"unknown"})), "quantization", None),
        (Need(features=frozenset({"tools"})), None, None),
        (Need(features=frozenset({"tools", "audio"})), "features", None),
        (Need(context=100_000), None, None),
        (Need(context=100_001), "context", None),
    ],
)
def test_what_a_need_leaves_out(need: Need, vertex: Reason | None, silent: Reason | None) -> None:
    for target, reason in ((VERTEX, vertex), (SILENT, silent)):
        verdict = unmet(need, target)
        assert (None if verdict is None else verdict[0]) == reason
        assert verdict is None or verdict[1]


@pytest.mark.parametrize(
    ("quantization", "wanted", "told"),
    [
        ("mxfp4", "fp4", True),
        ("nvfp4", "fp4", True),
        ("mxfp8", "fp8", True),
        ("fp4", "nvfp4", False),
        ("fp16", "fp8", False),
    ],
)
def test_a_width_includes_its_variants(quantization: str, wanted: str, told: bool) -> None:
    target = named("p", quantization=quantization)
    assert (unmet(Need(quantizations=frozenset({wanted})), target) is None) is told


def test_those_known_to_train_or_keep_are_told_apart_from_those_not_known() -> None:
    trains = named("p", provider_trains=True, provider_retains=True)
    for need, known in ((Need(no_training=True), "it trains"), (Need(zero_retention=True), "it keeps")):
        assert (unmet(need, trains) or ("", ""))[1].startswith(known)
        assert (unmet(need, SILENT) or ("", ""))[1].startswith("it is not known")


def test_missing_features_in_order_and_none_where_nothing_is_known() -> None:
    assert missing(("tools",), {"vision", "audio", "tools"}) == ["audio", "vision"]
    assert missing((), {"vision"}) == []


def asked(need: Need, target: Target) -> str | None:
    verdict = Asker(need, ListPrices(), AT, None).of(target)
    return None if verdict is None else verdict[0]


def test_the_price_is_asked_last() -> None:
    dear = named("dear", tariff=PerToken(5000))
    need = Need(max_price=MaxPrice(input=4_999_000_000), ignore=("bad",))
    assert asked(need, dear) == "max_price"
    assert asked(need, named("bad", tariff=PerToken(5000))) == "ignored"
    assert asked(Need(max_price=MaxPrice(input=5_000_000_000)), dear) is None


def test_what_was_said_is_kept_and_prices_for_a_quarter_of_an_hour() -> None:
    tariff = PerToken(1)
    target, verdicts = named("p", tariff=tariff), Verdicts(ListPrices())
    need = Need(max_price=MaxPrice(input=1))
    for at in (AT, AT + 1, AT + 2):
        assert verdicts.asker(need, at, None).of(target) is not None
    often = tariff.asked
    assert verdicts.asker(need, AT + 900, None).of(target) is not None
    assert tariff.asked == 2 * often
    assert verdicts.asker(need, AT, "flex").of(target) is not None
    unpriced = Need(context=5)
    assert verdicts.asker(unpriced, AT, None) is verdicts.asker(unpriced, AT + 9000, "flex")


def test_what_is_kept_is_bounded() -> None:
    verdicts = Verdicts(ListPrices())
    needs = [Need(context=size) for size in range(1025)]
    first = verdicts.asker(needs[0], AT, None)
    for need in needs:
        verdicts.asker(need, AT, None)
    assert verdicts.asker(needs[0], AT, None) is not first
    targets = [named("p") for _ in range(4097)]
    assert all(first.of(target) is None for target in targets)
