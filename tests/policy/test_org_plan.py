from __future__ import annotations

import msgspec

from policy.orgs import KEY, nothing, plan, problems, state, steps
from waypost.core.budget import Budget
from waypost.core.org_route import OrgRoute
from waypost.core.people import Organization
from waypost.policy.org_plan import FieldChange


def test_what_is_named_comes_before_what_names_it() -> None:
    made = plan(
        "limits: [{name: l, unit: requests, amount: 5, scope: key, subject: app}]\n"
        "keys: [{name: app, user: ann@acme.example, team: web}]\n"
        "members: [{email: ann@acme.example, role: keeper, teams: [{team: web}]}]\n"
        "teams: [{name: web}]\n"
        "roles: [{name: keeper}]",
        nothing(),
    )
    assert [(step.part, step.name) for step in made.steps] == [
        ("organization", ""),
        ("role", "keeper"),
        ("team", "web"),
        ("user", "ann@acme.example"),
        ("member", "ann@acme.example"),
        ("key", "app"),
        ("limit", "l"),
    ]
    assert {step.action for step in made.steps} == {"create"}


def test_what_is_as_the_file_says_is_not_touched() -> None:
    made = plan(
        "teams: [{name: web, title: Web}]\n"
        "members: [{email: ANN@acme.example, teams: [{team: web, role: admin}]}]\n"
        "keys: [{name: app, team: web, user: ann@acme.example}]",
        state(),
    )
    assert (made.steps, made.unchanged, made.left) == ((), 4, ())


def test_a_change_is_told_with_what_was_and_what_will_be() -> None:
    made = plan("teams: [{name: web, models: [fast]}]", state())
    assert steps(made) == [("change", "team", "web")]
    assert made.steps[0].fields == (FieldChange("title", "Web", ""), FieldChange("models", [], ["fast"]))
    assert (made.count("change"), made.count("create"), made.unchanged) == (1, 0, 1)


def test_what_somebody_stopped_or_raised_by_hand_stays_when_the_file_is_silent() -> None:
    stopped = msgspec.structs.replace(Organization("org_a", "acme"), suspended=True)
    raised = Budget("b1", "org_a", "b", "organization", "org_a", 10**9, raise_nusd=5, raise_until=9.0)
    there = state(stopped, raised)
    assert plan("budgets: [{name: b, limit: 1}]", there).steps == ()
    told = plan("suspended: false\nbudgets: [{name: b, limit: 1, raised_by: 0}]", there)
    assert [each.field for step in told.steps for each in step.fields] == ["suspended", "raised_by"]
    assert plan("suspended: false", state()).steps == ()


def test_a_person_is_called_what_one_of_their_memberships_says() -> None:
    assert steps(plan("members: [{email: ann@acme.example, title: Ann E., teams: [{team: web, role: admin}]}]",
                      state())) == [("change", "user", "ann@acme.example")]  # fmt: skip


def test_pruning_takes_what_the_file_does_not_name_in_the_lists_it_has() -> None:
    text = "keys: []\nmembers: []\nroles: []\nservice_accounts: []"
    made = plan(text, state(), prune=True)
    assert steps(made) == [
        ("delete", "key", "app"),
        ("delete", "member", "ann@acme.example"),
        ("delete", "service_account", "shop"),
        ("delete", "role", "keeper"),
    ]
    left = plan(text, state())
    assert (left.steps, len(left.left)) == ((), 4)


def test_to_whom_a_key_belongs_never_changes() -> None:
    (told,) = problems(
        "keys: [{name: app, team: web, service_account: shop, user: ann@acme.example}]", state()
    )
    assert "keys[0].service_account: the key's service account can not be changed" in told
    (moved,) = problems("keys: [{name: app, team: web}]", state())
    assert "keys[0]: the key's user" in moved.replace(".user", "")
    assert "expected: ann@acme.example" in moved


def test_a_name_that_two_keys_have_is_refused() -> None:
    there = state(keys=(KEY, msgspec.structs.replace(KEY, key_id="k3")))
    told = problems("keys: [{name: app, team: web, user: ann@acme.example}]", there)
    assert "2 keys have this name" in told[0]
    assert plan("teams: [{name: web, title: Web}]", there).steps == ()


def test_of_keys_that_share_a_name_each_is_pruned_or_left_by_its_id() -> None:
    two = (KEY, msgspec.structs.replace(KEY, key_id="k3"))
    rule = Budget("b1", "org_a", "b", "key", "k1", 10**9)
    there = state(rule, keys=two)
    text = "keys: []\nbudgets: []"
    made = plan(text, there, prune=True)
    assert steps(made) == [
        ("delete", "budget", "b"),
        ("delete", "key", "app (k3)"),
        ("delete", "key", "app (k1)"),
    ]
    assert [each[2] for each in plan(text, there).left] == ["app (k1)", "app (k3)", "b"]
    ended = (KEY, msgspec.structs.replace(KEY, key_id="k0", expires_at=1.0))
    assert [name for *_, name in steps(plan("keys: []", state(keys=ended), prune=True))] == [
        "app (k0)",
        "app",
    ]
    kept = "keys: [{name: app, team: web, user: ann@acme.example}]"
    assert plan(kept, state(keys=ended), prune=True).steps == ()


def test_a_rule_of_a_key_that_goes_on_and_can_not_be_said_is_not_pruned() -> None:
    two = (KEY, msgspec.structs.replace(KEY, key_id="k3"))
    live, gone = (Budget(f"b{key}", "org_a", key, "key", key, 10**9) for key in ("k3", "k9"))
    made = plan("budgets: []", state(live, gone, keys=two), prune=True)
    assert steps(made) == [("delete", "budget", "k9")]
    assert made.left == (("budget", "acme", "k3"),)


def test_routes_come_before_those_that_include_them_and_before_teams() -> None:
    made = plan(
        "teams: [{name: web, route: a}]\n"
        "routes:\n"
        "  - {name: a, fallback: [{route: gateways}, {hedge: {fallback: [{route: route/b}]}}]}\n"
        "  - {name: b, conditional: [{when: 'true', then: {route: c}}]}\n"
        "  - {name: c, target: x/y}\n"
        "  - {name: d, route: e}\n"
        "  - {name: e, route: d}",
        nothing(),
    )
    told = [(step.part, step.name) for step in made.steps]
    assert told[1:] == [*(("route", name) for name in "cbaed"), ("team", "web")]


def test_true_is_another_value_of_a_tree_than_one() -> None:
    route = OrgRoute("rte_1", "org_a", "r", '{"target":"x/y","set":{"logprobs":1}}')
    same = plan("routes: [{name: r, target: x/y, set: {logprobs: 1}}]", state(route))
    other = plan("routes: [{name: r, target: x/y, set: {logprobs: true}}]", state(route))
    assert (steps(same), steps(other)) == ([], [("change", "route", "r")])


def test_a_tree_with_prices_is_refused_at_its_place() -> None:
    (told,) = problems("routes: [{name: r, target: x/y, prices: {input: 1, output: 1}}]", state())
    assert "tree.prices: what a target costs is said by the gateway's operator" in told
