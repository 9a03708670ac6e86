from __future__ import annotations

import re
from pathlib import Path

import msgspec

from admin.rig import ACME, NOW, OTHER, World, provider
from waypost.admin.credentials import CredentialBody
from waypost.core.credentials import Credential
from waypost.policy.credentials import secret_of

ONE = f"{ACME}/credentials/main"
SECRET = "sk-proj-0123456789abcdefWXYZ"
ANOTHER = "sk-proj-9876543210abcdefQRST"


def kept(world: World, name: str = "main") -> Credential:
    found = world.rows.named("credential", "org_acme", name)
    assert isinstance(found, Credential)
    return found


async def test_a_secret_goes_in_and_never_comes_out(world: World, tmp_path: Path) -> None:
    told = await world.ask("PUT", ONE, {"provider": "openai", "secret": SECRET})
    assert told.status == 201
    shown = told.json
    assert shown.pop("id").startswith("cred_")
    assert shown == {
        "name": "main",
        "provider": "openai",
        "origin": "https://api.openai.example",
        "owner": "organization",
        "team": None,
        "user": None,
        "use": "first",
        "weight": 1,
        "disabled": False,
        "state": "active",
        "ends_in": "WXYZ",
        "version": 1,
        "changed_at": NOW,
        "expires_at": None,
        "created_at": NOW,
        "revision": shown["revision"],
    }
    assert secret_of(world.seals, kept(world)) == SECRET
    answers = [told.text]
    for method, path, body in (
        ("GET", ONE, None),
        ("GET", f"{ACME}/credentials", None),
        ("PATCH", ONE, {"weight": 3}),
        ("PATCH", ONE, {"secret": SECRET, "weight": -1}),
        ("PUT", ONE, {"provider": "nobody", "secret": SECRET}),
        ("DELETE", ONE, None),
    ):
        answers.append((await world.ask(method, path, body)).text)
    assert not any(SECRET.encode() in text for text in answers)
    assert SECRET not in repr(world.audit)
    assert SECRET not in repr(msgspec.convert({"provider": "openai", "secret": SECRET}, CredentialBody))


async def test_what_is_stored_is_sealed(world: World, tmp_path: Path) -> None:
    await world.made("PUT", ONE, {"provider": "openai", "secret": SECRET})
    await world.made("PUT", ONE, {"provider": "openai", "secret": ANOTHER})
    await world.ask("DELETE", ONE)
    for file in (tmp_path / "waypost.db", tmp_path / "waypost.db-wal"):
        data = file.read_bytes()
        assert SECRET.encode() not in data, file
        assert ANOTHER.encode() not in data, file


async def test_the_same_again_changes_nothing(world: World) -> None:
    body = {"provider": "openai", "secret": SECRET, "weight": 2}
    first = await world.ask("PUT", ONE, body)
    world.clock.now += 60
    again = await world.ask("PUT", ONE, body)
    assert (again.status, again.etag, again.json) == (200, first.etag, first.json)
    without = await world.ask("PUT", ONE, {"provider": "openai", "weight": 2})
    assert (without.etag, without.json) == (first.etag, first.json)
    changed = await world.made("PUT", ONE, {"provider": "openai", "secret": ANOTHER, "weight": 2})
    assert (changed["version"], changed["ends_in"], changed["changed_at"]) == (2, "QRST", NOW + 60)
    assert secret_of(world.seals, kept(world)) == ANOTHER


async def test_a_patch_keeps_the_secret(world: World) -> None:
    made = await world.made("PUT", ONE, {"provider": "openai", "secret": SECRET})
    told = await world.made("PATCH", ONE, {"use": "only", "disabled": True, "expires_at": NOW + 5})
    assert (told["use"], told["state"], told["version"]) == ("only", "disabled", 1)
    assert (await world.made("PATCH", ONE, {"disabled": False}))["state"] == "active"
    world.clock.now += 5
    assert (await world.made("GET", ONE))["state"] == "expired"
    assert (await world.made("PATCH", ONE, {"secret": ANOTHER, "expires_at": None}))["version"] == 2
    assert kept(world).id == made["id"]


