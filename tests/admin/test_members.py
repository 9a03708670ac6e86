from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from admin.rig import ACME, InlineLive, World
from waypost.admin.api import Admin
from waypost.core.people import Organization

MEMBERS, ROLES, MACHINES = f"{ACME}/members", f"{ACME}/roles", f"{ACME}/service-accounts"


async def test_a_member_is_changed_by_address_or_id(world: World) -> None:
    world.person("ann", "developer")
    for name in ("ann@example.com", "ANN@example.com", "user_ann"):
        told = await world.made(
            "PATCH", f"{MEMBERS}/{name}", {"teams": [{"team": "search", "role": "admin"}]}
        )
        assert (told["email"], told["role"]) == ("ann@example.com", "developer")
        assert told["teams"] == [{"team": "search", "role": "admin"}]
    assert (await world.made("GET", MEMBERS))["items"] == [told]
    assert (await world.ask("DELETE", f"{MEMBERS}/ann@example.com")).status == 204


async def test_who_is_named_has_to_be_there(world: World) -> None:
    world.person("ann", "developer")
    for body, field in (
        ({"role": "none"}, "role"),
        ({"teams": [{"team": "theirs"}]}, "teams[0].team"),
        ({"teams": [{"team": "ads"}, {"team": "ads"}]}, "teams[1].team"),
        ({"teams": [{"team": "ads", "role": "none"}]}, "teams[0].role"),
    ):
        told = await world.ask("PATCH", f"{MEMBERS}/user_ann", body)
        assert (told.status, told.fields) == (422, [field])


async def test_only_operators_add_people_who_are_there(world: World) -> None:
    owner = world.person("ann", "owner")
    world.user("eve")
    answers = [
        await world.ask("PUT", f"{MEMBERS}/{name}@example.com", {}, token=owner) for name in ("eve", "nobody")
    ]
    assert [told.status for told in answers] == [403, 403]
    assert answers[0].json["detail"] == answers[1].json["detail"], "who has an account is not told"
    assert (await world.ask("PUT", f"{MEMBERS}/eve@example.com", {})).status == 201
    assert (await world.ask("PUT", f"{MEMBERS}/nobody@example.com", {})).status == 404


async def test_nobody_gives_more_than_they_have(world: World) -> None:
    admin = world.person("adam", "admin")
    world.person("dan", "developer")
    path = f"{MEMBERS}/user_dan"
    assert (await world.ask("PATCH", path, {"role": "owner"}, token=admin)).status == 403
    assert (await world.ask("PATCH", path, {"role": "admin"}, token=admin)).status == 200
    assert (await world.ask("PATCH", f"{MEMBERS}/user_adam", {"role": "owner"}, token=admin)).status == 403
    team_owner = {"teams": [{"team": "ads", "role": "owner"}]}
    assert (await world.ask("PATCH", path, team_owner, token=admin)).status == 403
    world.role("big", "organizations:write")
    assert (await world.ask("PATCH", path, {"role": "big"}, token=admin)).status == 403


async def test_nobody_lowers_who_has_more(world: World) -> None:
    admin = world.person("adam", "admin")
    world.person("ann", "owner")
    world.person("amy", "owner")
    assert (await world.ask("PATCH", f"{MEMBERS}/user_ann", {"role": "viewer"}, token=admin)).status == 403
    assert (await world.ask("DELETE", f"{MEMBERS}/user_ann", token=admin)).status == 403


async def test_a_token_gives_only_what_it_has(world: World) -> None:
    world.person("ann", "owner")
    world.person("dan", "viewer")
    token = world.token("user:user_ann", "members:write", "members:read")
    assert (await world.ask("PATCH", f"{MEMBERS}/user_dan", {"role": "developer"}, token=token)).status == 403


async def test_the_last_owner_stays(world: World) -> None:
    world.person("ann", "owner")
    world.person("amy", "owner", disabled=True)
    path = f"{MEMBERS}/user_ann"
    assert (await world.ask("PATCH", path, {"role": "admin"})).status == 409
    assert (await world.ask("DELETE", path)).status == 409, "who is disabled is none"
    assert (await world.ask("PATCH", path, {"models": ["x"]})).status == 200
    acme = world.live.directory.find(Organization, "org_acme")
    assert acme is not None
    world.put(msgspec.structs.replace(acme, suspended=True))
    assert (await world.ask("DELETE", path)).status == 204, "one that is on its way out is cleared away"


