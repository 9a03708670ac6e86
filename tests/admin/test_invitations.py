from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from admin.rig import ACME, NOW, OTHER, PASSWORD, World
from waypost.admin.api import Admin
from waypost.core.people import Invitation, Member, Organization, User
from waypost.core.signin import Password
from waypost.errors import StoreUnavailable

INVITATIONS = f"{ACME}/invitations"
ACCEPT = "/api/v1/invitations/accept"
SECOND = "four other words"


async def invite(world: World, token: str | None = None, **more: object) -> dict[str, object]:
    given = {} if token is None else {"token": token}
    made: dict[str, object] = await world.made(
        "POST", INVITATIONS, {"email": "Eve@example.com", **more}, **given
    )
    return made


async def accept(world: World, invitation: dict[str, object], **more: object) -> int:
    body = {"token": invitation["token"], "password": PASSWORD, "name": "Eve", **more}
    return (await world.ask("POST", ACCEPT, body, token=None)).status


async def test_a_link_makes_a_person_and_a_member(world: World) -> None:
    owner = world.person("ann", "owner")
    made = await invite(world, owner, role="admin", teams=[{"team": "search", "role": "owner"}])
    assert str(made["token"])[16:40].encode() not in (await world.ask("GET", INVITATIONS)).text
    assert str(made["token"])[16:40] not in repr(world.audit)
    told = await world.ask(
        "POST", ACCEPT, {"token": made["token"], "password": PASSWORD, "name": "Eve"}, token=None
    )
    assert (told.status, told.json) == (
        201, {"organization": "acme", "email": "eve@example.com", "role": "admin"},
    )  # fmt: skip
    cookie = await world.sign_in("eve")
    me = await world.made("GET", "/api/v1/me", token=None, headers={"cookie": cookie})
    assert (me["title"], me["organizations"][0]["role"]) == ("Eve", "admin")
    assert me["organizations"][0]["teams"][0]["role"] == "owner"
    assert await accept(world, made) == 404, "once"
    (kept,) = (await world.made("GET", INVITATIONS))["items"]
    assert kept["accepted_at"] == NOW
    assert {each.who for each in world.audit} == {
        "user:user_ann",
        f"invitation:{kept['id']}",
        world.audit[-1].who,
    }


async def test_links_that_open_nothing(world: World) -> None:
    made = await invite(world)
    for text in ("", "x", "wp-inv-", str(made["token"])[:-1] + "x", "é" * 80):
        body = {"token": text, "password": PASSWORD}
        assert (await world.ask("POST", ACCEPT, body, token=None)).status in (400, 404)
    assert await accept(world, made, password="short") == 422
    world.clock.now += 8 * 86_400
    assert await accept(world, made) == 404


async def test_a_new_link_ends_the_old_one(world: World) -> None:
    first = await invite(world)
    second = await invite(world)
    assert await accept(world, first) == 404
    assert await accept(world, second) == 201
    told = await world.ask("POST", INVITATIONS, {"email": "eve@example.com"})
    assert (told.status, told.fields) == (409, ["email"])


async def test_a_link_that_is_taken_back(world: World) -> None:
    made = await invite(world)
    path = f"{INVITATIONS}/{made['invitation']['id']}"  # type: ignore[index]
    assert (await world.ask("GET", path)).status == 200
    assert (await world.ask("DELETE", path)).status == 204
    assert (await world.ask("GET", path)).status == 404
    assert await accept(world, made) == 404


async def test_nobody_invites_to_more_than_they_have(world: World) -> None:
    admin = world.person("adam", "admin")
    for body in ({"role": "owner"}, {"teams": [{"team": "ads", "role": "owner"}]}):
        told = await world.ask("POST", INVITATIONS, {"email": "e@example.com", **body}, token=admin)
        assert told.status == 403


async def test_who_lost_their_rights_invites_nobody(world: World) -> None:
    admin = world.person("adam", "admin")
    made = await invite(world, admin, role="admin")
    world.put(msgspec.structs.replace(world.live.directory.member("org_acme", "user_adam"), role="viewer"))
    assert await accept(world, made) == 404
    world.put(msgspec.structs.replace(world.live.directory.member("org_acme", "user_adam"), role="admin"))
    acme = world.live.directory.find(Organization, "org_acme")
    assert acme is not None
    suspended = world.put(msgspec.structs.replace(acme, suspended=True))
    assert await accept(world, made) == 404
    world.put(msgspec.structs.replace(suspended, suspended=False))
    assert await accept(world, made) == 201


