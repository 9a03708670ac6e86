"""What reaches the desk, and what does not."""

from __future__ import annotations

import msgspec
import pytest

from edge.asgi_rig import Exchange
from edge.rig import Rig
from waypost.core.key import Key
from waypost.edge.gate import Errand
from waypost.errors import Forbidden, Unauthenticated

KEY = Key("k1", "app", b"", "", 0.0)
JSON = [(b"content-type", b"application/json"), (b"authorization", b"Bearer sk-1"), (b"x-any", b"1")]


class Desk:
    def __init__(self, rig: Rig, error: Exception | None = None) -> None:
        self.admitted: list[tuple[str, bytes | None]] = []
        self.errands: list[Errand] = []
        self._error = error
        rig.edge._desk = self

    async def admit(self, purpose: str, presented: bytes | None) -> Key:
        self.admitted.append((purpose, presented))
        if self._error is not None:
            raise self._error
        return KEY

    async def answer(self, errand: Errand) -> bytes:
        self.errands.append(errand)
        return b'{"said":1}'


@pytest.mark.parametrize("prefix", ["/v1", "", "/api/v1"])
@pytest.mark.parametrize(
    ("method", "path", "purpose", "name"),
    [
        ("POST", "/route/explain", "explain", ""),
        ("GET", "/generations/wp-1", "generation", "wp-1"),
        ("GET", "/generation", "generation", ""),
        ("GET", "/targets", "targets", ""),
        ("GET", "/drills", "drills", ""),
        ("POST", "/drills", "drills", ""),
        ("GET", "/drills/d-1", "drill", "d-1"),
        ("DELETE", "/drills/d-1", "drill", "d-1"),
    ],
)
async def test_errands_come_with_all_that_is_known(
    prefix: str, method: str, path: str, purpose: str, name: str
) -> None:
    rig = Rig()
    desk = Desk(rig)
    body = b'{"a":1}' if method == "POST" else b""
    done = await Exchange(rig.edge, method, prefix + path, body, JSON).run()
    assert (done.status, done.body) == (200, b'{"said":1}')
    assert done.headers[b"x-waypost-request-id"] == b"req_1"
    assert desk.admitted == [(purpose, b"sk-1")]
    (errand,) = desk.errands
    assert (errand.purpose, errand.method, errand.key, errand.name, errand.body) == (
        purpose,
        method,
        KEY,
        name,
        body,
    )
    assert errand.headers[b"x-any"] == b"1"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/route/explain", b"POST"),
        ("POST", "/v1/targets", b"GET"),
        ("DELETE", "/v1/drills", b"GET, POST"),
        ("POST", "/v1/drills/d-1", b"DELETE, GET"),
    ],
)
async def test_other_methods_are_refused(method: str, path: str, allowed: bytes) -> None:
    rig = Rig()
    desk = Desk(rig)
    done = await Exchange(rig.edge, method, path, b"", JSON).run()
    assert (done.status, done.headers[b"allow"], desk.admitted) == (405, allowed, [])


@pytest.mark.parametrize(("error", "status"), [(Unauthenticated("Who?"), 401), (Forbidden("No."), 403)])
async def test_who_is_not_let_in_has_no_body_read(error: Exception, status: int) -> None:
    rig = Rig()
    desk = Desk(rig, error)
    sending = Exchange(rig.edge, "POST", "/v1/drills", None, JSON)
    done = await sending.run()
    assert (done.status, desk.errands) == (status, [])


@pytest.mark.parametrize(
    ("headers", "status"),
    [([(b"content-type", b"text/plain")], 415), ([(b"content-length", b"99999999999")], 413)],
)
async def test_bodies_are_held_to_the_limits_of_all(headers: list[tuple[bytes, bytes]], status: int) -> None:
    rig = Rig()
    Desk(rig)
    assert (await Exchange(rig.edge, "POST", "/v1/route/explain", b"{}", headers).run()).status == status


async def test_without_a_desk_there_is_nothing_to_ask() -> None:
    done = await Exchange(Rig().edge, "GET", "/v1/targets", b"", JSON).run()
    assert done.status == 404
    assert msgspec.json.decode(done.body)["error"]["code"] == "not_found"


async def test_a_key_for_other_networks_has_no_errands() -> None:
    class Elsewhere(Desk):
        async def admit(self, purpose: str, presented: bytes | None) -> Key:
            return Key("k1", "app", b"", "", 0.0, networks=("10.0.0.0/8",))

    rig = Rig()
    desk = Elsewhere(rig)
    done = await Exchange(rig.edge, "GET", "/v1/targets", b"", JSON).run()
    assert (done.status, desk.errands) == (403, [])
