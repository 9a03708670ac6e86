"""Browsers on other origins."""

from __future__ import annotations

from edge.asgi_rig import Exchange
from edge.rig import Rig

ORIGIN = (b"origin", b"https://app.example")
PREFLIGHT = [
    ORIGIN,
    (b"access-control-request-method", b"POST"),
    (b"access-control-request-headers", b"authorization"),
]
CHAT = "/v1/chat/completions"


async def test_off_by_default() -> None:
    done = await Exchange(Rig().edge, "POST", CHAT, b"{}", [ORIGIN]).run()
    assert done.status == 200
    assert not any(name.startswith(b"access-control") for name in done.headers)
    assert (await Exchange(Rig().edge, "OPTIONS", CHAT, b"", PREFLIGHT).run()).status == 405


async def test_a_listed_origin_may_read_answers_and_errors() -> None:
    rig = Rig(cors_origins=("https://app.example",))
    for path in (CHAT, "/nothing"):
        done = await Exchange(rig.edge, "POST", path, b"{}", [ORIGIN]).run()
        assert done.headers[b"access-control-allow-origin"] == b"https://app.example"
        assert b"x-request-id" in done.headers[b"access-control-expose-headers"]
        assert done.headers[b"vary"] == b"origin"


async def test_a_preflight_is_answered_without_the_pipeline() -> None:
    rig = Rig(cors_origins=("https://app.example",))
    done = await Exchange(rig.edge, "OPTIONS", CHAT, b"", PREFLIGHT).run()
    assert done.status == 204
    assert done.body == b""
    assert b"content-length" not in done.headers
    assert done.headers[b"access-control-allow-methods"] == b"POST"
    assert done.headers[b"access-control-allow-headers"] == b"authorization"
    assert rig.pipeline.calls == []


async def test_origins_match_exactly() -> None:
    rig = Rig(cors_origins=("https://app.example",))
    for origin in (b"https://app.example.evil", b"http://app.example", b"https://APP.example", b"null", b""):
        done = await Exchange(rig.edge, "POST", CHAT, b"{}", [(b"origin", origin)]).run()
        assert b"access-control-allow-origin" not in done.headers
        assert done.headers[b"vary"] == b"origin"
        refused = await Exchange(rig.edge, "OPTIONS", CHAT, b"", [(b"origin", origin), *PREFLIGHT[1:]]).run()
        assert refused.status == 403
