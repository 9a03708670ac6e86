from __future__ import annotations

import msgspec
import pytest

from admin.rig import ACME, World
from waypost.admin.api import Admin
from waypost.core.people import User
from waypost.errors import Bug, StoreUnavailable
from waypost.ports.control import Visit


async def test_paths_and_methods(world: World) -> None:
    assert world.admin.methods("/api/v1/me") == {"GET", "HEAD", "OPTIONS", "PATCH"}
    assert world.admin.methods("/v1/models") is None
    told = await world.ask("TRACE", "/api/v1/me")
    assert (told.status, told.headers["allow"]) == (405, "GET, HEAD, OPTIONS, PATCH")
    told = await world.ask("OPTIONS", "/api/v1/me", token=None)
    assert (told.status, told.headers["allow"], told.text) == (204, "GET, HEAD, OPTIONS, PATCH", b"")
    assert (await world.ask("GET", "/api/v1/none")).status == 404
    for path in ("/api/v1/me/", "/api/v1/organizations//teams", "/api/v1/users/a/b/c"):
        assert world.admin.methods(path) == frozenset(), "nobody else's"
        assert (await world.ask("GET", path)).headers["content-type"] == "application/problem+json"
    assert world.admin.methods("/api/v1/meander") is None
    assert (await world.ask("HEAD", "/api/v1/me")).status == 200
    assert (await world.ask("HEAD", f"{ACME}/teams/none")).status == 404


async def test_who_may_not_ask_sends_no_body(world: World) -> None:
    viewer = world.person("vic", "viewer")
    for token, status in ((None, 401), (viewer, 403)):
        told = await world.ask("PUT", f"{ACME}/teams/x", b"{", token=token)
        assert told.status == status


async def test_bodies_have_a_bound_and_a_kind(world: World) -> None:
    path = f"{ACME}/teams/x"
    assert (await world.ask("PUT", path, {}, headers={"content-length": str(1024 * 1024 + 1)})).status == 413
    assert (await world.ask("PUT", path, {}, headers={"content-type": "text/plain"})).status == 415
    assert (
        await world.ask("PUT", path, {}, headers={"content-type": "application/merge-patch+json"})
    ).status == 415
    assert (await world.ask("DELETE", path, {})).status == 400, "a body where none is taken"
    assert (await world.ask("GET", f"{path}?x=1")).status == 400


async def test_an_error_of_the_store_is_an_answer(world: World) -> None:
    class Away:
        def named(self, *_: object) -> None:
            raise StoreUnavailable("The database does not answer.", retry_after_s=2.0)

    told = await world.ask("GET", f"{ACME}/teams", admin=Admin(world.parts(objects=Away())))
    assert (told.status, told.headers["retry-after"]) == (503, "2")
    assert told.headers["content-type"] == "application/problem+json"


async def test_a_bug_is_told_by_the_http_side(world: World) -> None:
    class Broken:
        def named(self, *_: object) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await world.ask("GET", f"{ACME}/teams", admin=Admin(world.parts(objects=Broken())))
    said = world.admin.refuse(Bug("It failed."), "/api/v1/me", "req_1")
    assert (said.status, b"req_1" in said.body) == (500, True)


async def test_the_document_is_public(world: World) -> None:
    told = await world.ask("GET", "/api/openapi.json", token=None)
    assert (told.status, told.json["openapi"], told.json["info"]["version"]) == (200, "3.1.0", "1.2.3")
    assert (await world.ask("GET", "/api/openapi.json", token="rubbish")).text == told.text


async def test_the_built_in_organization_is_there(world: World) -> None:
    path = "/api/v1/organizations/default"
    assert (await world.ask("GET", path)).json["name"] == "default"
    assert (await world.ask("PUT", f"{path}/teams/x", {})).status == 201
    assert (await world.ask("PATCH", path, {"title": "Home"})).status == 200
    assert (await world.ask("GET", path)).json["title"] == "Home"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_rights_are_those_of_when_the_body_was_there(world: World, method: str) -> None:
    """Who takes their time to send keeps nothing by it."""
    token = world.person("root", operator=True)
    world.person("eve")
    root = world.live.directory.find(User, "user_root")
    assert root is not None
    path = f"/api/v1/users/{'eve' if method == 'DELETE' else 'mallory'}@example.com"

    async def read(most: int) -> bytes:
        world.put(msgspec.structs.replace(root, disabled=True))
        return b'{"operator": true}' if method == "PUT" else b""

    headers = {
        b"authorization": f"Bearer {token}".encode(),
        b"content-type": b"application/json",
        b"transfer-encoding": b"chunked",
    }
    visit = Visit(
        method=method,
        path=path,
        query=b"",
        headers=headers,
        read=read,
        request_id="r",
        address="",
        https=True,
    )
    before = len([*world.live.directory.all(User)])
    assert (await world.admin.answer(visit)).status == 401
    assert len([*world.live.directory.all(User)]) == before
