from __future__ import annotations

from waypost.ports.control import Said, Visit


async def read(most: int) -> bytes:
    return b""


def test_secrets_are_not_in_what_is_printed() -> None:
    visit = Visit("GET", "/api/v1/me", b"", {b"authorization": b"Bearer secret"}, read, "req_1")
    assert repr(visit) == "Visit(GET /api/v1/me, req_1)"
    assert repr(Said(200, ((b"set-cookie", b"secret"),), b"secret")) == "Said(200)"
