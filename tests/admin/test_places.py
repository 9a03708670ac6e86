"""What a body names, through the routes that name it."""

from __future__ import annotations

from admin.rig import ACME, World


async def test_teams_that_are_gone_are_not_shown(world: World) -> None:
    world.person("ann", "developer", {"ads": "viewer", "search": "admin"})
    told = await world.made("GET", f"{ACME}/members/user_ann")
    assert told["teams"] == [{"team": "ads", "role": "viewer"}, {"team": "search", "role": "admin"}]
    assert (await world.ask("DELETE", f"{ACME}/teams/ads")).status == 409, "they are in it"


async def test_a_role_of_the_organization_can_be_given(world: World) -> None:
    world.role("ops", "keys:read")
    world.person("ann", "developer")
    told = await world.made("PATCH", f"{ACME}/members/user_ann", {"role": "ops"})
    assert told["role"] == "ops"


async def test_who_has_more_in_a_team_is_not_changed(world: World) -> None:
    world.role("clerk", "members:read", "members:write", "teams:read", "projects:read", "budgets:read",
               "limits:read", "routes:read", "own_keys:write", "own_usage:read")  # fmt: skip
    clerk = world.person("cleo", "clerk")
    world.person("dan", "developer")
    world.person("lea", "developer", {"search": "admin"})
    body = {"models": ["x"]}
    assert (await world.ask("PATCH", f"{ACME}/members/user_dan", body, token=clerk)).status == 200
    assert (await world.ask("PATCH", f"{ACME}/members/user_lea", body, token=clerk)).status == 403
