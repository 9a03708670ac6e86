from __future__ import annotations

from hashlib import sha256

from admin.rig import ACME, NOW, OTHER, World
from waypost.core.keytext import looks_valid
from waypost.core.people import ROLES, TeamRole

KEYS = f"{ACME}/keys"


async def test_a_key_is_shown_once(world: World) -> None:
    body = {"name": "ci", "team": "search", "budget": "20.00", "budget_per": "month", "rpm": 5, "tags": ["t"]}
    told = await world.ask("POST", KEYS, body)
    assert told.status == 201
    text, key = told.json["text"], told.json["key"]
    assert looks_valid(text)
    assert (key["team"], key["budget"], key["user"], key["made_by"]) == ("search", "20", None, "operator")
    kept = world.keys.get(key["id"])
    assert kept is not None
    assert (kept.digest, kept.organization_id) == (sha256(text.encode()).digest(), "org_acme")
    assert (await world.made("GET", f"{KEYS}/{key['id']}")) == key
    assert text.encode() not in (await world.ask("GET", KEYS)).text
    assert text not in repr(world.audit)


async def test_the_life_of_a_key(world: World) -> None:
    made = await world.made("POST", KEYS, {"name": "ci"})
    path = f"{KEYS}/{made['key']['id']}"
    tag = (await world.ask("GET", path)).etag
    assert (await world.ask("GET", path, headers={"if-none-match": tag})).status == 304
    told = await world.ask(
        "PATCH", path, {"rpm": 9, "budget": "1.5", "project": None}, headers={"if-match": tag}
    )
    assert (told.status, told.json["rpm"], told.json["budget"]) == (200, 9, "1.5")
    assert (await world.ask("PATCH", path, {"rpm": None}, headers={"if-match": tag})).status == 412
    assert (await world.made("PATCH", path, {"rpm": None, "budget": None}))["budget"] is None
    turned = await world.made("POST", f"{path}/rotate", {"overlap_s": 60})
    assert turned["text"] != made["text"]
    assert turned["key"]["id"] == made["key"]["id"]
    assert (await world.ask("DELETE", path, headers={"if-match": tag})).status == 412
    assert (await world.ask("DELETE", path)).status == 204
    assert (await world.ask("DELETE", path)).status == 204
    assert (await world.made("GET", path))["revoked_at"] == NOW
    assert (await world.ask("PATCH", path, {"rpm": 1})).status == 422
    assert (await world.ask("POST", f"{path}/rotate", {})).status == 422
    assert [each.action for each in world.audit] == [
        "create_key", "patch_key", "patch_key", "rotate_key", "revoke_key",
    ]  # fmt: skip


async def test_whose_a_key_is(world: World) -> None:
    ann = world.person("ann", "owner")
    world.user("bob")
    world.machine("bot")
    made = await world.made("POST", KEYS, {"name": "a", "user": "me"}, token=ann)
    assert made["key"]["user"] == "ann@example.com"
    assert (await world.made("POST", KEYS, {"name": "a"}, token=ann))["key"]["user"] is None
    assert (await world.made("POST", KEYS, {"name": "a", "user": "user_ann"}))["key"][
        "user"
    ] == "ann@example.com"
    told = await world.made("POST", KEYS, {"name": "a", "service_account": "bot"})
    assert told["key"]["service_account"] == "bot"
    for body, field in (
        ({"user": "bob@example.com"}, "user"),
        ({"user": "none@example.com"}, "user"),
        ({"user": "me"}, "user"),
        ({"service_account": "none"}, "service_account"),
        ({"user": "me", "service_account": "bot"}, "service_account"),
        ({"team": "theirs"}, "team"),
        ({"project": "none"}, "project"),
        ({"networks": ["10.0.0.1/8"]}, "networks"),
    ):
        told = await world.ask("POST", KEYS, {"name": "a", **body})
        assert (told.status, told.fields) == (422, [field])