async def test_what_is_wrong_names_its_field(world: World) -> None:
    for body, status, field in (
        ({"provider": "openai"}, 422, "secret"),
        ({"provider": "nobody", "secret": SECRET}, 422, "provider"),
        ({"provider": "bedrock", "secret": SECRET}, 422, "provider"),
        ({"provider": "openai", "secret": f"{SECRET}\n"}, 422, "secret"),
        ({"provider": "openai", "secret": ""}, 400, "secret"),
        ({"provider": "openai", "secret": "é" * 30}, 422, "secret"),
        ({"provider": "openai", "secret": "x" * 8193}, 400, "secret"),
        ({"provider": "openai", "secret": SECRET, "use": "always"}, 400, "use"),
        ({"provider": "openai", "secret": SECRET, "team": "nobody"}, 422, "team"),
        ({"provider": "openai", "secret": SECRET, "team": "theirs"}, 422, "team"),
        ({"provider": "openai", "secret": SECRET, "user": "nobody@example.com"}, 422, "user"),
        ({"provider": "openai", "secret": SECRET, "user": "me"}, 422, "user"),
        ({"provider": "openai", "secret": SECRET, "team": "ads", "user": "me"}, 422, "user"),
        ({"secret": SECRET}, 400, "provider"),
    ):
        told = await world.ask("PUT", ONE, body)
        assert (told.status, told.fields) == (status, [field]), (body, told.text)
        assert SECRET.encode() not in told.text
    assert world.rows.named("credential", "org_acme", "main") is None
    told = await world.ask("PUT", ONE, {"provider": "bedrock", "secret": SECRET})
    assert "takes no key" in told.json["detail"]
    told = await world.ask("PUT", ONE, {"provider": "nobody", "secret": SECRET})
    assert "bedrock, openai" in told.json["detail"]


async def test_another_provider_needs_another_secret(world: World) -> None:
    world.providers["groq"] = provider("groq")
    await world.made("PUT", ONE, {"provider": "openai", "secret": SECRET})
    told = await world.ask("PATCH", ONE, {"provider": "groq"})
    assert (told.status, told.fields) == (422, ["secret"])
    told = await world.made("PATCH", ONE, {"provider": "groq", "secret": ANOTHER})
    assert (told["origin"], told["version"]) == ("https://api.groq.example", 2)


async def test_a_provider_that_moves_has_to_be_given_the_secret_again(world: World) -> None:
    await world.made("PUT", ONE, {"provider": "openai", "secret": SECRET})
    world.providers["openai"] = provider("openai", "elsewhere.example")
    told = await world.made("GET", ONE)
    assert (told["state"], told["origin"]) == ("unbound", "https://api.openai.example")
    told = await world.made("PATCH", ONE, {"weight": 2})
    assert (told["state"], told["origin"]) == ("unbound", "https://api.openai.example")
    told = await world.made("PATCH", ONE, {"secret": SECRET})
    assert (told["state"], told["origin"], told["version"]) == ("active", "https://elsewhere.example", 2)
    del world.providers["openai"]
    assert (await world.made("GET", ONE))["state"] == "unserved"
    assert (await world.made("PATCH", ONE, {"disabled": True}))["state"] == "disabled"


async def test_tags_and_names(world: World) -> None:
    first = await world.ask("PUT", ONE, {"provider": "openai", "secret": SECRET})
    assert (await world.ask("GET", ONE, headers={"if-none-match": first.etag})).status == 304
    stale = {"if-match": '"1"'}
    assert (await world.ask("PATCH", ONE, {"weight": 2}, headers=stale)).status == 412
    assert (await world.ask("PUT", ONE, {"provider": "openai"}, headers={"if-none-match": "*"})).status == 412
    told = await world.ask("PUT", f"{ACME}/credentials/Main", {"provider": "openai", "secret": SECRET})
    assert (told.status, told.fields) == (422, ["name"])
    assert (await world.ask("DELETE", ONE)).status == 204
    assert (await world.ask("GET", ONE)).status == 404


