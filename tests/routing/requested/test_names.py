from __future__ import annotations

import msgspec
import pytest

from routing.requested.rig import ROUTES, SNAPSHOT, limited, listed, names, targets
from waypost.config.nodes import MaxPrice, Need
from waypost.config.snapshot import Settings
from waypost.core.rules import Standing
from waypost.errors import InvalidRequest, ModelNotFound
from waypost.policy.directory import Directory
from waypost.routing.requested.names import Names
from waypost.routing.requested.offers import Offers

FREE = Need(max_price=MaxPrice(input=0, output=0))


@pytest.mark.parametrize(
    ("name", "found", "model", "sort", "need"),
    [
        # Exactly what was written wins, colons and all.
        ("fast", ["openai/gpt-5", "azure/gpt-5"], "fast", None, None),
        ("qwen3:4b", ["together/qwen3:4b"], "qwen3:4b", None, None),
        ("qwen3:4b:floor", ["together/qwen3:4b", "ollama/qwen3:4b"], "qwen3:4b", "price", None),
        ("qwen3:4b@ollama", ["ollama/qwen3:4b"], "qwen3:4b", None, None),
        ("gpt-5:floor", ["openai/gpt-5", "azure/gpt-5"], "gpt-5", "price", None),
        ("gpt-5:nitro", ["openai/gpt-5", "azure/gpt-5"], "gpt-5", "throughput", None),
        ("gpt-5:free", ["openai/gpt-5", "azure/gpt-5"], "gpt-5", None, FREE),
        ("gpt-5:free:nitro", ["openai/gpt-5", "azure/gpt-5"], "gpt-5", "throughput", FREE),
        ("gpt-5:nitro:floor", ["openai/gpt-5", "azure/gpt-5"], "gpt-5", "price", None),
        ("fast:floor", ["openai/gpt-5", "azure/gpt-5"], "fast", "price", None),
        ("route/prod:floor", ["openai/gpt-5", "together/meta/llama"], "route/prod", "price", None),
        ("policy/prod", ["openai/gpt-5", "together/meta/llama"], "policy/prod", None, None),
        ("gpt-5@azure", ["azure/gpt-5"], "gpt-5", None, None),
        ("gpt-5@azure:floor", ["azure/gpt-5"], "gpt-5", "price", None),
        ("gpt-5:floor@azure", ["azure/gpt-5"], "gpt-5", "price", None),
        ("gpt-5@eu-west-1", ["azure/gpt-5"], "gpt-5", None, Need(regions=frozenset(("eu-west-1",)))),
        ("gpt-5@us", ["openai/gpt-5", "azure/gpt-5"], "gpt-5", None, Need(regions=frozenset(("us",)))),
        ("new@azure", ["azure/new"], "new", None, None),
        ("new:floor@azure", ["azure/new"], "new", "price", None),
        ("new:x@azure", ["azure/new:x"], "new:x", None, None),
        ("fast@azure", ["openai/gpt-5", "azure/gpt-5"], "fast", None, Need(only=("azure",))),
        ("fast@us", ["openai/gpt-5", "azure/gpt-5"], "fast", None, Need(regions=frozenset(("us",)))),
        # A provider and a slash: what follows is its own id, whatever it holds.
        ("openai/gpt-5:floor", ["openai/gpt-5:floor"], "openai/gpt-5:floor", None, None),
        ("azure/gpt-5@eu-west-1", ["azure/gpt-5@eu-west-1"], "azure/gpt-5@eu-west-1", None, None),
        ("openrouter/x:online", ["openrouter/x:online"], "openrouter/x:online", None, None),
        ("@azure/gpt-5", ["azure/gpt-5"], "@azure/gpt-5", None, None),
        ("lone/model:nitro", ["openrouter/lone/model:nitro"], "lone/model:nitro", None, None),
    ],
)
def test_names(name: str, found: list[str], model: str, sort: str | None, need: Need | None) -> None:
    made = names().find(name)
    assert targets(made.route) == found
    assert (made.model, made.sort, made.need) == (model, sort, need)


