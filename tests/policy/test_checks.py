from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.budget import Budget
from waypost.core.key import Key
from waypost.core.limit import Limit
from waypost.core.objects import Object
from waypost.core.people import (
    PERMISSIONS,
    Invitation,
    MachineAccount,
    Member,
    Organization,
    Project,
    Role,
    Team,
    TeamRole,
    Token,
    User,
)
from waypost.errors import InvalidRequest
from waypost.policy.checks import check, check_key

D = b"d" * 32
GOOD: list[Object] = [
    Organization("org_1", "acme", "Acme, “Ltd.” 株式会社", ("openai/*",)),
    Team("team_1", "org_1", "web.front-end_2"),
    Project("proj_1", "default", "9"),
    Role("role_1", "org_1", "keeper", tuple(each for each in PERMISSIONS if not each.startswith("gateway:"))),
    User("user_1", "ann+x@acme.example"),
    User("user_2", "root@localhost"),
    Member("mem_1", "org_1", "user_1", "keeper", (TeamRole("team_1"),)),
    MachineAccount("svc_1", "org_1", "ci"),
    Token("tok_1", "", "My laptop", D, "wp-…", "operator", ("gateway:read",)),
    Token("tok_1", "org_1", "x", D, "wp-…", "user:user_1"),
    Invitation("inv_1", "org_1", "eve@acme.example", D),
    Budget("bud_1", "org_1", "b", "tag", "any text", 1, thresholds=(1, 1000), raise_nusd=5, raise_until=9.0),
    Budget("bud_1", "", "b", "gateway", "*", 10**18, thresholds=(), on_exhausted="cheap"),
    Limit("lim_1", "org_1", "l", "user", "*", "concurrent", 1),
]


@pytest.mark.parametrize("found", GOOD)
def test_what_makes_sense_is_taken(found: Object) -> None:
    check(found)


def of(kind: type[Object]) -> Object:
    return next(each for each in GOOD if type(each) is kind)


@pytest.mark.parametrize(
    ("kind", "param", "change"),
    [
        *((kind, "id", {"id": bad}) for kind in (Organization, Budget) for bad in ("", "a:b", "*", "x" * 65)),
        *(
            (kind, "name", {"name": bad})
            for kind in (Organization, Team, Project, Role, MachineAccount, Budget, Limit)
            for bad in ("", "Acme", "-a", ".a", "a b", "a/b", "x" * 64, "é", "a\n")
        ),
        *(
            (kind, "name", {"name": bad})
            for kind in (User, Invitation)
            for bad in ("", "ann", "Ann@acme.example", "a@b@c", "a b@c", "@x", "a@\u202e", "x" * 65 + "@y")
        ),
        *((Token, "name", {"name": bad}) for bad in ("", " ", "x" * 201, "a\x00", "a\u2028b", "\ud800")),
        (Organization, "title", {"title": "x" * 201}),
        (Organization, "title", {"title": "a\x1b[2J"}),
        (Organization, "models", {"models": ("",)}),
        (Organization, "models", {"models": ("x",) * 1001}),
        (Organization, "member_keys_max", {"member_keys_max": -1}),
        (Organization, "created_at", {"created_at": float("nan")}),
        (Team, "organization_id", {"organization_id": ""}),
        (Project, "cost_centre", {"cost_centre": "\x7f"}),
        (Role, "name", {"name": "owner"}),
        (Role, "permissions", {"permissions": ("fly",)}),
        (Role, "permissions", {"permissions": ("gateway:read",)}),
        (Member, "name", {"name": "a b"}),
        (Member, "role", {"role": "Big Boss"}),
        (Member, "teams", {"teams": (TeamRole("team_1"), TeamRole("team_1", "admin"))}),
        (Member, "teams", {"teams": (TeamRole("a:b"),)}),
        (MachineAccount, "teams", {"teams": (TeamRole("team_1", ""),)}),
        (Token, "digest", {"digest": b"short"}),
        (Token, "made_by", {"made_by": ""}),
        (Token, "permissions", {"permissions": ("fly",)}),
        (Invitation, "digest", {"digest": b""}),
        (Budget, "scope", {"scope": "planet"}),
        (Budget, "scope", {"scope": "gateway", "scope_id": "*"}),
        (Budget, "scope_id", {"scope_id": ""}),
        (Budget, "scope_id", {"organization_id": "", "scope": "gateway", "scope_id": "x"}),
        (Budget, "limit_nusd", {"limit_nusd": 0}),
        (Budget, "limit_nusd", {"limit_nusd": 10**18 + 1}),
        (Budget, "period", {"period": "fortnight"}),
        (Budget, "mode", {"mode": "firm"}),
        (Budget, "thresholds", {"thresholds": (0,)}),
        (Budget, "thresholds", {"thresholds": (1001,)}),
        (Budget, "thresholds", {"thresholds": (5,) * 21}),
        (Budget, "raise_nusd", {"raise_nusd": -1}),
        (Budget, "raise_until", {"raise_nusd": 5, "raise_until": None}),
        (Budget, "raise_until", {"raise_until": float("inf")}),
        (Budget, "anchor_at", {"anchor_at": -1.0}),
        (Budget, "on_exhausted", {"on_exhausted": ""}),
        (Limit, "unit", {"unit": "bytes"}),
        (Limit, "per", {"per": "week"}),
        (Limit, "amount", {"amount": 0}),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(
    kind: type[Object], param: str, change: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check(msgspec.structs.replace(of(kind), **change))
    assert refused.value.param == param
    assert len(refused.value.message) < 900


KEY = Key("k1", "app", D, "", 0.0, networks=("10.0.0.0/8", "2001:db8::/32", "192.0.2.7"), tags=("a",))


def test_a_key_that_makes_sense_is_taken() -> None:
    check_key(KEY)


@pytest.mark.parametrize(
    ("param", "change"),
    [
        ("name", {"name": ""}),
        ("rpm", {"rpm": 0}),
        ("budget", {"budget_nusd": -1}),
        ("budget", {"budget_nusd": 10**18 + 1}),
        ("budget_per", {"budget_per": "decade"}),
        ("priority", {"priority": "urgent"}),
        ("route", {"route": ""}),
        ("expires_at", {"expires_at": float("inf")}),
        ("service_id", {"user_id": "u", "service_id": "s"}),
        ("networks", {"networks": ("10.0.0.1/8",)}),
        ("networks", {"networks": ("home",)}),
        ("tags", {"tags": ("",)}),
        ("models", {"models": ("x\n",)}),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_by_field(param: str, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_key(msgspec.structs.replace(KEY, **change))
    assert refused.value.param == param
