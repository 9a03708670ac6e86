from __future__ import annotations

from typing import Any

from waypost.cli.org_views import LISTS, seen, seen_user
from waypost.core.budget import Budget
from waypost.core.key import Key
from waypost.core.limit import Limit
from waypost.core.people import Member, Organization, Team, TeamRole, User

OWN = {"id": "org_a", "name": "acme", "title": "A", "models": [], "suspended": False, "member_keys_max": 10,
       "created_at": 1.0, "revision": 4}  # fmt: skip
WEB = {"id": "team_w", "name": "web", "title": "", "models": ["fast"], "created_at": 1.0, "revision": 5}
ANN = {"id": "mem_1", "user": "user_a", "email": "a@b.c", "title": "Ann", "role": "owner", "created_at": 1.0,
       "teams": [{"team": "web", "role": "admin"}], "models": [], "revision": 6}  # fmt: skip
RULE = {"id": "x", "name": "r", "created_at": 1.0, "revision": 7}
BUDGET = {"limit": "0.5", "period": "day", "mode": "soft", "anchor_at": 1.5, "thresholds": [50], "raised_by": "2",
          "raised_until": 3.0, "on_exhausted": None, "spent": None}  # fmt: skip
KEY = {"id": "k", "name": "app", "hint": "h", "organization": "acme", "user": "gone@b.c", "service_account": None,
       "team": "web", "project": None, "expires_at": None, "revoked_at": None, "models": ["m"], "rpm": None,
       "budget": "1", "budget_per": "day", "log_content": None, "route": None, "priority": "high", "tags": [],
       "required_tags": [], "endpoints": [], "networks": [], "operator": False, "made_by": "operator",
       "created_at": 1.0, "revision": 8}  # fmt: skip


def found(**lists: list[dict[str, Any]]) -> tuple[list[Any], list[Key]]:
    return seen(OWN, {name: lists.get(name, []) for name in LISTS})


def test_views_are_the_objects_that_they_show() -> None:
    objects, keys = found(teams=[WEB], members=[ANN], keys=[KEY])
    assert objects == [
        Organization("org_a", "acme", "A", created_at=1.0, revision=4),
        Team("team_w", "org_a", "web", "", ("fast",), 1.0, 5),
        User("user_a", "a@b.c", "Ann"),
        Member("mem_1", "org_a", "user_a", "owner", (TeamRole("team_w", "admin"),), (), 1.0, 6),
    ]
    (key,) = keys
    assert (key.key_id, key.team_id, key.user_id, key.budget_nusd) == ("k", "team_w", "gone@b.c", 10**9)
    assert (key.models, key.priority, key.revision, key.organization_id) == (("m",), "high", 8, "org_a")


def test_rules_stand_on_what_their_subjects_are() -> None:
    limit = {**RULE, "unit": "tokens", "amount": 5, "per": "hour"}
    subjects = [
        ("organization", "*"),
        ("team", "web"),
        ("team", "*"),
        ("user", "a@b.c"),
        ("tag", "t"),
        ("key", "k"),
    ]
    objects, _ = found(
        teams=[WEB],
        members=[ANN],
        budgets=[{**RULE, **BUDGET, "scope": "team", "subject": "web"}],
        limits=[{**limit, "scope": scope, "subject": subject} for scope, subject in subjects],
    )
    (budget,) = (each for each in objects if isinstance(each, Budget))
    assert budget == Budget("x", "org_a", "r", "team", "team_w", 5 * 10**8, "day", "soft", 1.5, (50,), 2 * 10**9,
                            3.0, None, revision=7)  # fmt: skip
    limits = [each.scope_id for each in objects if isinstance(each, Limit)]
    assert limits == ["org_a", "team_w", "*", "user_a", "t", "k"]


def test_a_person() -> None:
    view = {"id": "u", "email": "a@b.c", "title": "", "disabled": False, "operator": True, "created_at": 1.0,
            "revision": 2}  # fmt: skip
    assert seen_user(view) == User("u", "a@b.c", operator=True, created_at=1.0, revision=2)