@pytest.mark.parametrize(
    "name",
    ["nothing", "nothing:floor", "gpt-5:", "gpt-5@", ":floor", "@azure", "gpt-5:thinking", "gpt-5:floor:x",
     "gpt-5@nowhere", "gpt-5:free:free:free:free:free", "", "/", "a" * 9999],
)  # fmt: skip
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        names().find(name)
    assert len(caught.value.message) < 400


def test_search_in_the_web_is_not_left_out_in_silence() -> None:
    with pytest.raises(InvalidRequest, match=":online"):
        names().find("gpt-5:online")


def test_exacto_is_taken_and_said_to_do_nothing() -> None:
    assert "exacto" in names().find("gpt-5:exacto").notes[0]


def test_a_configured_name_beats_every_suffix() -> None:
    odd = msgspec.structs.replace(
        SNAPSHOT, routes={**ROUTES, "gpt-5:floor": ROUTES["fast"], "gpt-5@azure": ROUTES["fast"]}
    )
    found = Names(odd, Standing(limited()), lambda: Offers(odd))
    assert found.find("gpt-5:floor").route is ROUTES["fast"]
    assert found.find("gpt-5@azure").sort is None


def test_an_id_that_only_the_pinned_provider_lists_beats_a_suffix() -> None:
    more = msgspec.structs.replace(SNAPSHOT, routes={**ROUTES, "ollama/new:free": listed("ollama/new:free")})
    found = Names(more, Standing(limited()), lambda: Offers(more)).find("new:free@ollama")
    assert (found.route.name, found.model, found.need) == ("ollama/new:free", "new:free", None)


@pytest.mark.parametrize(
    ("provider", "name", "found", "need"),
    [
        ("azure", "gpt-5", ["azure/gpt-5"], None),
        ("azure", "azure/gpt-5", ["azure/gpt-5"], None),
        ("openrouter", "openai/gpt-5", ["openrouter/openai/gpt-5"], None),
        ("azure", "fast", ["openai/gpt-5", "azure/gpt-5"], Need(only=("azure",))),
        ("openai", "policy/prod", ["openai/gpt-5", "together/meta/llama"], Need(only=("openai",))),
    ],
)
def test_a_name_at_one_provider(provider: str, name: str, found: list[str], need: Need | None) -> None:
    made = names().at(provider, name)
    assert targets(made.route) == found
    assert made.need == need


def test_a_provider_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="nobody"):
        names().at("nobody", "gpt-5")


def test_a_saved_name_is_a_route_and_nothing_else() -> None:
    assert names().saved("prod") is ROUTES["route/prod"]
    for slug in ("fast", "gpt-5", "openai/gpt-5"):
        with pytest.raises(ModelNotFound):
            names().saved(slug)


def test_the_index_is_made_only_when_it_is_needed() -> None:
    def never() -> Offers:
        raise AssertionError("the index was made")

    found = Names(SNAPSHOT, Standing(limited()), never)
    for name in ("gpt-5", "fast", "openai/x", "route/prod"):
        found.find(name)


def test_a_budget_is_offered_only_what_it_can_be_held_to() -> None:
    free = msgspec.structs.replace(
        ROUTES["azure/gpt-5"],
        targets=(msgspec.structs.replace(ROUTES["azure/gpt-5"].targets[0], tariff=None),),
    )
    some = msgspec.structs.replace(SNAPSHOT, routes={**ROUTES, "azure/gpt-5": free})
    lax = msgspec.structs.replace(some, settings=Settings(allow_unpriced=True))
    budget = msgspec.structs.replace(limited(), budget_nusd=1)
    for snapshot, key, found in (
        (some, limited(), ["openai/gpt-5", "azure/gpt-5"]),
        (some, budget, ["openai/gpt-5"]),
        (lax, budget, ["openai/gpt-5", "azure/gpt-5"]),
    ):
        offers = Offers(snapshot)
        made = Names(snapshot, Directory().standing(key), lambda offers=offers: offers).find(
            "gpt-5", wide=True
        )  # type: ignore[misc]
        assert targets(made.route) == found
