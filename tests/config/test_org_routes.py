"""What an organization's own routes may lead to. `APPROVED` is what an operator lets it use."""

from __future__ import annotations

import pytest

from config.golden_view import surroundings
from waypost.config.load import load_bytes
from waypost.config.nodes import Canary, Fallback, Shadow, Weighted, targets_of
from waypost.config.org_routes import Conditions
from waypost.config.org_trees import route_of
from waypost.config.resolve import resolve
from waypost.config.snapshot import Ground, OrgRoutes, Snapshot
from waypost.core.org_route import DEAR_MAX, DROPS_MAX
from waypost.errors import ConfigError

LAB = """
providers: [{name: lab, dialect: openai_chat, base_url: http://lab/v1}]
models:
  - {name: fast, targets: [{provider: lab, model: f}]}
  - {name: dear, targets: [{provider: lab, model: d}]}
routes:
  - {name: shared, fallback: [{target: lab/secret}, {target: lab/m}]}
  - {name: closed, target: lab/secret}
"""
APPROVED = ("lab/m", "fast", "route/shared")


def snap(text: str = LAB) -> Snapshot:
    return resolve(load_bytes(text.encode()), surroundings(), version=1)


def ground(text: str = LAB) -> Ground:
    found = snap(text).ground
    assert found is not None
    return found


def built(*trees: tuple[str, str], models: tuple[str, ...] = (), text: str = LAB) -> OrgRoutes:
    return ground(text).build("org_a", models, trees)


def refused(tree: str, *others: tuple[str, str], models: tuple[str, ...] = (), name: str = "own") -> str:
    problems = ground().find_problems("org_a", models, route_of(name, tree), others)
    return "; ".join(f"{each.path}: {each.message} {each.hint or ''}".strip() for each in problems)


def names(routes: OrgRoutes, name: str = "route/own") -> list[str]:
    return [target.name for target in routes.routes[name].targets]


def test_a_route_has_two_names_an_owner_and_the_very_targets_of_the_configuration() -> None:
    base = snap()
    assert base.ground is not None
    own = base.ground.build("org_a", (), [("own", '{"fallback":[{"target":"lab/m"},{"route":"shared"}]}')])
    route = own.routes["route/own"]
    assert own.routes["policy/own"] is route
    assert (route.name, route.kind, route.owner, route.own) == ("route/own", "route", "org_a", ("route/own",))
    assert names(own) == ["lab/m", "lab/secret"]
    assert route.targets[0] in base.routes["route/shared"].targets
    assert isinstance(route.node, Fallback)
    assert route.node.children[1] is base.routes["route/shared"].node
    assert own.faults == {}


def test_draws_and_canaries_of_two_organizations_are_told_apart() -> None:
    tree = (
        '{"fallback":[{"weighted":[{"target":"lab/m"},{"target":"lab/n"}]},'
        '{"canary":{"target":"lab/m"},"stable":{"target":"lab/n"},"percent":5}]}'
    )
    found = ground()
    called = []
    for home in ("org_a", "org_b"):
        node = found.build(home, (), [("own", tree)]).routes["route/own"].node
        assert isinstance(node, Fallback)
        called += [each.name for each in node.children if isinstance(each, Weighted | Canary)]
    assert len(set(called)) == 4


#: Wherever a target can stand; X is what must not be reached.
PLACES = (
    "X",
    '{"fallback":[OK,X]}',
    '{"weighted":[X,OK]}',
    '{"cheapest":[OK,X]}',
    '{"fastest":[OK,X]}',
    '{"least_busy":[OK,X]}',
    '{"balanced":[OK,X]}',
    '{"conditional":[{"when":"true","then":X}],"otherwise":OK}',
    '{"conditional":[{"when":"true","then":OK}],"otherwise":X}',
    '{"canary":X,"stable":OK,"percent":50}',
    '{"canary":OK,"stable":X,"percent":50}',
    '{"shadow":X,"main":OK,"percent":100}',
    '{"shadow":OK,"main":X,"percent":100}',
    '{"hedge":{"fallback":[OK,X]}}',
    '{"fallback":[{"hedge":{"fallback":[{"shadow":X,"main":OK,"percent":100},OK]}}]}',
)
FORBIDDEN = (
    '{"target":"lab/secret"}',
    '{"target":"dear"}',
    '{"route":"closed"}',
    '{"route":"route/closed"}',
    '{"target":"lab/M"}',
    '{"target":"lab/m2"}',
    '{"target":"lab/secret","need":{"only":["lab"]}}',
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("leaf", FORBIDDEN)
def test_what_is_not_approved_is_not_reached_wherever_it_stands(place: str, leaf: str) -> None:
    tree = place.replace("X", leaf).replace("OK", '{"target":"lab/m"}')
    assert "may not use" in refused(tree, models=APPROVED)
    own = built(("own", tree), models=APPROVED)
    assert "may not use" in own.faults["own"][0]
    route = own.routes.get("route/own")
    reached = [] if route is None or route.node is None else _everywhere(route.node)
    assert set(reached) <= {"lab/m"}
    assert built(("own", tree)).faults == {}, "without such a list everything may be used"


def _everywhere(node: object) -> list[str]:
    """Targets of a tree, shadows included."""
    found = [target.name for target in targets_of(node)]  # type: ignore[arg-type]
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Shadow):
            found += _everywhere(each.shadow)
            waiting.append(each.main)
        waiting += [*getattr(each, "children", ()), *filter(None, [getattr(each, "child", None)])]
    return found


