"""A request to the control API, as it is handed on."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from waypost.config.snapshot import Settings
from waypost.edge.asgi import Receive, Scope
from waypost.edge.connection import Connection
from waypost.edge.receive import check_head, read_body
from waypost.errors import InvalidRequest, TooLarge
from waypost.ports.control import Visit


def visit_of(
    scope: Scope,
    headers: Mapping[bytes, bytes],
    receive: Receive,
    settings: Settings,
    connection: Connection | None,
    request_id: str,
) -> Visit:
    """What came, with a body that is read only if somebody wants it. Raises InvalidRequest for a bad length."""
    length = headers.get(b"content-length")
    if length is not None and not length.isdigit():
        raise InvalidRequest("The Content-Length header is not a number.")

    async def read(most: int) -> bytes:
        bounded = msgspec.structs.replace(settings, body_max_bytes=min(most, settings.body_max_bytes))
        try:
            check_head({name: value for name, value in headers.items() if name != b"content-type"}, bounded)
            return await read_body(receive, bounded, connection is None or connection.receiving)
        except TooLarge:
            raise TooLarge(f"A body here has at most {bounded.body_max_bytes} bytes.") from None

    client = scope.get("client")
    return Visit(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"],
        headers=headers,
        read=read,
        request_id=request_id,
        address=client[0] if client else "",
        https=scope.get("scheme") == "https",
    )
