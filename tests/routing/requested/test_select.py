from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.boards import FixedBoard, view
from routing.requested.rig import KEY, ROUTES, SNAPSHOT, asked, limited, refusal, select, targets
from transcript import provider, target
from waypost.config.nodes import NO_PREFERENCES, Balanced, Cheapest, Fallback, Fastest, MaxPrice, Need
from waypost.config.snapshot import Route
from waypost.core.key import Key
from waypost.core.rules import Standing
from waypost.errors import Forbidden, InvalidRequest, ModelNotFound
from waypost.policy.admit import check_access
from waypost.routing.plan import Planner
from waypost.routing.requested.select import Selector, trimmed
from waypost.routing.requested.wishes import Wishes

CONFIG = b'{"provider": "azure"}'


def test_nothing_asked_is_the_route_of_the_name_and_the_same_request() -> None:
    plain = asked("openai/gpt-5", temperature=1)
    selected = Selector().select(SNAPSHOT, plain, Wishes(), Standing(KEY))
    assert selected.route is ROUTES["openai/gpt-5"]
    assert selected.asked is plain
    assert selected.preferences is NO_PREFERENCES


@pytest.mark.parametrize(
    ("model", "fields", "wishes", "key_route", "name"),
    [
        # Each row adds what comes before the row above it.
        ("gpt-5", {}, {}, None, "openai/gpt-5"),
        ("gpt-5", {"models": ["fast"]}, {}, None, "openai/gpt-5"),
        ("gpt-5", {"models": ["openai/gpt-5-mini"]}, {}, "prod", "route/prod"),
        ("nonsense", {"models": [7 * "x"]}, {"provider": "nobody"}, "route/prod", "route/prod"),
        ("route/prod", {}, {}, "fast", "route/prod"),
        ("policy/prod", {}, {}, "fast", "route/prod"),
        ("route/prod", {}, {"config": CONFIG}, "fast", None),
        ("gpt-5", {}, {"config": CONFIG}, "fast", "azure/gpt-5"),
        ("gpt-5", {}, {"config": CONFIG, "route": "prod"}, "fast", "route/prod"),
        ("gpt-5", {}, {"config": CONFIG, "route": "policy/prod"}, "fast", "route/prod"),
        ("gpt-5", {}, {"route": "fast"}, "prod", "fast"),
        ("gpt-5", {}, {"route": "openai/new"}, None, "openai/new"),
    ],
)
def test_precedence(
    model: str, fields: dict[str, object], wishes: dict[str, object], key_route: str | None, name: str | None
) -> None:
    key = msgspec.structs.replace(KEY, route=key_route)
    made = select(model, Wishes(**wishes), key, **fields)  # type: ignore[arg-type]
    if name is None:  # a configured route narrowed to one provider keeps its name
        assert made.route.name == "route/prod"
        assert isinstance(made.route.node, Fallback)
        assert made.route.node.need == Need(only=("azure",))
    else:
        assert made.route.name == name


def test_the_keys_route_leaves_its_order_to_the_provider_object() -> None:
    made = select("x", key=limited(route="prod"), provider={"sort": "price", "ignore": ["together"]})
    assert made.route is ROUTES["route/prod"]
    assert made.preferences.sort == "price"
    assert made.preferences.need == Need(ignore=("together",))
    assert "provider" not in made.asked.fields


@pytest.mark.parametrize(
    ("wishes", "key_route", "param"),
    [
        (Wishes(route="gone"), None, "x-waypost-route"),
        (Wishes(route="gone", route_from="waypost.route"), None, "waypost.route"),
        (Wishes(), "gone", None),
    ],
)
def test_a_route_that_is_not_there(wishes: Wishes, key_route: str | None, param: str | None) -> None:
    with pytest.raises(ModelNotFound, match="gone") as caught:
        select("gpt-5", wishes, limited(route=key_route))
    assert caught.value.param == param


def test_unknown_models_are_not_found() -> None:
    for model in ("nothing", "nothing:floor", "gpt-5:unheard", "gpt-5@nowhere", "route/gone", "policy/gone"):
        with pytest.raises(ModelNotFound):
            select(model)
    with pytest.raises(ModelNotFound) as caught:
        select("gpt-5", models=["fast", "nothing"], provider={"sort": "price"}, key=KEY, wishes=Wishes())
    assert caught.value.param == "models[1]"


def test_models_are_tried_in_turn_and_never_sent_on() -> None:
    made = select("gpt-5", models=["gpt-5", "fast", "route/prod", "together/x"], temperature=1)
    assert made.route.requires == ("openai/gpt-5", "fast", "route/prod", "together/x")
    assert made.route.name == "openai/gpt-5"
    assert isinstance(made.route.node, Fallback)
    assert len(made.route.node.children) == 4
    assert made.route.node.children[2] is ROUTES["route/prod"].node, "its need stays on it"
    assert set(made.asked.fields) == {"model", "temperature"}