async def test_one_may_have_so_many_of_ones_own(world: World) -> None:
    dan = world.person("dan", "developer")
    world.key("shared")
    first = await world.made("POST", KEYS, {"name": "mine"}, token=dan)
    assert first["key"]["user"] == "dan@example.com"
    await world.made("POST", KEYS, {"name": "two"}, token=dan)
    assert (await world.ask("POST", KEYS, {"name": "three"}, token=dan)).status == 409
    await world.ask("DELETE", f"{KEYS}/{first['key']['id']}", token=dan)
    assert (await world.ask("POST", KEYS, {"name": "three"}, token=dan)).status == 201
    page = await world.made("GET", KEYS, token=dan)
    assert {each["name"] for each in page["items"]} == {"three", "two", "mine"}


async def test_ones_own_keys_are_no_more_than_others(world: World) -> None:
    world.person("ann", "developer")
    dan = world.person("dan", "developer", {"ads": "viewer"})
    for body in (
        {"user": "ann@example.com"},
        {"user": "nobody@example.com"},
        {"priority": "high"},
        {"log_content": False},
        {"team": "search"},
        {"service_account": "x"},
    ):
        assert (await world.ask("POST", KEYS, {"name": "x", **body}, token=dan)).status == 403
    assert (await world.ask("POST", KEYS, {"name": "x", "team": "ads"}, token=dan)).status == 201
    assert (await world.ask("POST", KEYS, {"name": "x", "operator": True}, token=dan)).status == 400


async def test_what_others_limited_one_does_not_widen(world: World) -> None:
    dan = world.person("dan", "developer", {"ads": "viewer"})
    given = world.key("given", user_id="user_dan", rpm=5, made_by="operator")
    path = f"{KEYS}/{given.key_id}"
    assert (await world.ask("PATCH", path, {"rpm": 500}, token=dan)).status == 403
    assert (await world.ask("POST", f"{path}/rotate", {}, token=dan)).status == 200
    assert (await world.ask("DELETE", path, token=dan)).status == 204
    own = await world.made("POST", KEYS, {"name": "own"}, token=dan)
    path = f"{KEYS}/{own['key']['id']}"
    assert (await world.ask("PATCH", path, {"rpm": 500}, token=dan)).status == 200
    assert (await world.ask("PATCH", path, {"priority": "high"}, token=dan)).status == 403
    assert (await world.ask("PATCH", path, {"team": "search"}, token=dan)).status == 403
    assert (await world.ask("PATCH", path, {"team": "ads"}, token=dan)).status == 200


async def test_others_keys_are_not_there(world: World) -> None:
    dan = world.person("dan", "developer")
    shared = world.key("shared")
    theirs = world.key("theirs", organization_id="org_other")
    for key in (shared, theirs):
        for method, rest in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
            body = None if method in ("GET", "DELETE") else {}
            assert (await world.ask(method, f"{KEYS}/{key.key_id}{rest}", body, token=dan)).status == 404
    assert (await world.ask("GET", f"{KEYS}/{theirs.key_id}")).status == 404, "the path's organization counts"
    assert (await world.ask("GET", f"{OTHER}/keys/{theirs.key_id}")).status == 200
    auditor = world.person("aud", "auditor")
    assert (await world.ask("GET", f"{KEYS}/{shared.key_id}", token=auditor)).status == 200
    assert (await world.ask("DELETE", f"{KEYS}/{shared.key_id}", token=auditor)).status == 403


async def test_an_admin_of_a_team_has_its_keys(world: World) -> None:
    world.role("blind", "projects:read")
    lead = world.person("lea", "blind", {"search": "admin"})
    of_team, other = world.key("s", team_id="team_search"), world.key("o", team_id="team_ads")
    page = await world.made("GET", f"{KEYS}?limit=1", token=lead)
    assert [each["id"] for each in page["items"]] == [of_team.key_id]
    assert (await world.ask("PATCH", f"{KEYS}/{of_team.key_id}", {"rpm": 2}, token=lead)).status == 200
    assert (await world.ask("PATCH", f"{KEYS}/{of_team.key_id}", {"team": "ads"}, token=lead)).status == 403
    assert (await world.ask("PATCH", f"{KEYS}/{other.key_id}", {"rpm": 2}, token=lead)).status == 404
    assert (await world.ask("POST", KEYS, {"name": "n", "team": "search"}, token=lead)).status == 201
    assert (await world.ask("POST", KEYS, {"name": "n"}, token=lead)).status == 403


