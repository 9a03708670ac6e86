from __future__ import annotations

import pytest

from policy.orgs import ANN, nothing, plan, problems, state
from waypost.core.key import Key
from waypost.core.people import User


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("keys: [{name: k, team: wbe}]", "keys[0].team: there is no team 'wbe' in 'acme'"),
        ("keys: [{name: k, project: p}]", "hint: Add it to the projects of 'acme'."),
        ("keys: [{name: k, user: bob@acme.example}]", "there is no member 'bob@acme.example'"),
        ("members: [{email: b@c.d, role: adnim}]", "Did you mean 'admin'?"),
        ("members: [{email: b@c.d, teams: [{team: wbe, role: x}]}]", "members[0].teams[0].team"),
        ("members: [{email: b@c.d, teams: [{team: web, role: kepper}]}]", "Did you mean 'keeper'?"),
        (
            "budgets: [{name: b, limit: 1, scope: service, subject: sohp}]",
            "there is no service account 'sohp'",
        ),
        ("budgets: [{name: b, limit: 1, scope: user, subject: x@y.z}]", "there is no member 'x@y.z'"),
        ("budgets: [{name: b, limit: 1, subject: other}]", "can not be on another one"),
        ("limits: [{name: b, unit: requests, amount: 1, scope: key, subject: x}]", "there is no key 'x'"),
        ("budgets: [{name: b, limit: 1, scope: gateway}]", "budgets[0].scope: The scope `gateway`"),
        ("budgets: [{name: b, limit: 0}]", "budgets[0].limit:"),
        ("budgets: [{name: b, limit: 1, raised_by: 5}]", "budgets[0].raised_until: A raise is for a time"),
        ("keys: [{name: k, networks: [10.0.0.1/8]}]", "keys[0].networks:"),
        ("roles: [{name: owner}]", "roles[0].name: 'owner' is a role that every organization has"),
        ("roles: [{name: r, permissions: [gateway:read]}]", "roles[0].permissions:"),
        ("keys: [{name: k, user: ann@acme.example, service_account: shop}]", "keys[0].service_account:"),
        ("members: [{email: b@c.d, teams: [{team: web}, {team: web}]}]", "members[0].teams:"),
    ],
)
def test_what_can_not_be_is_told_with_its_place(text: str, told: str) -> None:
    found = problems(text, state())
    assert any(told in each for each in found), found
    assert all(each.startswith("org.yaml:") for each in found)


def test_what_the_file_makes_can_be_named_in_it() -> None:
    made = plan("teams: [{name: ops}]\nkeys: [{name: k, team: ops}]", nothing())
    assert [step.name for step in made.steps][-2:] == ["ops", "k"]


def test_what_is_pruned_can_not_be_named_any_more() -> None:
    text = "roles: []\nservice_accounts: [{name: shop, role: keeper}]"
    assert problems(text, state()) == []
    (told,) = problems(text, state(), prune=True)
    assert "service_accounts[0].role: the role 'keeper' is to be deleted" in told


def test_an_operator_may_have_a_key_where_they_are_no_member() -> None:
    root = User("user_r", "root@acme.example", operator=True)
    made = plan("keys: [{name: k, user: root@acme.example}]", state(root))
    assert [step.name for step in made.steps] == ["k"]


def test_a_key_of_somebody_who_left_can_stay_as_it_is() -> None:
    key = Key("k1", "app", b"", "", 0.0, organization_id="org_a", user_id="user_bob")
    there = state(User("user_bob", "bob@acme.example"), keys=(key,))
    assert plan("keys: [{name: app, user: bob@acme.example}]", there).steps == ()
    assert ANN.name