@pytest.mark.parametrize(
    ("model", "after", "needs"),
    [
        ("fast:free", "fast", (Need(max_price=MaxPrice(input=0, output=0)), None)),
        ("fast@eu-west-1", "fast", (Need(regions=frozenset(("eu-west-1",))), None)),
        ("fast@azure", "fast@openai", (Need(only=("azure",)), Need(only=("openai",)))),
    ],
)
def test_the_same_model_without_what_its_name_asked_is_a_fallback(
    model: str, after: str, needs: tuple[Need, Need | None]
) -> None:
    made = select(model, models=[after, model, after])
    assert made.route.requires == ("fast",)
    assert targets(made.route) == ["openai/gpt-5", "azure/gpt-5"]
    assert isinstance(made.route.node, Fallback)
    assert tuple(child.need for child in made.route.node.children) == needs


def test_what_is_free_is_followed_by_what_is_not() -> None:
    made = select("fast:free", models=["fast"])
    plan = Planner(Random(1).random).plan(made.route, view(preferences=made.preferences), FixedBoard())
    assert sorted(each.target.name for each in plan.candidates) == ["azure/gpt-5", "openai/gpt-5"]


def test_a_provider_that_has_openrouters_prices_is_held_to_the_object() -> None:
    mirror = provider("mirror", prices="openrouter")
    route = Route("mirror/x", (target(mirror, "x"),), "discovered")
    snapshot = msgspec.structs.replace(SNAPSHOT, providers={"mirror": mirror}, routes={"mirror/x": route})
    request = asked("mirror/x", provider={"zdr": True})
    made = Selector().select(snapshot, request, Wishes(), Standing(KEY))
    assert made.preferences.need == Need(zero_retention=True)
    assert "provider" not in made.asked.fields


def test_fallbacks_are_the_same() -> None:
    made = select("openai/gpt-5", fallbacks=[{"model": "azure/gpt-5"}, "fast"])
    assert made.route.requires == ("openai/gpt-5", "azure/gpt-5", "fast")
    assert "fallbacks" not in made.asked.fields


@pytest.mark.parametrize(
    ("model", "name", "at"),
    [
        ("openai/gpt-5", "gpt-5-mini", "openai/gpt-5-mini"),
        ("azure/gpt-5", "gpt-5-mini", "openai/gpt-5-mini"),
        ("azure/gpt-5", "meta/llama", "openrouter/meta/llama"),
        ("together/qwen3:4b", "meta/llama", "together/meta/llama"),
        ("openrouter/openai/gpt-5", "openai/gpt-5", "openai/gpt-5"),
        ("openrouter/openai/gpt-5", "author/new", "openrouter/author/new"),
        ("openai/gpt-5", "fast", "fast"),
    ],
)
def test_a_listed_name_is_looked_for_beside_the_first(model: str, name: str, at: str) -> None:
    assert select(model, models=[name]).route.requires == tuple(dict.fromkeys((model, at)))


def test_beside_several_providers_nothing_is_guessed() -> None:
    with pytest.raises(ModelNotFound):
        select("fast", models=["author/new"])


@pytest.mark.parametrize(
    ("fields", "across"),
    [
        ({"provider": {"sort": "price"}}, False),
        ({"provider": {"sort": {"by": "price"}}}, False),
        ({"provider": {"sort": {"by": "price", "partition": "none"}}}, True),
        ({"provider": {"sort": "price"}, "route": "sort"}, True),
        ({"provider": {"sort": "price"}, "route": "fallback"}, False),
    ],
)
def test_a_sort_is_within_each_model_unless_it_is_across_all(fields: dict[str, object], across: bool) -> None:
    made = select("gpt-5", models=["meta/llama"], **fields)
    assert "route" not in made.asked.fields
    assert made.preferences.sort == ("price" if across else None)
    assert isinstance(made.route.node, Fallback)
    assert all(isinstance(child, Cheapest) for child in made.route.node.children)
    assert targets(made.route) == [
        "openai/gpt-5", "azure/gpt-5", "openrouter/meta/llama", "together/meta/llama",
    ]  # fmt: skip


def test_other_words_in_route_are_not_openrouters_and_pass() -> None:
    assert select("gpt-5", route="north").asked.fields["route"] == msgspec.Raw(b'"north"')


def test_each_listed_model_has_its_own_suffix() -> None:
    made = select("gpt-5:floor", models=["meta/llama:nitro:free"])
    assert isinstance(made.route.node, Fallback)
    first, second = made.route.node.children
    assert isinstance(first, Cheapest)
    assert isinstance(second, Fallback)
    assert second.need is not None
    assert isinstance(second.children[0], Fastest)
    assert made.asked.model == "gpt-5"


