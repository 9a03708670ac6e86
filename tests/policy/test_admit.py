from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcript import provider, target
from waypost.catalog.override import override
from waypost.config.snapshot import Route, Settings
from waypost.core.asked import Asked
from waypost.core.facts import ModelFacts
from waypost.core.key import Key
from waypost.core.markup import charged
from waypost.core.price import UnitRates
from waypost.core.rules import Standing
from waypost.core.usage import Units, Usage
from waypost.errors import Forbidden, Unpriced
from waypost.policy.admit import check_access, check_alternatives, cost_ceiling
from waypost.policy.directory import Directory


def most(key: Key, one: Route, asked: Asked, settings: Settings, at: float) -> int:
    return cost_ceiling(key, Directory().standing(key).rules, one, asked, settings, at)


KEY = Key(key_id="k", name="app", digest=b"", hint="", created_at=0, budget_nusd=10**9)
ASKED = Asked(model="fast", stream=False, fields={}, input_estimate=100)


def route(name: str = "fast", **changes: object) -> Route:
    return Route(name=name, targets=(target(provider(), **changes),))


@pytest.mark.parametrize(
    ("models", "name", "allowed"),
    [
        ((), "anything", True),
        (("fast",), "fast", True),
        (("fast",), "faster", False),
        (("openai/*",), "openai/gpt-5", True),
        (("openai/*",), "openrouter/openai/gpt-5", False),
        (("*",), "a/b", True),
    ],
)
def test_access_is_by_the_routes_canonical_name(models: tuple[str, ...], name: str, allowed: bool) -> None:
    key = msgspec.structs.replace(KEY, models=models)
    if allowed:
        check_access(Standing(key), route(name), "spelling")
    else:
        with pytest.raises(Forbidden):
            check_access(Standing(key), route(name), name)


def test_an_alias_that_spells_an_allowed_name_opens_nothing() -> None:
    key = msgspec.structs.replace(KEY, models=("gpt-5",))
    with pytest.raises(Forbidden):
        check_access(Standing(key), route("openai/gpt-5"), "gpt-5")


@pytest.mark.parametrize(
    ("name", "requires", "key_route", "closed"),
    [
        ("fast", (), None, None),
        ("fast", ("fast", "quick"), None, None),
        ("fast", ("fast", "slow"), None, "slow"),
        ("slow", ("slow",), None, "asked"),
        ("slow", ("slow", "other"), None, "slow"),
        # The route that the operator gave the key is open to it, and opens nothing else.
        ("route/slow", (), "slow", None),
        ("route/slow", (), "route/slow", None),
        ("route/slow", (), "policy/slow", None),
        ("slow", (), "slow", None),
        ("route/other", (), "slow", "asked"),
        ("slow", (), "route/slow", "asked"),
        ("route/slow", ("route/slow",), "slow", "asked"),
        ("route/slow", ("route/slow", "fast"), "slow", "asked"),
    ],
)
def test_every_model_that_a_request_listed_has_to_be_allowed(
    name: str, requires: tuple[str, ...], key_route: str | None, closed: str | None
) -> None:
    key = msgspec.structs.replace(KEY, models=("fast", "quick"), route=key_route)
    put_together = msgspec.structs.replace(route(name), requires=requires)
    check_access(Standing(msgspec.structs.replace(key, models=())), put_together, "asked")
    if closed is None:
        check_access(Standing(key), put_together, "asked")
    else:
        with pytest.raises(Forbidden, match=f"the model {closed!r}"):
            check_access(Standing(key), put_together, "asked")


def test_a_key_without_a_budget_holds_nothing_even_for_unpriced_models() -> None:
    assert most(msgspec.structs.replace(KEY, budget_nusd=None), route(tariff=None), ASKED, Settings(), 0) == 0


def test_an_unpriced_model_is_refused_under_a_budget_unless_allowed() -> None:
    with pytest.raises(Unpriced):
        most(KEY, route(tariff=None), ASKED, Settings(), 0)
    assert most(KEY, route(tariff=None), ASKED, Settings(allow_unpriced=True), 0) == 0


@pytest.mark.parametrize(
    ("asked", "facts", "ceiling"),
    [
        ({"max_output": 50}, None, 600),
        ({"max_output": 50, "choices": 3}, None, 1600),
        ({}, 20, 300),
        ({}, None, 100 + 10 * 4096),
        ({"choices": 0}, None, 100),
    ],
)
def test_what_is_held(asked: dict[str, int], facts: int | None, ceiling: int) -> None:
    one = route(facts=ModelFacts(max_output=facts))
    assert most(KEY, one, msgspec.structs.replace(ASKED, **asked), Settings(), 0) == ceiling


