from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.requested.rig import ROUTES, names, refusal, targets
from waypost.config.nodes import (
    Conditional,
    Fallback,
    Leaf,
    Need,
    Node,
    Overlay,
    Weighted,
)
from waypost.errors import InvalidRequest, ModelNotFound
from waypost.routing.requested.portkey import Compiled, Configs
from waypost.routing.view import Lookup

TWO = [{"provider": "openai"}, {"provider": "azure"}]


def build(config: object, model: str = "gpt-5", provider: str | None = None) -> Compiled:
    raw = config if isinstance(config, bytes) else msgspec.json.encode(config)
    return Configs().compile(raw, names(), 1, model, provider)


def tree(config: object, **how: str) -> Node:
    node = build(config, **how).route.node
    assert node is not None
    return node


def balance(*targets: object, **strategy: object) -> dict[str, object]:
    return {"strategy": {"mode": "loadbalance", **strategy}, "targets": list(targets)}


@pytest.mark.parametrize(
    ("config", "model", "provider", "found"),
    [
        ({"provider": "azure"}, "gpt-5", None, ["azure/gpt-5"]),
        ({"provider": "@azure"}, "gpt-5", None, ["azure/gpt-5"]),
        ({"virtual_key": "azure"}, "gpt-5", None, ["azure/gpt-5"]),
        ({"provider": "azure", "override_params": {"model": "new"}}, "gpt-5", None, ["azure/new"]),
        ({"override_params": {"model": "@azure/new"}}, "gpt-5", None, ["azure/new"]),
        ({}, "gpt-5", None, ["openai/gpt-5"]),
        ({}, "gpt-5", "azure", ["azure/gpt-5"]),
        ({}, "fast", None, ["openai/gpt-5", "azure/gpt-5"]),
        ({"retry": {"attempts": 1}}, "@azure/x", None, ["azure/x"]),
        (
            {"strategy": {"mode": "single"}, "targets": [{"provider": "azure"}, {"api_key": 1}]},
            "x",
            None,
            ["azure/x"],
        ),
        (
            {"strategy": {"mode": "fallback"}, "targets": TWO},
            "gpt-5",
            None,
            ["openai/gpt-5", "azure/gpt-5"],
        ),
    ],
)
def test_who_is_asked(config: object, model: str, provider: str | None, found: list[str]) -> None:
    made = build(config, model, provider)
    assert targets(made.route) == found
    assert made.route.name == made.route.requires[0]


def test_a_configured_route_at_one_provider_keeps_its_targets_and_a_need() -> None:
    made = tree({"provider": "azure"}, model="fast")
    assert isinstance(made, Fallback)
    assert made.need == Need(only=("azure",))


def test_names_of_all_targets_are_required() -> None:
    config = {
        "strategy": {"mode": "fallback"},
        "targets": [
            {"override_params": {"model": "fast"}},
            {"override_params": {"model": "route/prod"}},
            balance(*TWO),
        ],
    }
    assert build(config).route.requires == ("fast", "route/prod", "openai/gpt-5", "azure/gpt-5")


def test_a_saved_config_is_a_route() -> None:
    assert build(b" prod ").route is ROUTES["route/prod"]
    for slug in (b"pc-unknown", b"fast", b"openai/gpt-5", b"", b'"prod"', b"[1]", b"\xff"):
        with pytest.raises(InvalidRequest) as caught:
            build(slug)
        assert caught.value.param == "x-portkey-config"


def test_the_nearest_fallback_with_something_left_says_when() -> None:
    inner = {
        "strategy": {"mode": "fallback", "on_status_codes": [500]},
        "targets": [*TWO],
    }
    config = {
        "strategy": {"mode": "fallback", "on_status_codes": [429]},
        "targets": [inner, {"provider": "together"}],
    }
    made = tree(config)
    assert isinstance(made, Fallback)
    nested, last = made.children
    assert isinstance(nested, Fallback)
    codes = []
    for leaf in (*nested.children, last):
        assert isinstance(leaf, Leaf)
        codes.append(leaf.overlay and leaf.overlay.fallback_on)
    assert codes == [frozenset((500,)), frozenset((429,)), None]


