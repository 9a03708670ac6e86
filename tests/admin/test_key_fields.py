from __future__ import annotations

from admin.rig import World
from waypost.admin.key_fields import KeyBody, KeyMade, KeyPatch, KeyView, shown
from waypost.core.key import KeyChanges


def test_whose_it_is_never_changes() -> None:
    fixed = {"user", "service_account"}
    assert set(KeyPatch.__struct_fields__) == set(KeyBody.__struct_fields__) - fixed
    assert set(KeyBody.__struct_fields__) < set(KeyView.__struct_fields__)
    told = {"team": "team_id", "project": "project_id", "budget": "budget_nusd"}
    assert {told.get(name, name) for name in KeyPatch.__struct_fields__} == set(KeyChanges.__struct_fields__)


def test_names_stand_for_ids(world: World) -> None:
    world.user("ann")
    world.member("ann", "acme", "developer")
    key = world.key("k", user_id="user_ann", team_id="team_search", budget_nusd=1_000_000_000)
    view = shown(world.live.directory, key)
    assert (view.organization, view.user, view.team, view.budget) == (
        "acme",
        "ann@example.com",
        "search",
        "1",
    )
    assert "secret" not in repr(KeyMade(text="secret", key=view))
    assert "digest" not in KeyView.__struct_fields__