async def test_an_account_that_is_there_is_not_taken_over(world: World) -> None:
    world.user("eve", password=True, operator=True)
    made = await invite(world)
    assert await accept(world, made, password=SECOND) == 401
    assert await accept(world, made) == 201
    assert await world.sign_in("eve")
    member = world.live.directory.member("org_acme", "user_eve")
    assert member is not None
    assert member.role == "developer"


async def test_an_account_without_a_password_is_not_given_one(world: World) -> None:
    world.user("eve", operator=True)
    assert await accept(world, await invite(world)) == 401


@pytest.mark.parametrize("days", [0, 31, 1.5])
async def test_how_long_links_last(world: World, days: float) -> None:
    told = await world.ask("POST", INVITATIONS, {"email": "e@example.com", "days": days})
    assert (told.status, told.fields) == (400, ["days"])


async def test_two_at_once_for_one_new_address_lose_none(world: World) -> None:
    here = await invite(world)
    there = await world.made("POST", f"{OTHER}/invitations", {"email": "eve@example.com"})

    async def yielding(call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        await asyncio.sleep(0)
        return call(*args, **more)

    admin = Admin(world.parts(blocking=yielding))
    told = await asyncio.gather(
        *(
            world.ask("POST", ACCEPT, {"token": made["token"], "password": PASSWORD}, token=None, admin=admin)
            for made in (here, there)
        )
    )
    assert sorted(each.status for each in told) == [201, 409]
    again = here if told[0].status == 409 else there
    assert await accept(world, again, password=SECOND) == 401
    assert await accept(world, again) == 201, "the one that came second still opens"
    assert [await accept(world, made) for made in (here, there)] == [404, 404], "and each once"
    (eve,) = world.live.directory.all(User)
    assert {each.organization_id for each in world.live.directory.memberships(eve.id)} == {
        "org_acme",
        "org_other",
    }


@pytest.mark.parametrize("kind", [User, Member, Password])
async def test_what_fails_leaves_the_invitation_as_it_was(world: World, kind: type) -> None:
    made = await invite(world)
    put, keep, broken = world.live.put, world.passwords.put, [kind]

    async def failing(found: Any, **more: Any) -> Any:
        if type(found) in broken:
            raise StoreUnavailable("The database does not answer.")
        return await put(found, **more)

    def losing(password: Any, **more: Any) -> None:
        if Password in broken:
            raise StoreUnavailable("The database does not answer.")
        keep(password, **more)

    world.live.put = failing  # type: ignore[method-assign]
    world.passwords.put = losing  # type: ignore[method-assign]
    world.passwords.by = lambda _: world.passwords  # type: ignore[method-assign]
    assert await accept(world, made) == 503
    assert not [*world.live.directory.all(User)], "nobody is left over who has no place"
    broken.clear()
    assert await accept(world, made) == 201
    assert await accept(world, made) == 404


@pytest.mark.parametrize("known", [True, False])
async def test_a_link_is_used_once_by_two_nodes(world: World, known: bool) -> None:
    """Each has a lock of its own: the revision decides."""
    if known:
        world.user("eve", password=True)
    made = await invite(world)
    put, told = world.live.put, []
    body = {"token": made["token"], "password": PASSWORD}

    async def overtaken(found: Any, **more: Any) -> Any:
        if isinstance(found, Invitation) and not told:
            told.append(0)
            told.append((await world.ask("POST", ACCEPT, body, token=None, admin=other)).status)
        return await put(found, **more)

    other = Admin(world.parts())
    world.live.put = overtaken  # type: ignore[method-assign]
    assert await accept(world, made) == 409
    assert told[1:] == [201]
    (eve,) = world.live.directory.all(User)
    assert len(world.live.directory.memberships(eve.id)) == 1


async def test_a_wrong_password_is_told_of(world: World) -> None:
    world.user("eve", password=True)
    made = await invite(world)
    assert await accept(world, made, password=SECOND) == 401
    refused = world.audit[-1]
    assert (refused.kind, refused.via, refused.name) == ("refused_sign_in", "invitation", "eve@example.com")
    assert (refused.action, refused.organization_id) == ("accept_invitation", "org_acme")
    assert SECOND not in repr(world.audit)
    before = len(world.audit)
    assert await accept(world, made) == 201
    assert {each.via for each in world.audit[before:]} == {"invitation"}