@pytest.mark.parametrize(
    ("weights", "drawn"),
    [
        ((None, None), (1, 1)),
        ((0.7, 0.3), (7, 3)),
        ((1, 0.5), (2, 1)),
        ((100, 0), (1,)),
        (("0.25", 1), (1, 4)),
    ],
)
def test_weights(weights: tuple[object, object], drawn: tuple[int, ...]) -> None:
    made = tree(balance(*({**each, "weight": weight} for each, weight in zip(TWO, weights, strict=True))))
    assert isinstance(made, Weighted)
    assert made.weights == drawn
    assert made.sticky == ()


def test_all_drained_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        build(balance(*({**each, "weight": 0} for each in TWO)))
    assert caught.value.param == "x-portkey-config.targets"


def test_sticky_draws_are_of_the_key_and_the_named_fields() -> None:
    fields = ["metadata.team", "params.user", "headers.X-A"]
    made = tree(balance(*TWO, sticky={"enabled": True, "hash_fields": fields}))
    assert isinstance(made, Weighted)
    assert made.sticky == ("metadata:team", "user", "header:x-a", "key")
    other = tree(balance(*TWO, sticky={"enabled": True}))
    assert isinstance(other, Weighted)
    assert other.sticky == ("key",)
    assert other.name != made.name, "two configs do not move in step"
    off = tree(balance(*TWO, sticky={"enabled": False, "hash_fields": fields}))
    assert isinstance(off, Weighted)
    assert off.sticky == ()
    assert "ttl" in build(balance(*TWO, sticky={"ttl": 60})).notes[0]


def test_conditions_choose_by_name() -> None:
    config = {
        "strategy": {
            "mode": "conditional",
            "conditions": [
                {"query": {"metadata.plan": "paid"}, "then": "best"},
                {"query": {"params.n": {"$gt": 1}}, "then": "cheap"},
            ],
            "default": "cheap",
        },
        "targets": [{"name": "cheap", "provider": "together"}, {"name": "best", "provider": "openai"}],
    }
    made = tree(config)
    assert isinstance(made, Conditional)
    facets = Lookup({"metadata": {"plan": "paid"}, "body": {"n": 1}})
    assert [branch.when.holds(facets) for branch in made.branches] == [True, False]
    first, second = (branch.then for branch in made.branches)
    assert isinstance(first, Leaf)
    assert first.target.provider.name == "openai"
    assert made.otherwise is second
    del config["strategy"]["default"]  # type: ignore[attr-defined]
    bare = tree(config)
    assert isinstance(bare, Conditional)
    assert bare.otherwise is None


def test_overlays_are_inherited() -> None:
    config = {
        **balance({"provider": "openai"}, {"provider": "azure", "request_timeout": 50}),
        "override_params": {"seed": 1},
        "request_timeout": 2000,
    }
    made = tree(config)
    assert isinstance(made, Weighted)
    first, second = made.children
    assert isinstance(first, Leaf)
    assert isinstance(second, Leaf)
    seed = {"seed": msgspec.Raw(b"1")}
    assert first.overlay == Overlay(override=seed, timeout_s=2.0)
    assert second.overlay == Overlay(override=seed, timeout_s=0.05)
    plain = tree(balance(*TWO))
    assert isinstance(plain, Weighted)
    assert all(isinstance(leaf, Leaf) and leaf.overlay is None for leaf in plain.children)


def test_the_same_target_asked_otherwise_is_another_one() -> None:
    again = {"provider": "openai", "override_params": {"seed": 1}}
    config = {"strategy": {"mode": "fallback"}, "targets": [{"provider": "openai"}, again, again]}
    made = build(config).route
    assert targets(made) == ["openai/gpt-5"] * 3
    assert len({id(target) for target in made.targets}) == 3


def test_what_has_no_effect_is_said_once() -> None:
    config = {
        **balance(*({**each, "cache": {"mode": "simple"}} for each in TWO), cb_config={}),
        "cache": "simple",
    }
    assert [note.partition(":")[0] for note in build(config).notes] == ["`cache`", "`cb_config`"]


