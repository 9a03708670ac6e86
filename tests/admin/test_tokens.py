from __future__ import annotations

from admin.rig import ACME, NOW, OTHER, World

TOKENS = f"{ACME}/tokens"


async def test_a_token_is_shown_once_and_works(world: World) -> None:
    owner = world.person("ann", "owner")
    told = await world.ask("POST", TOKENS, {"name": "ci", "permissions": ["teams:read"]}, token=owner)
    assert told.status == 201
    text, token = told.json["text"], told.json["token"]
    assert (token["made_by"], token["permissions"]) == ("user:user_ann", ["teams:read"])
    assert text[16:40] not in (await world.ask("GET", TOKENS)).text.decode() + repr(world.audit)
    assert (await world.made("GET", f"{TOKENS}/{token['id']}")) == token
    assert (await world.ask("GET", f"{ACME}/teams", token=text)).status == 200
    assert (await world.ask("PUT", f"{ACME}/teams/x", {}, token=text)).status == 403
    assert (await world.ask("GET", f"{OTHER}/teams", token=text)).status == 404
    assert (await world.ask("DELETE", f"{TOKENS}/{token['id']}", token=owner)).status == 204
    assert (await world.ask("GET", f"{ACME}/teams", token=text)).status == 401


async def test_nobody_makes_a_token_that_has_more(world: World) -> None:
    admin = world.person("adam", "admin")
    assert (
        await world.ask("POST", TOKENS, {"name": "x", "permissions": ["organizations:write"]}, token=admin)
    ).status == 403
    narrow = world.token("user:user_adam", "tokens:write", "teams:read", expires_at=NOW + 60)
    assert (
        await world.ask("POST", TOKENS, {"name": "x", "permissions": ["keys:read"]}, token=narrow)
    ).status == 403
    made = await world.made("POST", TOKENS, {"name": "x", "expires_at": NOW + 3600}, token=narrow)
    assert made["token"]["permissions"] == ["teams:read", "tokens:write"], "nothing said is not everything"
    assert made["token"]["expires_at"] == NOW + 60, "nor for longer"


async def test_what_the_maker_loses_the_token_loses(world: World) -> None:
    owner = world.person("ann", "owner")
    world.person("amy", "owner")
    text = (await world.made("POST", TOKENS, {"name": "all"}, token=owner))["text"]
    assert (await world.ask("PUT", f"{ACME}/teams/x", {}, token=text)).status == 201
    await world.made("PATCH", f"{ACME}/members/user_ann", {"role": "viewer"})
    assert (await world.ask("PUT", f"{ACME}/teams/y", {}, token=text)).status == 403
    await world.ask("DELETE", f"{ACME}/members/user_ann")
    assert (await world.ask("GET", f"{ACME}/teams", token=text)).status == 404


async def test_a_service_accounts_token(world: World) -> None:
    admin = world.person("adam", "admin")
    world.machine("bot", "viewer")
    world.machine("boss", "owner")
    text = (await world.made("POST", TOKENS, {"name": "b", "service_account": "bot"}, token=admin))["text"]
    me = await world.made("GET", "/api/v1/me", token=text)
    assert (me["kind"], me["name"], me["organizations"][0]["role"]) == ("service_account", "bot", "viewer")
    for body, status in (({"service_account": "boss"}, 403), ({"service_account": "none"}, 422)):
        assert (await world.ask("POST", TOKENS, {"name": "c", **body}, token=admin)).status == status
    await world.made("PATCH", f"{ACME}/service-accounts/bot", {"disabled": True})
    assert (await world.ask("GET", "/api/v1/me", token=text)).status == 401


async def test_tokens_of_the_gateway(world: World) -> None:
    owner = world.person("ann", "owner")
    path = "/api/v1/gateway/tokens"
    assert (await world.ask("POST", path, {"name": "x"}, token=owner)).status == 403
    made = await world.made("POST", path, {"name": "x", "permissions": ["teams:read"]})
    for home in (ACME, OTHER):
        assert (await world.ask("GET", f"{home}/teams", token=made["text"])).status == 200
    assert (await world.ask("GET", f"{TOKENS}/{made['token']['id']}")).status == 404, (
        "it is in no organization"
    )
    assert [each["name"] for each in (await world.made("GET", f"{path}?after=token+1"))["items"]] == ["x"]
    assert (await world.ask("DELETE", f"{path}/{made['token']['id']}")).status == 204
    assert (await world.ask("POST", path, {"name": "y", "service_account": "bot"})).status == 422


async def test_names_of_tokens_are_unique(world: World) -> None:
    await world.made("POST", TOKENS, {"name": "x"})
    assert (await world.ask("POST", TOKENS, {"name": "x"})).status == 409