def test_a_bare_id_stays_with_its_first_provider_until_something_is_asked_of_the_others() -> None:
    assert targets(select("gpt-5").route) == ["openai/gpt-5"]
    assert targets(select("gpt-5", provider={}).route) == ["openai/gpt-5"]
    assert targets(select("gpt-5", provider=None).route) == ["openai/gpt-5"]
    wide = select("gpt-5", provider={"order": ["azure"]})
    assert isinstance(wide.route.node, Balanced)
    assert targets(wide.route) == ["openai/gpt-5", "azure/gpt-5"]
    assert wide.preferences.order == ("azure",)
    assert targets(select("openai/gpt-5", provider={"order": ["azure"]}).route) == ["openai/gpt-5"]
    assert targets(select("fast", provider={"order": ["azure"]}).route) == ["openai/gpt-5", "azure/gpt-5"]


def test_openrouter_reads_the_object_itself_where_nobody_else_is_asked() -> None:
    strange = {"only_openrouter_knows": 1}
    for model in ("openrouter/openai/gpt-5", "lone/model"):
        made = select(model, provider=strange)
        assert made.asked.fields["provider"] == msgspec.Raw(msgspec.json.encode(strange))
        assert made.preferences is NO_PREFERENCES
    with pytest.raises(InvalidRequest, match="only_openrouter_knows"):
        select("meta/llama", provider=strange)  # together would not know what it means


def test_suffixes_go_on_to_openrouter_where_nobody_else_is_asked() -> None:
    assert targets(select("lone/model:online").route) == ["openrouter/lone/model:online"]


def test_what_an_explicit_route_makes_idle_is_said() -> None:
    made = select("gpt-5", Wishes(route="prod", provider="azure"), models=["fast"])
    assert made.route is ROUTES["route/prod"]
    assert "models" not in made.asked.fields
    assert [note.partition(":")[0] for note in made.notes] == ["`models`", "`x-portkey-provider`"]
    assert select("gpt-5", key=limited(route="prod")).notes == ("the key's own route",)


CLOSED: list[tuple[str, dict[str, object], Wishes]] = [
    ("openai/gpt-5", {"models": ["azure/gpt-5"]}, Wishes()),
    ("openai/gpt-5", {"fallbacks": [{"model": "azure/gpt-5"}]}, Wishes()),
    ("openai/gpt-5", {"models": ["route/prod"]}, Wishes()),
    ("openai/gpt-5", {}, Wishes(route="prod")),
    ("openai/gpt-5", {}, Wishes(route="azure/gpt-5")),
    ("openai/gpt-5", {}, Wishes(config=CONFIG)),
    ("openai/gpt-5", {}, Wishes(config=b'{"override_params":{"model":"fast"}}')),
    (
        "openai/gpt-5",
        {},
        Wishes(config=b'{"strategy":{"mode":"fallback"},"targets":[{},{"provider":"azure"}]}'),
    ),
    ("openai/gpt-5", {}, Wishes(provider="azure")),
    ("gpt-5@azure", {}, Wishes()),
    ("fast@openai", {}, Wishes()),
    ("route/prod", {}, Wishes()),
]


@pytest.mark.parametrize(("model", "fields", "wishes"), CLOSED)
def test_no_way_of_asking_opens_a_model_that_the_key_has_not(
    model: str, fields: dict[str, object], wishes: Wishes
) -> None:
    key = limited("openai/*")
    made = select(model, wishes, key, **fields)
    with pytest.raises(Forbidden):
        check_access(Standing(key), made.route, made.asked.model)
    check_access(Standing(KEY), made.route, made.asked.model)


def test_a_limited_key_is_offered_what_it_may_use() -> None:
    key = limited("azure/*")
    made = select("gpt-5", key=key, provider={"sort": "price"})
    assert targets(made.route) == ["azure/gpt-5"]
    check_access(Standing(key), made.route, made.asked.model)
    none = select("gpt-5", key=limited("fast"), provider={"sort": "price"})
    with pytest.raises(Forbidden):
        check_access(Standing(limited("fast")), none.route, "gpt-5")


def test_a_pin_to_a_region_that_the_key_may_not_use_leaves_nothing() -> None:
    made = select("gpt-5@eu-west-1", key=limited("openai/*"))
    assert targets(made.route) == ["openai/gpt-5"]
    assert isinstance(made.route.node, Fallback)
    assert made.route.node.need == Need(regions=frozenset(("eu-west-1",)))


@pytest.mark.parametrize("route", ["prod", "route/prod", "policy/prod"])
def test_the_keys_own_route_is_open_to_it(route: str) -> None:
    key = limited("fast", route=route)
    check_access(Standing(key), select("anything", key=key).route, "anything")
    with pytest.raises(Forbidden):
        check_access(Standing(key), select("anything", Wishes(route="openai/gpt-5"), key).route, "anything")
    own = select("anything", Wishes(config=b'{"override_params":{"model":"route/prod"}}'), key)
    with pytest.raises(Forbidden):
        check_access(Standing(key), own.route, "anything")