async def test_ones_own_everywhere(world: World) -> None:
    dan = world.person("dan", "developer")
    world.member("dan", "other", "developer")
    for home in ("org_acme", "org_other"):
        world.key(home, organization_id=home, user_id="user_dan")
    world.key("shared")
    page = await world.made("GET", "/api/v1/me/keys", token=dan)
    assert {each["organization"] for each in page["items"]} == {"acme", "other"}
    narrow = world.token("user:user_dan", "own_keys:write", organization="acme")
    page = await world.made("GET", "/api/v1/me/keys?limit=1", token=narrow)
    rest = await world.made("GET", f"/api/v1/me/keys?after={page['next']}", token=narrow)
    assert [each["organization"] for each in (*page["items"], *rest["items"])] == ["acme"]
    assert (await world.made("GET", "/api/v1/me/keys"))["items"] == []
    assert "own_keys:write" in ROLES["developer"]


async def test_an_operators_key_is_taken_over_by_nobody(world: World) -> None:
    owner, dan = world.person("ann", "owner"), world.person("dan", "developer")
    root = world.person("root", operator=True)
    key = world.key(
        "ops", operator=True, networks=("10.0.0.0/8",), user_id="user_dan", made_by="user:user_dan"
    )
    path = f"{KEYS}/{key.key_id}"
    for token in (owner, dan, world.token("user:user_root", organization="acme")):
        assert (await world.ask("PATCH", path, {"networks": []}, token=token)).status == 403
        assert (await world.ask("POST", f"{path}/rotate", {}, token=token)).status == 403
    assert (await world.made("GET", path, token=owner))["networks"] == ["10.0.0.0/8"]
    assert (await world.made("PATCH", path, {"rpm": 2}, token=root))["operator"] is True
    assert (await world.made("POST", f"{path}/rotate", {}, token=root))["key"]["operator"] is True
    assert (await world.ask("POST", KEYS, {"name": "n", "operator": True}, token=owner)).status == 400
    assert (await world.ask("DELETE", path, token=owner)).status == 204, "ending it gives nobody anything"


async def test_an_admin_of_a_team_makes_keys_for_the_team_alone(world: World) -> None:
    lead = world.person("lea", "developer", {"search": "admin"})
    world.person("ann", "owner", {"search": "developer"})
    world.person("dan", "developer", {"search": "developer"})
    world.person("out", "developer", {"ads": "developer"})
    inside = (TeamRole("team_search", "developer"),)
    world.machine("boss", "admin", teams=inside)
    world.machine("bot", "developer", teams=inside)
    world.machine("far", "developer")
    wanted = {
        "user": {"dan@example.com": 201, "me": 201, "out@example.com": 403, "ann@example.com": 403},
        "service_account": {"bot": 201, "far": 403, "boss": 403},
    }
    for field, names in wanted.items():
        for name, status in names.items():
            told = await world.ask("POST", KEYS, {"name": "n", "team": "search", field: name}, token=lead)
            assert (name, told.status) == (name, status)
    for owned, status in (("svc_boss", 403), ("svc_far", 403), ("svc_bot", 200)):
        path = f"{KEYS}/{world.key(owned, team_id='team_search', service_id=owned).key_id}"
        assert (await world.ask("PATCH", path, {"rpm": 2}, token=lead)).status == status
        assert (await world.ask("POST", f"{path}/rotate", {}, token=lead)).status == status
        assert (await world.ask("DELETE", path, token=lead)).status == 204
    admin = world.person("adam", "admin")
    for name in ("boss", "far"):
        told = await world.ask(
            "POST", KEYS, {"name": "n", "team": "search", "service_account": name}, token=admin
        )
        assert told.status == 201


async def test_the_list_has_what_can_be_read(world: World) -> None:
    world.role("maker", "keys:write", "own_keys:write")
    mia = world.person("mia", "maker")
    key = world.key("shared")
    assert (await world.ask("GET", f"{KEYS}/{key.key_id}", token=mia)).status == 200
    assert [each["id"] for each in (await world.made("GET", KEYS, token=mia))["items"]] == [key.key_id]