def test_what_is_not_approved_is_not_reached_through_another_route_of_ones_own() -> None:
    inner = ("inner", '{"fallback":[{"target":"lab/secret"},{"target":"lab/m"}]}')
    own = built(("own", '{"route":"inner"}'), inner, models=APPROVED)
    assert names(own) == ["lab/m"]
    assert list(own.faults) == ["inner"]


def test_a_route_of_the_gateway_that_is_approved_leads_where_the_operator_lets_it() -> None:
    assert names(built(("own", '{"route":"shared"}'), models=APPROVED)) == ["lab/secret", "lab/m"]
    assert refused('{"fallback":[{"route":"shared"},{"target":"fast"}]}', models=APPROVED) == ""


def test_an_organization_says_nothing_of_prices() -> None:
    tree = '{"target":"lab/m","prices":{"input":0,"output":0}}'
    assert refused(tree) == "tree.prices: what a target costs is said by the gateway's operator Leave it out."
    assert built(("own", tree)).routes == {}


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ('{"target":"labb/m"}', "tree.target: there is no provider 'labb' Did you mean 'lab'?"),
        ('{"target":"fst"}', "tree.target: there is no model 'fst' in `models` Did you mean 'fast'?"),
        (
            '{"fallback":[{"route":"shred"}]}',
            "tree.fallback[0].route: there is no route 'shred', neither of the organization nor of the gateway "
            "Did you mean 'shared'?",
        ),
        ('{"fallback":[{}]}', "tree.fallback[0]: this node says nothing of what it is"),
        (
            '{"conditional":[{"when":"request.x","then":{"target":"fast"}}]}',
            "tree.conditional[0].when: `request` has no",
        ),
        (
            '{"conditional":[{"when":"headers.authorization == \'x\'","then":{"target":"fast"}}]}',
            "tree.conditional[0].when: the header authorization holds a secret",
        ),
        ('{"target":"fast","percent":5}', "tree.percent: `percent` belongs to"),
    ],
)
def test_what_does_not_lead_anywhere_is_refused_with_its_place(tree: str, told: str) -> None:
    assert refused(tree).startswith(told)


def test_names_of_what_is_not_approved_are_not_given_away() -> None:
    for tree in ('{"target":"labb/m"}', '{"target":"dearr"}', '{"route":"close"}', '{"target":"nobody/m"}'):
        told = refused(tree, models=("route/*", "*arr", "lab?/m", "nobody/*"))
        assert told
        assert "'dear'" not in told
        assert "'lab'" not in told
    assert "closed" not in refused('{"route":"close"}', models=("route/close", "route/shared"))


def test_the_names_of_the_gateway_are_taken() -> None:
    assert refused('{"target":"fast"}', name="shared").startswith(
        "name: the gateway's configuration has a route"
    )
    assert refused('{"target":"fast"}', name="fast").startswith(
        "name: the gateway's configuration has a model"
    )


def test_a_circle_is_refused_wherever_it_is_closed() -> None:
    others = (("b", '{"route":"c"}'), ("c", '{"fallback":[{"route":"own"},{"target":"fast"}]}'))
    assert "in itself" in refused('{"route":"b"}', *others)
    assert "in itself" in refused('{"fallback":[{"route":"own"}]}')
    own = built(("own", '{"route":"b"}'), *others)
    assert {"own", "c"} <= set(own.faults)


def test_what_a_route_includes_counts_for_its_bounds() -> None:
    leaf = '{"target":"fast"}'
    wide = ("wide", '{"fallback":[' + ",".join([leaf] * 600) + "]}")
    assert refused(wide[1]) == ""
    assert "more than 1000 nodes" in refused('{"fallback":[{"route":"wide"},{"route":"wide"}]}', wide)
    deep = '{"fallback":[' * 16 + leaf + "]}" * 16
    assert "16 in each other" in refused(deep)