def test_an_earlier_form_loses_the_same_fields() -> None:
    first = asked("gpt-5", models=["fast"], provider={"zdr": True}, input="x")
    made = select("gpt-5", models=["fast"], provider={"zdr": True})
    assert set(trimmed(first, made.asked).fields) == {"model", "input"}
    plain = asked("gpt-5", input="x")
    assert trimmed(plain, made.asked) is plain


def test_what_was_asked_is_not_changed() -> None:
    first = asked("gpt-5:floor", models=["fast"], provider={"zdr": True}, route="sort")
    Selector().select(SNAPSHOT, first, Wishes(), Standing(KEY))
    assert set(first.fields) == {"model", "models", "provider", "route"}
    assert first.model == "gpt-5:floor"


def test_the_index_is_of_the_snapshot_in_force() -> None:
    selector = Selector()
    request = asked("gpt-5", provider={"sort": "price"})
    assert len(selector.select(SNAPSHOT, request, Wishes(), Standing(KEY)).route.targets) == 2
    less = {name: route for name, route in ROUTES.items() if name != "azure/gpt-5"}
    later = msgspec.structs.replace(SNAPSHOT, version=2, routes=less)
    assert len(selector.select(later, request, Wishes(), Standing(KEY)).route.targets) == 1


json = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-9, 600)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
object_fields = st.dictionaries(
    st.sampled_from(
        [
            "order", "allow_fallbacks", "require_parameters", "data_collection", "zdr", "only", "ignore",
            "quantizations", "sort", "preferred_min_throughput", "preferred_max_latency", "max_price", "options",
            "enforce_distillable_text",
        ]
    ),
    json
    | st.sampled_from(["price", "deny", ["azure"], ["fp8"], {"by": "latency"}, {"p50": 1}, {"prompt": "1e999"}]),
    max_size=4,
)  # fmt: skip


@given(
    object_fields | json,
    json | st.lists(st.sampled_from(["fast", "gpt-5:floor", "x"])),
    st.sampled_from(["gpt-5", "fast", "meta/llama:free", "route/prod", "gpt-5@azure"]),
    st.sampled_from([KEY, limited("openai/*"), limited("fast", route="prod")]),
)
def test_any_json_is_a_route_or_a_refusal(provider: object, models: object, model: str, key: Key) -> None:
    refused = refusal(lambda: select(model, key=key, provider=provider, models=models))
    if refused is not None:
        assert refused.status in (400, 404)
        assert refused.param
    else:
        made = select(model, key=key, provider=provider, models=models)
        assert made.route.targets
        assert "models" not in made.asked.fields


NAME = st.sampled_from(
    [
        "gpt-5", "gpt-5:floor", "gpt-5@azure", "gpt-5@eu-west-1", "openai/gpt-5", "openai/new", "azure/gpt-5", "fast",
        "fast@openai", "route/prod", "policy/prod", "meta/llama:free", "@azure/gpt-5", "@openai/gpt-5", "qwen3:4b",
    ]
)  # fmt: skip
AT = st.sampled_from(["openai", "@azure", "together"])
TARGET = st.fixed_dictionaries(
    {}, optional={"provider": AT, "override_params": st.fixed_dictionaries({"model": NAME})}
)
CONFIGS = TARGET | st.fixed_dictionaries(
    {
        "strategy": st.fixed_dictionaries({"mode": st.sampled_from(["single", "fallback", "loadbalance"])}),
        "targets": st.lists(TARGET, min_size=1, max_size=3),
    }
)


@given(
    NAME,
    st.none() | st.lists(NAME, max_size=3),
    st.none() | NAME,
    st.none() | CONFIGS,
    st.none() | st.sampled_from(["openai", "azure"]),
    st.none() | st.sampled_from([{"sort": "price"}, {"order": ["azure"]}, {"only": ["together"]}]),
)
def test_whatever_is_asked_a_limited_key_reaches_its_own_models_only(
    model: str,
    models: list[str] | None,
    route: str | None,
    config: object,
    provider: str | None,
    preferences: object,
) -> None:
    key = limited("openai/*")
    wishes = Wishes(
        route=route,
        config=None if config is None else msgspec.json.encode(config),
        provider=provider,
    )
    fields = {"models": models, "provider": preferences}

    def admitted() -> None:
        made = select(model, wishes, key, **fields)
        check_access(Standing(key), made.route, made.asked.model)
        assert all(key.may_use(target.name) for target in made.route.targets)
        assert not {"models", "fallbacks", "provider"} & set(made.asked.fields)

    refused = refusal(admitted)
    assert refused is None or refused.status in (400, 403, 404)