@given(st.lists(st.booleans(), min_size=1, max_size=5))
def test_the_dearest_target_decides(priced: list[bool]) -> None:
    targets = tuple(
        target(
            provider(f"p{i}"),
            facts=ModelFacts(max_output=10 * (i + 1)),
            tariff=target(provider()).tariff if yes else None,
        )
        for i, yes in enumerate(priced)
    )
    held = most(KEY, Route("r", targets), ASKED, Settings(allow_unpriced=True), 0)
    each = [100 + 100 * (i + 1) for i, yes in enumerate(priced) if yes]
    assert held == max(each, default=0)


class TieredTariff:
    version = "tiers"
    flat = None

    def cost(self, usage: Usage, at: float, tier: str | None = None) -> int:
        return usage.input * {None: 10, "flex": 5, "priority": 20}[tier]

    def ceiling(
        self,
        input_tokens: int,
        output_tokens: int,
        at: float,
        tier: str | None = None,
        units: Units | None = None,
    ) -> int:
        return self.cost(Usage(input=input_tokens), at, tier)

    def unit_rates(self, at: float) -> UnitRates | None:
        return None


@pytest.mark.parametrize(("tier", "held"), [(None, 1000), ("flex", 1000), ("priority", 2000)])
def test_a_cheap_tier_that_was_only_asked_for_lowers_no_hold(tier: str | None, held: int) -> None:
    asked = msgspec.structs.replace(ASKED, tier=tier)
    assert most(KEY, route(tariff=TieredTariff()), asked, Settings(), 0) == held


def test_what_is_counted_beside_tokens_is_held_or_refused() -> None:
    one = route(tariff=override({"per_search": "0.002"}, "x"))
    asked = msgspec.structs.replace(ASKED, units=Units(searches=3))
    assert most(KEY, one, asked, Settings(), 0) == 6_000_000
    flex = msgspec.structs.replace(asked, tier="flex")
    assert most(KEY, one, flex, Settings(), 0) == 6_000_000
    with pytest.raises(Unpriced, match="unknown for what this request asks for"):
        most(KEY, one, ASKED, Settings(), 0)
    assert most(KEY, one, ASKED, Settings(allow_unpriced=True), 0) == 0


@pytest.mark.parametrize("field", ["fallbacks", "models", "preset"])
def test_a_key_with_a_list_of_models_can_not_have_a_provider_choose_others(field: str) -> None:
    limited = msgspec.structs.replace(KEY, models=("fast",))
    wider = msgspec.structs.replace(ASKED, fields={field: msgspec.Raw(b'["other"]')})
    with pytest.raises(Forbidden) as caught:
        check_alternatives(Standing(limited), wider)
    assert caught.value.param == field
    check_alternatives(Standing(KEY), wider)
    check_alternatives(Standing(limited), ASKED)
    check_alternatives(Standing(limited), msgspec.structs.replace(ASKED, fields={field: msgspec.Raw(b"[]")}))


@given(st.integers(0, 10**6), st.integers(0, 10**4))
def test_what_is_held_covers_the_markup(markup: int, output: int) -> None:
    one = Route("fast", (target(msgspec.structs.replace(provider(), markup=markup)),))
    asked = msgspec.structs.replace(ASKED, max_output=output)
    held = most(KEY, one, asked, Settings(), 0.0)
    assert held == charged(100 + 10 * output, markup)


OWN = ("route/own",)


@pytest.mark.parametrize(
    ("approved", "requires", "own", "open_"),
    [
        (True, (), OWN, True),
        (False, (), OWN, False),
        (True, (), (), False),
        (True, ("route/own", "fast"), OWN, True),
        (True, ("route/own", "dear"), OWN, False),
        (True, ("dear",), OWN, False),
        (False, ("route/own", "fast"), OWN, False),
    ],
)
def test_what_is_approved_for_an_organization_need_not_name_its_own_routes(
    approved: bool, requires: tuple[str, ...], own: tuple[str, ...], open_: bool
) -> None:
    made = msgspec.structs.replace(route("route/own"), requires=requires, own=own)
    standing = Standing(
        msgspec.structs.replace(KEY, models=()), models=(("fast",),), whose=("x",), approved=approved
    )
    if open_:
        check_access(standing, made, "spelling")
    else:
        with pytest.raises(Forbidden):
            check_access(standing, made, "spelling")


def test_lists_below_the_organizations_name_its_own_routes() -> None:
    made = msgspec.structs.replace(route("route/own"), own=OWN)
    lists = (("fast",), ("route/own",)), (("fast",), ("fast",))
    for models, allowed in zip(lists, (True, False), strict=True):
        standing = Standing(
            msgspec.structs.replace(KEY, models=()), models=models, whose=("x", "y"), approved=True
        )
        if allowed:
            check_access(standing, made, "spelling")
        else:
            with pytest.raises(Forbidden):
                check_access(standing, made, "spelling")
