from __future__ import annotations

from admin.rig import ACME, World

ALL = "/api/v1/organizations"


async def test_operators_make_organizations(world: World) -> None:
    told = await world.ask("PUT", f"{ALL}/new", {"title": "New"})
    assert (told.status, told.json["name"], told.json["member_keys_max"]) == (201, "new", 10)
    assert [each["name"] for each in (await world.made("GET", ALL))["items"]] == [
        "acme",
        "default",
        "new",
        "other",
    ]
    assert (await world.ask("DELETE", f"{ALL}/new")).status == 204
    assert (await world.ask("DELETE", f"{ALL}/default")).status == 409
    assert (await world.ask("DELETE", ACME)).status == 409, "it has teams"


async def test_members_see_their_own(world: World) -> None:
    owner, developer = world.person("ann", "owner"), world.person("dan", "developer")
    nobody = world.person("bob")
    assert [each["name"] for each in (await world.made("GET", ALL, token=owner))["items"]] == ["acme"]
    assert (await world.made("GET", ALL, token=developer))["items"] == [], "it takes organizations:read"
    assert (await world.made("GET", ALL, token=nobody)) == {"items": [], "next": None}
    world.member("ann", "other", "auditor")
    page = await world.made("GET", f"{ALL}?limit=1", token=owner)
    assert [each["name"] for each in page["items"]] == ["acme"]
    page = await world.made("GET", f"{ALL}?limit=1&after={page['next']}", token=owner)
    assert ([each["name"] for each in page["items"]], page["next"]) == (["other"], None)


async def test_a_service_account_sees_its_own(world: World) -> None:
    world.machine("bot", "auditor")
    token = world.token("service:svc_bot", organization="acme")
    assert [each["name"] for each in (await world.made("GET", ALL, token=token))["items"]] == ["acme"]


async def test_an_operators_token_for_one_organization_sees_that_one(world: World) -> None:
    world.user("op", operator=True)
    token = world.token("user:user_op", organization="other")
    assert [each["name"] for each in (await world.made("GET", ALL, token=token))["items"]] == ["other"]


async def test_owners_change_theirs_and_make_none(world: World) -> None:
    owner = world.person("ann", "owner")
    assert (await world.made("PATCH", ACME, {"title": "A"}, token=owner))["title"] == "A"
    assert (await world.ask("PUT", f"{ALL}/new", {}, token=owner)).status == 404
    assert (await world.ask("PATCH", ACME, {"suspended": True}, token=owner)).status == 403
    assert (await world.ask("DELETE", ACME, token=owner)).status == 403
    admin = world.person("adam", "admin")
    assert (await world.ask("PATCH", ACME, {"title": "A"}, token=admin)).status == 403


async def test_a_suspended_organization_is_read_only(world: World) -> None:
    owner = world.person("ann", "owner")
    await world.made("PATCH", ACME, {"suspended": True})
    assert (await world.made("GET", ACME, token=owner))["suspended"] is True
    assert (await world.ask("PUT", f"{ACME}/teams/new", {}, token=owner)).status == 403
    await world.made("PATCH", ACME, {"suspended": False})
    assert (await world.ask("PUT", f"{ACME}/teams/new", {}, token=owner)).status == 201


async def test_an_admin_of_a_team_does_not_widen_it(world: World) -> None:
    await world.made("PATCH", f"{ACME}/teams/search", {"models": ["cheap"]})
    lead = world.person("lea", "developer", {"search": "admin"})
    assert (await world.made("PATCH", f"{ACME}/teams/search", {"title": "S"}, token=lead))["title"] == "S"
    assert (await world.ask("PATCH", f"{ACME}/teams/search", {"models": []}, token=lead)).status == 403
    assert (await world.ask("PATCH", f"{ACME}/teams/ads", {"title": "S"}, token=lead)).status == 403
    assert (await world.ask("PUT", f"{ACME}/teams/new", {}, token=lead)).status == 403
    assert (await world.ask("DELETE", f"{ACME}/teams/search", token=lead)).status == 403


async def test_projects(world: World) -> None:
    body = {"title": "Support", "cost_centre": "CC-1", "models": ["openai/*"]}
    told = await world.made("PUT", f"{ACME}/projects/support", body)
    assert {**body, **told} == told
    assert "organization_id" not in told


async def test_the_models_that_an_operator_approved_hold(world: World) -> None:
    owner = world.person("ann", "owner")
    root = world.person("root", operator=True)
    assert (await world.ask("PATCH", ACME, {"models": ["openai/*"]}, token=owner)).status == 403
    await world.made("PATCH", ACME, {"models": ["openai/*"]}, token=root)
    for method, body in (
        ("PATCH", {"models": []}),
        ("PUT", {"title": "A"}),
        ("PUT", {"models": ["openai/*", "x"]}),
    ):
        assert (await world.ask(method, ACME, body, token=owner)).status == 403
    told = await world.made(
        "PUT", ACME, {"title": "A", "models": ["openai/*"], "member_keys_max": 3}, token=owner
    )
    assert (told["models"], told["title"], told["member_keys_max"]) == (["openai/*"], "A", 3)
    assert (await world.made("PATCH", ACME, {"title": "B"}, token=owner))["models"] == ["openai/*"]
    team = await world.made("PATCH", f"{ACME}/teams/search", {"models": ["openai/gpt-5"]}, token=owner)
    assert team["models"] == ["openai/gpt-5"]