async def test_a_team_has_its_own(world: World) -> None:
    lead = world.person("lead", "developer", {"search": "admin"})
    body = {"provider": "openai", "secret": SECRET, "team": "search"}
    told = await world.made("PUT", ONE, body, token=lead)
    assert (told["owner"], told["team"]) == ("team", "search")
    of_all = {"provider": "openai", "secret": SECRET}
    for path, given in (
        (ONE, of_all),
        (f"{ACME}/credentials/x", {**body, "team": "ads"}),
        (f"{ACME}/credentials/x", of_all),
    ):
        assert (await world.ask("PUT", path, given, token=lead)).status == 403, given
    await world.made("PUT", f"{ACME}/credentials/wide", of_all)
    listed = await world.made("GET", f"{ACME}/credentials", token=lead)
    assert [each["name"] for each in listed["items"]] == ["main"]
    assert (await world.ask("GET", f"{ACME}/credentials/wide", token=lead)).status == 404
    assert (await world.ask("DELETE", f"{ACME}/credentials/wide", token=lead)).status == 404
    told = await world.ask("DELETE", f"{ACME}/teams/search")
    assert told.status == 409
    assert "the credential 'main'" in told.json["detail"]
    assert (await world.ask("DELETE", ONE, token=lead)).status == 204


async def test_who_may_brings_their_own(world: World) -> None:
    world.role("byo", "own_credentials:write")
    ann, ben, dev = world.person("ann", "byo"), world.person("ben", "byo"), world.person("dev", "developer")
    body = {"provider": "openai", "secret": SECRET, "user": "me"}
    assert (await world.ask("PUT", ONE, body, token=dev)).status == 403
    told = await world.made("PUT", ONE, body, token=ann)
    assert (told["owner"], told["user"]) == ("user", "ann@example.com")
    assert (await world.made("PATCH", ONE, {"weight": 4}, token=ann))["weight"] == 4
    for method, given in (("GET", None), ("PUT", body), ("PATCH", {"weight": 9}), ("DELETE", None)):
        assert (await world.ask(method, ONE, given, token=ben)).status == 404, method
    other = f"{ACME}/credentials/bens"
    for wrong in ({**body, "user": "ann@example.com"}, {"provider": "openai", "secret": SECRET}):
        assert (await world.ask("PUT", other, wrong, token=ben)).status == 403, wrong
    assert (await world.made("GET", f"{ACME}/credentials", token=ben))["items"] == []
    assert len((await world.made("GET", f"{ACME}/credentials", token=ann))["items"]) == 1
    assert (await world.ask("PATCH", ONE, {"user": None}, token=ann)).status == 403, "it stays their own"
    owner = world.person("owner", "owner")
    assert (await world.made("PATCH", ONE, {"disabled": True}, token=owner))["state"] == "disabled"


async def test_what_somebody_brought_goes_with_them(world: World) -> None:
    world.person("ann", "admin")
    body = {"provider": "openai", "secret": SECRET, "user": "ann@example.com"}
    made = await world.made("PUT", ONE, body)
    assert (await world.ask("DELETE", f"{ACME}/members/user_ann")).status == 204
    assert (await world.ask("GET", ONE)).status == 404
    gone = next(c for c in world.rows.changed(0)[0] if c.object.id == made["id"])
    assert gone.deleted
    assert isinstance(gone.object, Credential)
    assert gone.object.sealed == b""


async def test_tenants_do_not_see_each_others(world: World) -> None:
    await world.made("PUT", ONE, {"provider": "openai", "secret": SECRET})
    world.user("eve")
    world.member("eve", "other", "owner")
    eve = world.token("user:user_eve")
    for path in (ONE, f"{ACME}/credentials"):
        assert (await world.ask("GET", path, token=eve)).status == 404
    assert (await world.ask("GET", f"{OTHER}/credentials/main", token=eve)).status == 404
    assert (await world.made("GET", f"{OTHER}/credentials", token=eve))["items"] == []


async def test_one_that_can_not_be_read_here_says_so(world: World) -> None:
    from waypost.admin.api import Admin

    await world.made("PUT", ONE, {"provider": "openai", "secret": SECRET})
    admin = Admin(world.parts(readable=lambda _: False))
    assert (await world.made("GET", ONE, admin=admin))["state"] == "unreadable"


async def test_the_document_shows_no_field_for_secrets_in_answers(world: World) -> None:
    text = (await world.ask("GET", "/api/openapi.json", token=None)).json
    view = text["components"]["schemas"]["CredentialView"]
    assert "secret" not in view["properties"]
    assert re.search("sealed", str(view["properties"])) is None
    assert "secret" in text["components"]["schemas"]["CredentialBody"]["properties"]