NESTED: object = {}
for _ in range(10):
    NESTED = {"strategy": {"mode": "fallback"}, "targets": [NESTED]}
ONE = {"name": "a", "provider": "openai"}


@pytest.mark.parametrize(
    ("config", "param"),
    [
        ({"provider": "nobody"}, "provider"),
        ({"virtual_key": "nobody"}, "virtual_key"),
        ({"provider": 1}, "provider"),
        ({"api_key": "x"}, "api_key"),
        ({"targets": TWO}, "strategy"),
        ({"strategy": {"mode": "fallback"}}, "targets"),
        ({"strategy": {"mode": "fallback"}, "targets": []}, "targets"),
        ({"strategy": {"mode": "fallback"}, "targets": {}}, "targets"),
        ({"strategy": {"mode": "best"}, "targets": TWO}, "strategy.mode"),
        ({"strategy": {}, "targets": TWO}, "strategy.mode"),
        ({"strategy": {"mode": "fallback", "speed": 1}, "targets": TWO}, "strategy.speed"),
        ({"strategy": {"mode": "fallback"}, "targets": [ONE, 7]}, "targets[1]"),
        (
            {"strategy": {"mode": "fallback"}, "targets": [ONE, {"custom_host": "http://a"}]},
            "targets[1].custom_host",
        ),
        (
            {"strategy": {"mode": "fallback", "on_status_codes": ["x"]}, "targets": TWO},
            "strategy.on_status_codes",
        ),
        (balance(*TWO, sticky={"hash_fields": ["user"]}), "strategy.sticky.hash_fields[0]"),
        (balance(*TWO, sticky={"hash_fields": ["metadata.x"] * 17}), "strategy.sticky.hash_fields"),
        (balance(*TWO, sticky={"hash_fields": ["metadata.a", "params.n"]}), "strategy.sticky.hash_fields[1]"),
        (balance(*TWO, sticky={"salt": "x"}), "strategy.sticky.salt"),
        ({"strategy": {"mode": "conditional"}, "targets": [ONE]}, "strategy.conditions"),
        (
            {"strategy": {"mode": "conditional", "conditions": [{"then": "a"}]}, "targets": [ONE]},
            "strategy.conditions[0].query",
        ),
        (
            {
                "strategy": {"mode": "conditional", "conditions": [{"query": {"x": 1}, "then": "a"}]},
                "targets": [ONE],
            },
            "strategy.conditions[0].query",
        ),
        (
            {
                "strategy": {"mode": "conditional", "conditions": [{"query": {"params.x": 1}, "then": "b"}]},
                "targets": [ONE],
            },
            "strategy.conditions[0].then",
        ),
        (
            {
                "strategy": {
                    "mode": "conditional",
                    "conditions": [{"query": {"params.x": 1}, "then": "a"}],
                    "default": "b",
                },
                "targets": [ONE],
            },
            "strategy.default",
        ),
        ({"strategy": {"mode": "fallback"}, "targets": [{}] * 201}, "targets"),
        ({"metadata": {"a": "b"}}, "metadata"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(config: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        build(config)
    assert caught.value.param == f"x-portkey-config.{param}"
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "config",
    [
        b"{",
        b'{"a":1',
        b'{"targets":' + b"[" * 100_000,
        b'{"name":"' + b"x" * 70_000 + b'"}',
        b'{"name":"\xff"}',
        NESTED,
        {"strategy": {"mode": "fallback"}, "targets": [balance(*[{}] * 100), balance(*[{}] * 101)]},
    ],
)
def test_what_is_too_much_or_no_json_is_refused(config: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        build(config)
    assert (caught.value.param or "").startswith("x-portkey-config")


def test_models_that_nobody_has_are_not_found() -> None:
    with pytest.raises(ModelNotFound):
        build({"override_params": {"model": "nothing"}})


def test_the_same_config_is_compiled_once_for_a_snapshot_a_model_and_a_provider() -> None:
    configs, raw = Configs(), msgspec.json.encode(balance(*TWO))
    first = configs.compile(raw, names(), 1, "gpt-5", None)
    assert configs.compile(raw, names(), 1, "gpt-5", None) is first
    for version, model, provider in ((2, "gpt-5", None), (2, "new", None), (2, "gpt-5", "azure")):
        assert configs.compile(raw, names(), version, model, provider) is not first
    assert len(configs._compiled) == 3
    for number in range(999):
        configs.compile(raw, names(), 2, f"m{number}", None)
    assert len(configs._compiled) <= 256


def matching(*patterns: str) -> dict[str, object]:
    conditions = [{"query": {"metadata.x": {"$regex": each}}, "then": "a"} for each in patterns]
    return {"strategy": {"mode": "conditional", "conditions": conditions}, "targets": [ONE]}


def test_patterns_are_counted_over_the_whole_config() -> None:
    assert build(matching(*["^a"] * 16)).patterns == 16
    assert build(matching(*[r"^\p{L}+$"] * 4)).patterns == 16
    nested = {"strategy": {"mode": "fallback"}, "targets": [matching(*["^a"] * 9)] * 2}
    for config, path in (
        (matching(*["^a"] * 17), "strategy.conditions[16].query"),
        (matching(*[r"^\p{L}+$"] * 5), "strategy.conditions[4].query"),
        (nested, "targets[1].strategy.conditions[7].query"),
    ):
        with pytest.raises(InvalidRequest, match="16 patterns") as caught:
            build(config)
        assert caught.value.param == f"x-portkey-config.{path}"


def test_of_configs_with_many_patterns_fewer_are_kept() -> None:
    configs, raw = Configs(), msgspec.json.encode(matching(*["^a"] * 16))
    for number in range(99):
        configs.compile(raw, names(), 1, "gpt-5", f"p{number}")
        assert sum(each.patterns for _, each in configs._compiled.values()) <= 512
    assert configs._compiled


json = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 600) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
leaf = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["a", "b"]) | json,
        "provider": st.sampled_from(["openai", "@azure", "nobody"]) | json,
        "virtual_key": st.just("azure") | json,
        "weight": st.floats(0, 9) | json,
        "retry": st.fixed_dictionaries({}, optional={"attempts": json, "on_status_codes": json}) | json,
        "request_timeout": json,
        "override_params": st.dictionaries(st.sampled_from(["model", "seed", "stream"]), json, max_size=2),
        "default_params": json,
        "drop_params": st.lists(st.sampled_from(["a", "a[0]", "["]), max_size=2) | json,
        "cache": json,
        "api_key": json,
    },
)
strategy = st.fixed_dictionaries(
    {"mode": st.sampled_from(["single", "fallback", "loadbalance", "conditional"]) | json},
    optional={
        "on_status_codes": st.lists(st.integers(100, 599), max_size=2) | json,
        "conditions": st.lists(
            st.fixed_dictionaries(
                {"query": st.just({"metadata.a": "b"}) | json, "then": st.sampled_from(["a", "b"])}
            ),
            max_size=2,
        )
        | json,
        "default": st.sampled_from(["a", "b"]) | json,
        "sticky": st.fixed_dictionaries({}, optional={"enabled": json, "hash_fields": json, "ttl": json})
        | json,
        "cb_config": json,
    },
)
config = st.recursive(
    leaf,
    lambda inner: st.fixed_dictionaries(
        {"strategy": strategy, "targets": st.lists(inner, max_size=3) | json}
    ),
    max_leaves=4,
)


@given(config | json)
def test_any_json_is_a_tree_or_a_refusal(written: object) -> None:
    refused = refusal(lambda: build(written))
    if refused is not None:
        assert refused.status in (400, 404)
        assert refused.param
    else:
        made = build(written)
        assert made.route.requires
        assert made.route.targets


@given(st.binary(max_size=40))
def test_any_bytes_are_a_tree_or_a_refusal(written: bytes) -> None:
    refused = refusal(lambda: build(written))
    assert refused is None or refused.param
