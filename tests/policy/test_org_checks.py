from __future__ import annotations

import msgspec
import pytest

from policy.orgs import ANN, ANN_THERE, nothing, plan, problems, state
from waypost.core.budget import Budget
from waypost.core.key import Key
from waypost.core.people import Invitation, Role, Team, TeamRole, Token, User


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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "teams: []",
            "teams: the team 'web' can not be deleted: the key 'app', the member 'ann@acme.example'",
        ),
        ("teams: []\nmembers: []", "teams: the team 'web' can not be deleted: the key 'app' would be left"),
        (
            "roles: []",
            "roles: the role 'keeper' can not be deleted: the service account 'shop' would be left",
        ),
    ],
)
def test_what_is_pruned_can_not_be_needed_by_what_the_file_leaves_out(text: str, told: str) -> None:
    assert problems(text, state()) == []
    found = problems(text, state(), prune=True)
    assert (len(found), f"organizations[0].{told}" in found[0]) == (1, True), found


def test_what_goes_too_or_is_moved_needs_nothing() -> None:
    assert problems("teams: []\nmembers: []\nkeys: []", state(), prune=True) == []
    moved = "teams: []\nmembers: [{email: ann@acme.example}]\nkeys: [{name: app, user: ann@acme.example}]"
    assert problems(moved, state(), prune=True) == []


def test_what_stands_in_no_file_can_need_what_is_pruned() -> None:
    open_one = Invitation("inv_1", "org_a", "b@c.d", b"", "keeper", (TeamRole("team_o"),), "operator", 9.0)
    there = state(
        Team("team_o", "org_a", "ops"),
        Team("team_p", "org_a", "pay"),
        Role("role_o", "org_a", "other"),
        open_one,
        msgspec.structs.replace(open_one, id="inv_2", role="other", accepted_at=1.0),
        Token("tok_1", "org_a", "t", b"", "", "service:svc_s"),
        Token("tok_2", "org_a", "u", b"", "", "service:svc_s", revoked_at=1.0),
        Budget("bud_1", "", "g", "team", "team_p", 5),
    )
    text = "teams: [{name: web}]\nroles: []\nservice_accounts: []"
    assert [each.partition(": the ")[2].splitlines()[0] for each in problems(text, there, prune=True)] == [
        "service account 'shop' can not be deleted: the token 't' would be left without it",
        "team 'pay' can not be deleted: the gateway's budget 'g' would be left without it",
        "team 'ops' can not be deleted: the invitation of 'b@c.d' would be left without it",
        "role 'keeper' can not be deleted: the invitation of 'b@c.d' would be left without it",
    ]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("members: []", True),
        ("members: [{email: ann@acme.example, role: viewer}]", True),
        ("members: [{email: off@acme.example, role: owner}]", True),
        ("members: [{email: bob@acme.example, role: owner}]", False),
        ("members: [{email: ann@acme.example, role: owner}]", False),
        ("suspended: true\nmembers: []", False),
        ("teams: [{name: web}]", False),
    ],
)
def test_the_last_owner_stays(text: str, refused: bool) -> None:
    owner = msgspec.structs.replace(ANN_THERE, role="owner")
    disabled = User("user_off", "off@acme.example", disabled=True)
    found = problems(text, state(owner, disabled, keys=()), prune=True)
    assert ["takes the last owner" in each for each in found] == ([True] if refused else [])
    assert not refused or "organizations[0].members" in found[0]


def test_an_organization_without_an_owner_can_stay_without_one() -> None:
    assert problems("members: []", state(keys=()), prune=True) == []
