from __future__ import annotations

from typing import Any

from pyotp import TOTP

from admin.rig import NOW, PASSWORD, World
from waypost.core.people import OPERATOR, ROLES

ME, FACTOR = "/api/v1/me", "/api/v1/me/second-factor"
SECOND = "four other words"


async def test_who_asks(world: World) -> None:
    me = await world.made("GET", ME)
    assert (me["kind"], me["operator"], me["permissions"]) == ("operator", True, sorted(OPERATOR))
    token = world.person("ann", "developer", {"search": "admin"})
    me = await world.made("GET", ME, token=token)
    assert (me["kind"], me["name"], me["operator"], me["permissions"]) == (
        "user",
        "ann@example.com",
        False,
        [],
    )
    (place,) = me["organizations"]
    assert (place["organization"], place["permissions"]) == ("acme", sorted(ROLES["developer"]))
    assert place["teams"][0]["permissions"] == sorted(ROLES["developer"] | ROLES["admin"])
    narrow = world.token("user:user_ann", "teams:read")
    me = await world.made("GET", ME, token=narrow)
    assert me["organizations"][0]["permissions"] == ["teams:read"]
    elsewhere = world.token("user:user_ann", organization="other")
    assert (await world.made("GET", ME, token=elsewhere))["organizations"] == []


async def signed_in(world: World) -> dict[str, Any]:
    cookie = await world.sign_in("ann")
    return {"token": None, "headers": {"cookie": cookie, "x-waypost-csrf": "1"}}


async def test_ones_name(world: World) -> None:
    world.user("ann", password=True)
    asked = await signed_in(world)
    assert (await world.made("PATCH", ME, {"title": "Ann"}, **asked))["title"] == "Ann"
    assert (await world.ask("PATCH", ME, {"operator": True}, **asked)).status == 400
    assert (await world.ask("PATCH", ME, {"title": "x"}, token=world.token("user:user_ann"))).status == 403


async def test_changing_ones_password(world: World) -> None:
    world.user("ann", password=True)
    here, there = await signed_in(world), await signed_in(world)
    for body, status in (
        ({"current": "wrong password", "password": SECOND}, 401),
        ({"current": PASSWORD, "password": PASSWORD}, 422),
        ({"current": PASSWORD, "password": "short"}, 422),
        ({"current": PASSWORD, "password": SECOND}, 204),
    ):
        assert (await world.ask("POST", f"{ME}/password", body, **here)).status == status
    assert (await world.ask("GET", ME, **here)).status == 200
    assert (await world.ask("GET", ME, **there)).status == 401, "other sessions end"
    body = {"email": "ann@example.com", "password": PASSWORD}
    assert (await world.ask("POST", "/api/v1/session", body, token=None)).status == 401
    assert SECOND not in repr(world.audit)


async def test_a_second_factor_is_set_and_taken_away(world: World) -> None:
    world.user("ann", password=True)
    here, there = await signed_in(world), await signed_in(world)
    offer = await world.made("POST", f"{FACTOR}/offer", **here)
    assert offer["secret"] in offer["uri"]
    code = TOTP(offer["secret"]).generate_otp(int(NOW) // 30)
    body = {"secret": offer["secret"], "code": code, "password": PASSWORD}
    for wrong, status in (
        ({"code": "000000"}, 422),
        ({"secret": "AAAA"}, 422),
        ({"password": "wrong password"}, 401),
    ):
        assert (await world.ask("PUT", FACTOR, {**body, **wrong}, **here)).status == status
    codes = (await world.made("PUT", FACTOR, body, **here))["codes"]
    assert len(set(codes)) == 10
    assert (await world.ask("PUT", FACTOR, body, **here)).status == 409
    assert (await world.ask("GET", ME, **there)).status == 401
    assert (await world.made("GET", ME, **here))["second_factor"] is True
    secrets = repr(world.audit) + repr(world.passwords.get("user_ann"))
    assert not any(text in secrets for text in (offer["secret"], *codes))
    sign_in = {"email": "ann@example.com", "password": PASSWORD}
    for tried, status in ((None, 401), (code, 401), ("nonsense", 401), (codes[0], 201), (codes[0], 401)):
        told = await world.ask("POST", "/api/v1/session", {**sign_in, "code": tried}, token=None)
        assert told.status == status, tried
    assert (await world.ask("POST", f"{FACTOR}/remove", {"password": PASSWORD}, **here)).status == 204
    assert (await world.ask("POST", "/api/v1/session", sign_in, token=None)).status == 201


async def test_secrets_are_not_in_what_is_printed() -> None:
    from waypost.admin.me import FactorBody, FactorEnd, FactorOffer, PasswordChange, RecoveryCodes

    for value in (
        PasswordChange(current=PASSWORD, password=PASSWORD),
        FactorOffer(secret=PASSWORD, uri=PASSWORD),
        FactorBody(secret=PASSWORD, code=PASSWORD, password=PASSWORD),
        RecoveryCodes(codes=(PASSWORD,)),
        FactorEnd(password=PASSWORD),
    ):
        assert PASSWORD not in repr(value)
