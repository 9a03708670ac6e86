from __future__ import annotations

import asyncio

import pytest

from admin.rig import NOW, World
from waypost.admin.ask import Ask, denied, missing
from waypost.admin.rights import MACHINE, Caller
from waypost.admin.route import Route
from waypost.core.people import Team
from waypost.errors import Conflict, Forbidden, InvalidValue, PreconditionFailed
from waypost.ports.control import Visit


def asked(world: World, **headers: str) -> Ask:
    async def read(most: int) -> bytes:
        return b""

    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    visit = Visit("PUT", "/x", b"", given, read, "req_1", address="192.0.2.1")
    route = Route("PUT", "/api/v1/x", "put_x", "", "self", None)  # type: ignore[arg-type]
    return Ask(world.parts(), route, visit, Caller(made_by=MACHINE), asyncio.Lock())


async def test_what_is_stored_is_in_the_audit(world: World) -> None:
    ask = asked(world)
    made = Team(id=ask.new_id("team"), organization_id="org_acme", name="x", created_at=NOW)
    stored = await ask.store(made, None)
    with pytest.raises(Conflict):
        await ask.store(made, None)
    with pytest.raises(InvalidValue):
        await ask.store(Team(id="team_y", organization_id="org_acme", name="Y"), None)
    await ask.remove("team", stored)
    with pytest.raises(Conflict):
        await ask.remove("team", stored)
    first, second = world.audit
    assert (first.kind, first.name, first.before, first.after) == ("team", "x", None, stored.revision)
    assert (second.before, second.after, second.who, second.via) == (
        stored.revision,
        None,
        "operator",
        "machine",
    )
    assert (second.request_id, second.address, second.at) == ("req_1", "192.0.2.1", NOW)


def test_conditions(world: World) -> None:
    asked(world).check_conditions(None)
    asked(world, if_match='"3"').check_conditions(3)
    asked(world, if_match="*").check_conditions(3)
    asked(world, if_none_match="*").check_conditions(None)
    for ask, revision in (
        (asked(world, if_match='"3"'), 4),
        (asked(world, if_match="*"), None),
        (asked(world, if_none_match="*"), 1),
    ):
        with pytest.raises(PreconditionFailed):
            ask.check_conditions(revision)
    assert asked(world, if_none_match='"3"').unchanged(3)
    assert not asked(world).unchanged(3)


def test_ids_are_of_their_kind(world: World) -> None:
    ask = asked(world)
    ids = {ask.new_id("service") for _ in range(100)}
    assert len(ids) == 100
    assert all(each.startswith("svc_") and len(each) == 20 for each in ids)


def test_refusals() -> None:
    assert isinstance(denied(("keys:read", "keys:write")), Forbidden)
    assert "keys:read or keys:write" in denied(("keys:read", "keys:write")).message
    assert missing("team", "x" * 500).message.count("x") == 100


def test_rights(world: World) -> None:
    ask = asked(world)
    assert ask.may("teams:read")
    ask.need("teams:read")
    ask.rights = type(ask.rights)(world.live.directory, Caller())
    with pytest.raises(Forbidden):
        ask.need("teams:read")
