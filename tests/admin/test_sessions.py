from __future__ import annotations

from admin.rig import PASSWORD, World

SESSION, MINE = "/api/v1/session", "/api/v1/me/sessions"


async def test_signing_in_and_out(world: World) -> None:
    world.user("ann", password=True)
    body = {"email": "Ann@example.com", "password": PASSWORD}
    told = await world.ask("POST", SESSION, body, token=None)
    assert told.status == 201
    assert (told.json["email"], told.json["current"], told.json["strong"]) == ("ann@example.com", True, False)
    cookie = told.headers["set-cookie"]
    name, _, rest = cookie.partition("=")
    assert name == "__Host-waypost"
    assert rest.split("; ")[1:] == ["Path=/", "Max-Age=604800", "HttpOnly", "SameSite=Strict", "Secure"]
    assert rest[:60].encode() not in told.text
    asked = {"cookie": cookie.partition(";")[0], "x-waypost-csrf": "1"}
    assert (await world.made("GET", SESSION, token=None, headers=asked))["id"] == told.json["id"]
    out = await world.ask("DELETE", SESSION, token=None, headers=asked)
    assert (out.status, "Max-Age=0" in out.headers["set-cookie"]) == (204, True)
    assert (await world.ask("GET", SESSION, token=None, headers=asked)).status == 401
    assert rest[20:40] not in repr(world.audit)
    assert PASSWORD not in repr(world.audit)


async def test_a_session_by_plain_http_on_this_machine(world: World) -> None:
    world.user("ann", password=True)
    body = {"email": "ann@example.com", "password": PASSWORD}
    here = {"host": "127.0.0.1:8000"}
    told = await world.ask("POST", SESSION, body, token=None, https=False, headers=here)
    cookie = told.headers["set-cookie"]
    assert cookie.startswith("waypost=")
    assert "Secure" not in cookie
    asked = {"cookie": cookie.partition(";")[0]}
    assert (await world.ask("GET", SESSION, token=None, https=False, headers={**here, **asked})).status == 200
    assert (await world.ask("GET", SESSION, token=None, https=False, headers=asked)).status == 401


async def test_other_sites_do_not_sign_one_in(world: World) -> None:
    world.user("ann", password=True)
    body = {"email": "ann@example.com", "password": PASSWORD}
    for headers, status in (
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://waypost.example"}, 201),
        ({"sec-fetch-site": "same-origin"}, 201),
    ):
        assert (await world.ask("POST", SESSION, body, token=None, headers=headers)).status == status


async def test_where_one_is_signed_in(world: World) -> None:
    world.user("ann", password=True)
    cookies = [await world.sign_in("ann") for _ in range(3)]
    asked = {"cookie": cookies[0], "x-waypost-csrf": "1"}
    first = await world.made("GET", f"{MINE}?limit=2", token=None, headers=asked)
    rest = await world.made("GET", f"{MINE}?after={first['next']}", token=None, headers=asked)
    items = first["items"] + rest["items"]
    assert (len(items), sum(each["current"] for each in items)) == (3, 1)
    other = next(each["id"] for each in items if not each["current"])
    assert (await world.ask("DELETE", f"{MINE}/{other}", token=None, headers=asked)).status == 204
    assert (await world.ask("DELETE", f"{MINE}/{other}", token=None, headers=asked)).status == 404
    assert (await world.ask("DELETE", MINE, token=None, headers=asked)).status == 204
    for cookie in cookies:
        assert (await world.ask("GET", SESSION, token=None, headers={"cookie": cookie})).status == 401


async def test_a_token_has_no_session(world: World) -> None:
    token = world.person("ann", "owner")
    for method, path in (
        ("GET", SESSION),
        ("DELETE", SESSION),
        ("GET", MINE),
        ("DELETE", MINE),
        ("DELETE", f"{MINE}/x"),
    ):
        assert (await world.ask(method, path, token=token)).status == 403


async def test_tries_that_fail_are_in_the_audit(world: World) -> None:
    body = {"email": "ann@example.com", "password": PASSWORD}
    assert (await world.ask("POST", SESSION, body, token=None)).status == 401
    assert (world.audit[-1].kind, world.audit[-1].name, world.audit[-1].address) == (
        "refused_sign_in", "ann@example.com", "192.0.2.7",
    )  # fmt: skip


async def test_how_somebody_came_in_is_told(world: World) -> None:
    world.user("ann", password=True)
    await world.ask("POST", SESSION, {"email": "ann@example.com", "password": "wrong password"}, token=None)
    await world.sign_in("ann")
    told = [(each.kind, each.who, each.via) for each in world.audit]
    assert told == [("refused_sign_in", "", "sign-in"), ("session", "user:user_ann", "sign-in")]