async def test_service_accounts(world: World) -> None:
    admin = world.person("adam", "admin")
    told = await world.made("PUT", f"{MACHINES}/bot", {"role": "viewer"}, token=admin)
    assert (told["name"], told["role"], told["disabled"]) == ("bot", "viewer", False)
    assert (await world.ask("PUT", f"{MACHINES}/bot", {"role": "owner"}, token=admin)).status == 403
    world.machine("boss", "owner")
    assert (await world.ask("PATCH", f"{MACHINES}/boss", {"disabled": True}, token=admin)).status == 403
    assert (await world.ask("DELETE", f"{MACHINES}/boss", token=admin)).status == 403
    assert (await world.ask("DELETE", f"{MACHINES}/bot", token=admin)).status == 204


async def test_roles(world: World) -> None:
    admin = world.person("adam", "admin")
    told = await world.made("PUT", f"{ROLES}/ops", {"permissions": ["keys:read", "keys:read"]}, token=admin)
    assert told["permissions"] == ["keys:read"]
    for name, permissions, status in (
        ("owner", ["keys:read"], 422),
        ("ops", ["gateway:read"], 422),
        ("ops", ["organizations:write"], 403),
        ("ops", ["flying:write"], 400),
        ("-", [], 422),
    ):
        told = await world.ask("PUT", f"{ROLES}/{name}", {"permissions": permissions}, token=admin)
        assert told.status == status
    await world.made("PUT", f"{ROLES}/big", {"permissions": ["organizations:write"]})
    assert (await world.ask("PUT", f"{ROLES}/big", {"permissions": []}, token=admin)).status == 403
    assert (await world.ask("DELETE", f"{ROLES}/big", token=admin)).status == 403
    world.person("dan", "ops")
    assert (await world.ask("DELETE", f"{ROLES}/ops")).status == 409, "somebody has it"


async def test_two_at_once_do_not_leave_it_without_an_owner(world: World) -> None:
    world.person("ann", "owner")
    world.person("amy", "owner")

    async def yielding(call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        await asyncio.sleep(0)
        return call(*args, **more)

    admin = Admin(world.parts(blocking=yielding))
    asked = [
        world.ask("PATCH", f"{MEMBERS}/user_{name}", {"role": "viewer"}, admin=admin)
        for name in ("ann", "amy")
    ]
    told = await asyncio.gather(*asked)
    assert sorted(each.status for each in told) == [200, 409]


async def test_who_is_lowered_meanwhile_gives_nothing(world: World) -> None:
    """Rights are those of the moment of the change, not of the moment the request came."""
    tokens = {name: world.person(name, "owner") for name in ("ann", "amy")}

    async def yielding(call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        await asyncio.sleep(0)
        return call(*args, **more)

    admin = Admin(world.parts(blocking=yielding))
    told = await asyncio.gather(
        world.ask("PATCH", f"{MEMBERS}/user_amy", {"role": "viewer"}, token=tokens["ann"], admin=admin),
        world.ask("PATCH", f"{MEMBERS}/user_ann", {"role": "viewer"}, token=tokens["amy"], admin=admin),
    )
    assert [each.status for each in told] == [200, 403]


@pytest.mark.parametrize("ask", [("PATCH", {"role": "viewer"}), ("DELETE", None)])
async def test_two_nodes_at_once_do_not_leave_it_without_an_owner(
    world: World, ask: tuple[str, dict[str, str] | None]
) -> None:
    """The other node has not heard yet that one of them is no owner any more."""
    world.person("ann", "owner")
    world.person("amy", "owner")
    late = InlineLive(world.rows)
    late.refresh()
    node = Admin(world.parts(live=late))
    method, body = ask
    late.refresh = lambda: None  # type: ignore[method-assign]
    assert (await world.ask(method, f"{MEMBERS}/user_ann", body)).status in (200, 204)
    told = await world.ask(method, f"{MEMBERS}/user_amy", body, admin=node)
    assert (told.status, "last owner" in told.json["detail"]) == (409, True)
    world.person("abe", "owner")
    assert (await world.ask(method, f"{MEMBERS}/user_amy", body, admin=node)).status in (200, 204)
