"""The control API's paths at the HTTP side, with a scripted API behind them."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
import pytest

from edge.asgi_rig import Exchange
from edge.rig import JSON, PlainDialect, Rig, StepClock, list_models
from waypost.dialects.dialect import Dialect
from waypost.edge.app import Edge
from waypost.edge.control import visit_of
from waypost.edge.routes import Routes
from waypost.errors import GatewayError, InvalidRequest, TooLarge
from waypost.ports.control import Said, Visit
from waypost.telemetry.logs import Log


class Scripted:
    """Takes `/api/v1/things`, and answers what its script says."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []
        self.script: Callable[[Visit], Awaitable[Said]] = self.echo

    def methods(self, path: str) -> frozenset[str] | None:
        return frozenset(("GET", "PUT")) if path == "/api/v1/things" else None

    async def echo(self, visit: Visit) -> Said:
        return Said(200, (JSON,), await visit.read(1000))

    async def answer(self, visit: Visit) -> Said:
        self.visits.append(visit)
        return await self.script(visit)

    def refuse(self, error: GatewayError, visit_path: str, request_id: str) -> Said:
        body = msgspec.json.encode({"code": error.code, "path": visit_path, "id": request_id})
        return Said(error.status, ((b"content-type", b"application/problem+json"),), body)


def edge_with(control: Scripted, **settings: Any) -> Edge:
    rig = Rig(**settings)
    numbers = itertools.count(1)
    return Edge(
        pipeline=rig.pipeline,
        dialects=[cast(Dialect, PlainDialect("/chat/completions", "chat"))],
        gate=rig.gate,
        models=list_models,
        metrics=lambda: b"",
        new_id=lambda: f"req_{next(numbers)}",
        clock=StepClock(),
        log=Log(rig.log, lambda: 0.0),
        version="1",
        control=control,
    )


async def test_its_paths_are_its_own_and_no_others() -> None:
    control = Scripted()
    edge = edge_with(control)
    told = await Exchange(edge, "PUT", "/api/v1/things", b'{"a":1}').run()
    assert (told.status, told.body) == (200, b'{"a":1}')
    assert told.headers[b"x-request-id"] == b"req_1"
    assert told.headers[b"cache-control"] == b"no-store"
    for path, status in (("/api/v1/chat/completions", 200), ("/api/v1/models", 200), ("/api/v1/none", 404)):
        method = "POST" if path.endswith("completions") else "GET"
        assert (await Exchange(edge, method, path, b"{}").run()).status == status
    assert [visit.path for visit in control.visits] == ["/api/v1/things"]


async def test_inference_paths_are_found_without_it() -> None:
    def never(path: str) -> frozenset[str] | None:
        raise AssertionError(path)

    routes = Routes([cast(Dialect, PlainDialect("/chat/completions", "chat"))], never)
    for path in ("/v1/chat/completions", "/api/v1/chat/completions", "/v1/models/x", "/livez", "/v1/files/x"):
        routes.find(path)
    with pytest.raises(AssertionError):
        routes.find("/api/v1/things")


async def test_other_methods_are_its_business() -> None:
    control = Scripted()
    edge = edge_with(control)
    for method in ("DELETE", "OPTIONS"):
        assert (await Exchange(edge, method, "/api/v1/things").run()).status == 200
    origin = [(b"origin", b"https://a.example"), (b"access-control-request-method", b"PUT")]
    listed = edge_with(control, cors_origins=("https://a.example",))
    told = await Exchange(listed, "OPTIONS", "/api/v1/things", headers=origin).run()
    assert told.status == 204
    assert told.headers[b"access-control-allow-methods"] == b"GET, PUT"
    assert b"access-control-allow-credentials" not in told.headers


async def test_errors_are_said_its_way() -> None:
    control = Scripted()

    async def broken(visit: Visit) -> Said:
        raise ZeroDivisionError

    control.script = broken
    edge = edge_with(control)
    told = await Exchange(edge, "GET", "/api/v1/things").run()
    assert (told.status, told.headers[b"content-type"]) == (500, b"application/problem+json")
    assert edge.active == 0
    edge.closed = True
    told = await Exchange(edge, "GET", "/api/v1/things").run()
    assert (told.status, b'"draining"' in told.body) == (503, True)


async def test_the_document_is_named_where_paths_are() -> None:
    told = await Exchange(edge_with(Scripted()), "GET", "/").run()
    assert b"GET /api/openapi.json" in told.body
    assert b"/api/openapi.json" not in (await Exchange(Rig().edge, "GET", "/").run()).body


async def test_a_gateway_without_one() -> None:
    told = await Exchange(Rig().edge, "GET", "/api/v1/things").run()
    assert told.status == 404


async def test_what_is_handed_on() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * 11, "more_body": False}

    scope: dict[str, Any] = {
        "method": "GET", "path": "/p", "query_string": b"a=b", "client": ("10.0.0.1", 5), "scheme": "https",
    }  # fmt: skip
    settings = Rig().gate.settings
    visit = visit_of(scope, {b"content-type": b"text/plain"}, receive, settings, None, "req_9")
    assert (visit.method, visit.path, visit.query) == ("GET", "/p", b"a=b")
    assert (visit.address, visit.https) == ("10.0.0.1", True)
    assert await visit.read(11) == b"x" * 11
    with pytest.raises(TooLarge, match="at most 10 bytes"):
        await visit.read(10)
    with pytest.raises(TooLarge):
        await visit_of(scope, {b"content-length": b"99"}, receive, settings, None, "r").read(10)
    with pytest.raises(InvalidRequest):
        visit_of(scope, {b"content-length": b"x"}, receive, settings, None, "r")
    del scope["client"]
    assert visit_of(scope, {}, receive, settings, None, "r").address == ""
