from __future__ import annotations

import msgspec
import pytest

from admin.rig import ACME, NOW, PASSWORD, World
from waypost.admin.caller import check_same_site, cookie_name, cookie_of, set_cookie
from waypost.core.people import Token
from waypost.errors import Forbidden
from waypost.ports.control import Visit

ME = "/api/v1/me"


def visit(https: bool = True, **headers: str) -> Visit:
    async def read(most: int) -> bytes:
        return b""

    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return Visit("POST", "/", b"", {b"host": b"waypost.example", **given}, read, "r", https=https)


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer wp-api-x",
        "Bearer wp-control-",
        "Bearer sk-wp-abc",
        "Bearer é",
    ],
)
async def test_what_opens_nothing(world: World, shown: str) -> None:
    told = await world.ask("GET", ME, token=None, headers={"authorization": shown})
    assert told.status == 401
    assert told.headers["www-authenticate"] == 'Bearer realm="waypost"'


async def test_a_clients_key_opens_nothing(world: World) -> None:
    made = await world.made("POST", f"{ACME}/keys", {"name": "k"})
    told = await world.ask("GET", ME, token=made["text"])
    assert (told.status, "client's key" in told.json["detail"]) == (401, True)
    assert made["text"].encode() not in told.text
    for header in ("x-api-key", "api-key", "x-goog-api-key"):
        assert (
            await world.ask("GET", ME, token=None, headers={header: "wp-control-of-the-tests"})
        ).status == 401


async def test_tokens_that_have_ended(world: World) -> None:
    world.user("ann")
    ended = world.token("user:user_ann", expires_at=NOW)
    revoked = world.token("user:user_ann", revoked_at=NOW)
    later = world.token("user:user_ann", expires_at=NOW + 1)
    assert [(await world.ask("GET", ME, token=text)).status for text in (ended, revoked, later)] == [
        401,
        401,
        200,
    ]
    world.clock.now += 1
    assert (await world.ask("GET", ME, token=later)).status == 401


async def test_a_disabled_maker(world: World) -> None:
    user = world.user("ann")
    machine = world.machine("bot")
    texts = [world.token("user:user_ann"), world.token("service:svc_bot", organization="acme")]
    world.put(msgspec.structs.replace(user, disabled=True))
    world.put(msgspec.structs.replace(machine, disabled=True))
    assert [(await world.ask("GET", ME, token=text)).status for text in texts] == [401, 401]
    assert len(list(world.live.directory.all(Token))) == 2


async def test_changes_by_cookie_come_from_the_gateways_own_pages(world: World) -> None:
    world.user("ann", password=True)
    cookie = await world.sign_in("ann")
    for headers, status in (
        ({}, 403),
        ({"x-waypost-csrf": "1"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "same-site", "x-waypost-csrf": "1"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "https://waypost.example"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"origin": "https://waypost.example"}, 200),
        ({"origin": "https://waypost.example.evil"}, 403),
        ({"origin": "null", "x-waypost-csrf": "1"}, 403),
        ({"origin": "https://[", "x-waypost-csrf": "1"}, 403),
    ):
        told = await world.ask("PATCH", ME, {"title": "A"}, token=None, headers={"cookie": cookie, **headers})
        assert told.status == status, headers
    assert (await world.ask("GET", ME, token=None, headers={"cookie": cookie})).status == 200


async def test_a_token_is_looked_at_before_a_cookie(world: World) -> None:
    world.user("ann", password=True)
    cookie = await world.sign_in("ann")
    told = await world.ask("GET", ME, token="wp-api-wrong", headers={"cookie": cookie})
    assert told.status == 401


def test_cookies() -> None:
    assert cookie_of(visit(cookie="a=1; __Host-waypost=x; waypost=y")) == b"x"
    assert cookie_of(visit(cookie="__Host-waypost=x; __Host-waypost=y")) is None
    assert cookie_of(visit(cookie="__Host-waypost=x; __Host-waypost=x")) == b"x"
    assert cookie_of(visit()) is None
    assert (
        cookie_name(visit(False, host="localhost:80"))
        == cookie_name(visit(False, host="[::1]:1"))
        == "waypost"
    )
    for host in ("localhost.evil", "10.0.0.1", "127.0.0.1.nip.io"):
        assert cookie_name(visit(False, host=host)) == "__Host-waypost"
    assert set_cookie(visit(), "x", 0)[1].endswith(b"Max-Age=0; HttpOnly; SameSite=Strict; Secure")


def test_programs_may_sign_in_without_saying_where_from() -> None:
    check_same_site(visit(), strict=False)
    with pytest.raises(Forbidden):
        check_same_site(visit(), strict=True)
    assert PASSWORD
