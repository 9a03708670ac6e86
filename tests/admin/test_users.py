from __future__ import annotations

from admin.rig import ACME, PASSWORD, World

USERS = "/api/v1/users"


async def test_the_first_person(world: World) -> None:
    """The machine's own token makes one, with a password, and an owner of an organization."""
    path = f"{USERS}/Ann@Example.com"
    told = await world.ask("PUT", path, {"title": "Ann"})
    assert (told.status, told.json["email"], told.json["operator"]) == (201, "ann@example.com", False)
    assert (await world.ask("PUT", f"{path}/password", {"password": PASSWORD})).status == 204
    assert (await world.ask("PUT", f"{ACME}/members/ann@example.com", {"role": "owner"})).status == 201
    assert await world.sign_in("ann")
    assert PASSWORD not in repr(world.audit)


async def test_only_operators_see_people(world: World) -> None:
    owner = world.person("ann", "owner")
    for method, rest in (
        ("GET", ""),
        ("GET", "/user_ann"),
        ("PUT", "/eve@example.com"),
        ("DELETE", "/user_ann"),
    ):
        body = {} if method == "PUT" else None
        assert (await world.ask(method, f"{USERS}{rest}", body, token=owner)).status == 403
    assert [each["id"] for each in (await world.made("GET", USERS))["items"]] == ["user_ann"]


async def test_who_may_not_all_makes_no_operator(world: World) -> None:
    world.user("op", operator=True)
    world.user("ann")
    narrow = world.token("user:user_op", "gateway:read", "gateway:write")
    for method, path, body in (
        ("PATCH", f"{USERS}/user_ann", {"operator": True}),
        ("PATCH", f"{USERS}/user_op", {"disabled": True}),
        ("PUT", f"{USERS}/user_ann/password", {"password": PASSWORD}),
        ("DELETE", f"{USERS}/user_ann/second-factor", None),
        ("DELETE", f"{USERS}/user_ann/sessions", None),
        ("DELETE", f"{USERS}/user_ann", None),
    ):
        assert (await world.ask(method, path, body, token=narrow)).status == 403
    assert (await world.ask("PATCH", f"{USERS}/user_ann", {"title": "A"}, token=narrow)).status == 200
    assert (await world.made("PATCH", f"{USERS}/user_ann", {"operator": True}))["operator"] is True


async def test_a_password_that_is_given_ends_sessions(world: World) -> None:
    world.user("ann", password=True)
    cookie = await world.sign_in("ann")
    for told, status in (({"password": "short"}, 422), ({"password": "four other words"}, 204)):
        assert (await world.ask("PUT", f"{USERS}/user_ann/password", told)).status == status
    assert (await world.ask("GET", "/api/v1/me", token=None, headers={"cookie": cookie})).status == 401
    assert (
        await world.ask("PUT", f"{USERS}/none@example.com/password", {"password": PASSWORD})
    ).status == 404


async def test_signing_out_and_second_factors(world: World) -> None:
    world.user("ann", password=True)
    cookie = await world.sign_in("ann")
    assert (await world.ask("DELETE", f"{USERS}/user_ann/sessions")).status == 204
    assert (await world.ask("GET", "/api/v1/me", token=None, headers={"cookie": cookie})).status == 401
    assert (await world.ask("DELETE", f"{USERS}/user_ann/second-factor")).status == 204


async def test_who_is_gone_can_not_sign_in(world: World) -> None:
    world.user("ann", password=True)
    world.person("bob", "owner", password=True)
    cookie = await world.sign_in("ann")
    assert (await world.ask("DELETE", f"{USERS}/user_bob")).status == 409
    assert (await world.ask("DELETE", f"{USERS}/ann@example.com")).status == 204
    assert (await world.ask("GET", "/api/v1/me", token=None, headers={"cookie": cookie})).status == 401
    assert world.passwords.get("user_ann") is None


async def test_addresses_that_are_none(world: World) -> None:
    assert (await world.ask("PUT", f"{USERS}/a@b c", {})).status == 422
    assert (await world.ask("PUT", f"{USERS}/user_none", {})).status == 404