def test_conditions_have_a_bound_of_their_own() -> None:
    branch = '{"when":"request.stream","then":{"target":"fast"}}'
    half = ("half", '{"conditional":[' + ",".join([branch] * (DEAR_MAX // 2)) + "]}")
    twice = '{"fallback":[{"route":"half"},{"route":"half"}]}'
    assert refused(twice, half) == ""
    more = '{"fallback":[{"route":"half"},{"route":"half"},{"conditional":[' + branch + "]}]}"
    assert f"more than {DEAR_MAX} conditions" in refused(more, half)


def test_targets_that_change_the_body_count_as_conditions_do() -> None:
    leaf = '{"target":"fast","drop":["x"]}'
    assert refused('{"fallback":[' + ",".join([leaf] * DEAR_MAX) + "]}") == ""
    assert "more than" in refused('{"fallback":[' + ",".join([leaf] * (DEAR_MAX + 1)) + "]}")
    many = ",".join(f'"x{number}"' for number in range(DROPS_MAX + 1))
    assert f"more than {DROPS_MAX} paths" in refused(f'{{"target":"fast","drop":[{many}]}}')


@pytest.mark.parametrize(
    "leaf",
    [
        '{"target":"lab/m","set":{"models":["lab/secret"]}}',
        '{"target":"lab/m","default":{"Fallbacks":[{"model":"lab/secret"}]}}',
        '{"target":"lab/m","set":{"preset":"mine"}}',
        '{"target":"lab/m","set":{"model":"lab/secret"}}',
        '{"target":"lab/m","set":{"previous_response_id":"resp_1"}}',
        '{"target":"lab/m","drop":["a["]}',
        '{"target":"lab/m","drop":["a' + ".a" * 20 + '"]}',
        '{"target":"lab/m","percent":5}',
        '{"target":"lab/m","prices":{"input":0,"output":0}}',
        '{"weighted":[{"target":"lab/m"}],"sticky":["header:authorization"]}',
        '{"canary":{"target":"lab/m"},"stable":{"target":"lab/m"},"percent":500}',
    ],
)
def test_what_is_wrong_is_not_used_even_where_it_was_stored_unchecked(leaf: str) -> None:
    assert refused(leaf)
    own = built(("own", f'{{"fallback":[{leaf},{{"target":"fast"}}]}}'))
    assert names(own) == ["lab/f"]
    assert own.faults["own"]


def test_a_provider_that_is_taken_away_leaves_the_rest_in_use() -> None:
    trees = [
        ("own", '{"fallback":[{"target":"gone/m"},{"target":"lab/m"}]}'),
        ("lost", '{"conditional":[{"when":"true","then":{"target":"gone/m"}}]}'),
        ("around", '{"route":"lost"}'),
    ]
    own = built(*trees)
    assert names(own) == ["lab/m"]
    assert own.faults["own"] == ("tree.fallback[0].target: there is no provider 'gone'",)
    assert set(own.faults) == {"own", "lost", "around"}
    assert "route/lost" not in own.routes
    assert "leads to a target" in own.faults["around"][0]


def test_a_branch_whose_target_is_gone_does_not_become_the_other_one() -> None:
    tree = '{"conditional":[{"when":"true","then":{"target":"gone/m"}}],"otherwise":{"target":"lab/m"}}'
    node = built(("own", tree)).routes["route/own"].node
    assert [each.when.text for each in node.branches] == ["true"]  # type: ignore[union-attr]
    assert targets_of(node.branches[0].then) == ()  # type: ignore[union-attr]


def test_a_text_that_can_not_be_read_is_a_fault_and_no_error() -> None:
    own = built(("bad", "{"), ("worse", '{"fallback":5}'), ("own", '{"target":"lab/m"}'))
    assert set(own.faults) == {"bad", "worse"}
    assert names(own) == ["lab/m"]


def test_what_is_checked_leaves_nothing_behind() -> None:
    found = ground()
    before = len(found.places._made)  # type: ignore[attr-defined]
    for number in range(50):
        tree = f'{{"target":"lab/made-up-{number}"}}'
        assert not found.find_problems("org_a", (), route_of("own", tree), ())
        found.build("org_a", (), [("own", tree)])
    assert len(found.places._made) == before  # type: ignore[attr-defined]


def test_shadows_say_whose_they_are() -> None:
    node = (
        built(("own", '{"shadow":{"target":"lab/m"},"main":{"target":"fast"},"percent":1}'))
        .routes["route/own"]
        .node
    )
    assert isinstance(node, Shadow)
    assert node.owner == "org_a"


def test_a_condition_is_compiled_once() -> None:
    conditions = Conditions()
    assert conditions.compile("request.stream") is conditions.compile("request.stream")
    with pytest.raises(ConfigError):
        conditions.compile("request.nothing")
