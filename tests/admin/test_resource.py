"""What all named objects have: get, list, put, patch, delete, entity tags and pages."""

from __future__ import annotations

import pytest

from admin.rig import ACME, OTHER, World
from waypost.admin.organizations import TeamBody
from waypost.admin.resource import patch_of

TEAM = f"{ACME}/teams/core"


async def test_put_makes_and_replaces(world: World) -> None:
    first = await world.ask("PUT", TEAM, {"title": "Core"})
    assert (first.status, first.json["title"], first.json["models"]) == (201, "Core", [])
    again = await world.ask("PUT", TEAM, {"title": "Core"})
    assert (again.status, again.etag) == (200, first.etag), "the same again changes nothing"
    other = await world.ask("PUT", TEAM, {"models": ["openai/*"]})
    assert (other.status, other.json["title"], other.json["id"]) == (200, "", first.json["id"])
    assert other.etag != first.etag
    assert (await world.ask("GET", TEAM)).json == other.json


async def test_patch_changes_what_it_names(world: World) -> None:
    await world.made("PUT", TEAM, {"title": "Core", "models": ["a", "b"]})
    told = await world.ask("PATCH", TEAM, {"title": "C"})
    assert (told.status, told.json["title"], told.json["models"]) == (200, "C", ["a", "b"])
    merge = {"content-type": "application/merge-patch+json"}
    assert (await world.ask("PATCH", TEAM, {"models": []}, headers=merge)).json["models"] == []
    assert (await world.ask("PATCH", f"{ACME}/teams/nobody", {"title": "x"})).status == 404
    unset = patch_of(TeamBody)()
    assert unset.title is not None


async def test_delete(world: World) -> None:
    await world.made("PUT", TEAM, {})
    assert (await world.ask("DELETE", TEAM)).status == 204
    assert (await world.ask("GET", TEAM)).status == 404
    assert (await world.ask("DELETE", TEAM)).status == 404


async def test_conditions(world: World) -> None:
    tag = (await world.ask("PUT", TEAM, {}, headers={"if-none-match": "*"})).etag
    for method, headers in (
        ("PUT", {"if-none-match": "*"}),
        ("PUT", {"if-match": '"1", "2"'}),
        ("PATCH", {"if-match": '"1"'}),
        ("DELETE", {"if-match": '"1"'}),
    ):
        told = await world.ask(method, TEAM, None if method == "DELETE" else {}, headers=headers)
        assert (told.status, told.json["type"]) == (412, "urn:waypost:error:precondition_failed")
    assert (await world.ask("PUT", f"{ACME}/teams/new", {}, headers={"if-match": "*"})).status == 412
    assert (await world.ask("GET", TEAM, headers={"if-none-match": tag})).status == 304
    assert (await world.ask("PUT", TEAM, {"title": "x"}, headers={"if-match": f'"9", {tag}'})).status == 200
    assert (await world.ask("GET", TEAM, headers={"if-none-match": tag})).status == 200
    assert (await world.ask("PATCH", TEAM, {}, headers={"if-match": "12"})).status == 412


async def test_a_change_that_comes_between_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.made("PUT", TEAM, {"title": "one"})
    put, between = world.live.put, ["two"]

    async def late(found, **more):  # type: ignore[no-untyped-def]
        if between:
            team = world.rows.named("team", "org_acme", "core")
            await put(type(team)(**{**_fields(team), "title": between.pop()}))
        return await put(found, **more)

    monkeypatch.setattr(world.live, "put", late)
    told = await world.ask("PATCH", TEAM, {"models": ["m"]})
    assert (told.status, told.json["title"], told.json["models"]) == (200, "two", ["m"])
    between.append("three")
    told = await world.ask("PATCH", TEAM, {"models": []}, headers={"if-match": told.etag})
    assert told.status == 412, "what it was made for is not there any more"


def _fields(found: object) -> dict[str, object]:
    return {name: getattr(found, name) for name in found.__struct_fields__}  # type: ignore[attr-defined]


async def test_pages(world: World) -> None:
    for name in ("a", "b", "c", "d", "e"):
        await world.made("PUT", f"{ACME}/projects/{name}", {})
    seen, path = [], f"{ACME}/projects?limit=2"
    while path:
        told = await world.ask("GET", path)
        seen.append([each["name"] for each in told.json["items"]])
        following = told.json["next"]
        link = told.headers.get("link", "")
        path = link[1 : link.index(">")] if link else ""
        assert bool(path) == (following is not None)
        assert not path or path == f"{ACME}/projects?limit=2&after={following}"
    assert seen == [["a", "b"], ["c", "d"], ["e"]]
    for query, field in (
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("sort=a", "sort"),
        ("after=a&after=b", "after"),
    ):
        told = await world.ask("GET", f"{ACME}/projects?{query}")
        assert (told.status, told.fields) == (400, [field])


async def test_a_page_holds_what_may_be_seen(world: World) -> None:
    world.role("blind", "projects:read")
    token = world.person("ann", "blind", {"search": "viewer"})
    told = await world.ask("GET", f"{ACME}/teams?limit=1", token=token)
    assert [each["name"] for each in told.json["items"]] == ["search"]
    assert told.json["next"] is None


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 400, None),
        (b"{", 400, None),
        (b"[]", 400, "$"),
        (b'{"titel":"x"}', 400, "titel"),
        (b'{"models":["a",1]}', 400, "models[1]"),
        (b'{"title":"a\\u0000b"}', 400, "title"),
        (b'{"title":"\\ud800"}', 400, None),
        (b'{"revision":3}', 400, "revision"),
        (b'{"organization_id":"org_other"}', 400, "organization_id"),
    ],
)
async def test_bodies_that_are_refused(world: World, body: bytes, status: int, field: str | None) -> None:
    told = await world.ask("PUT", TEAM, body)
    assert told.status == status
    assert told.fields == ([] if field is None else [field])
    assert told.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["Core", "-a", "a b", "ä", "a\n", "x" * 64])
async def test_names_that_are_refused(world: World, name: str) -> None:
    told = await world.ask("PUT", f"{ACME}/teams/{name}", {})
    assert (told.status, told.fields) == (422, ["name"])


async def test_another_tenants_object_is_not_told_from_none(world: World) -> None:
    token = world.person("ann", "owner")
    world.person("bob")
    for path in (f"{OTHER}/teams/theirs", f"{OTHER}/teams/none", "/api/v1/organizations/none/teams/theirs"):
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            told = await world.ask(method, path, {} if method[0] == "P" else None, token=token)
            name = path.split("/")[4]
            assert (told.status, told.json["detail"]) == (
                404,
                f"There is no organization {name!r} here, or you may not see it.",
            )
