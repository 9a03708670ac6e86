"""Calls from browsers on other origins: off unless the operator lists the origins, exactly.

https://fetch.spec.whatwg.org/#http-cors-protocol (read 2026-11-21). Credentials mode is never allowed: keys travel in
headers, not in cookies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from waypost.edge.asgi import Headers
from waypost.edge.routes import Matched, allow

_EXPOSED = (
    b"x-request-id, x-waypost-request-id, x-waypost-model, x-waypost-provider, x-waypost-cost, x-waypost-attempts, "
    b"x-waypost-overhead-ms, x-waypost-dropped, x-waypost-replayed, x-waypost-original-request-id, "
    b"retry-after, retry-after-ms, x-should-retry"
)


def granted(origins: Sequence[str], headers: Mapping[bytes, bytes]) -> Headers:
    """The headers that let a listed origin read the answer; `vary` whenever the answer depends on the origin."""
    if not origins:
        return []
    origin = headers.get(b"origin")
    if origin is None or not _listed(origins, origin):
        return [(b"vary", b"origin")]
    return [
        (b"vary", b"origin"),
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _EXPOSED),
    ]


def preflight(origins: Sequence[str], headers: Mapping[bytes, bytes], route: Matched) -> Headers | None:
    """The headers answering `OPTIONS` before a cross-origin request, or None when it is not one that is allowed.

    The requested header names are granted as asked: which of them matter is decided when the request comes.
    """
    origin = headers.get(b"origin")
    if origin is None or b"access-control-request-method" not in headers or not _listed(origins, origin):
        return None
    return [
        *granted(origins, headers),
        (b"access-control-allow-methods", allow(route).encode()),
        (b"access-control-allow-headers", headers.get(b"access-control-request-headers", b"*")),
        (b"access-control-max-age", b"600"),
    ]


def _listed(origins: Sequence[str], origin: bytes) -> bool:
    return origin.decode("latin-1") in origins
