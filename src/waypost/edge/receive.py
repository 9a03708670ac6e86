"""Reading a request's body: how large, how long, in what form."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from waypost.config.snapshot import Settings
from waypost.edge.asgi import Receive
from waypost.edge.connection import Connection
from waypost.errors import Disconnected, InvalidRequest, TooLarge, TooSlow, UnsupportedMediaType

#: An upload has the body's deadline anew for each so many bytes.
_STRIDE = 1024 * 1024


def check_head(
    headers: Mapping[bytes, bytes], settings: Settings, forms: bool = False, upload: bool = False
) -> None:
    """What the headers alone refuse, before a byte of the body is read (and before `100 Continue` invites it).

    `forms`: the route takes forms as well as JSON. `upload`: `pour` will read it, and says itself what is too much.
    Raises UnsupportedMediaType, TooLarge and InvalidRequest.
    """
    media = headers.get(b"content-type")
    if media is not None and media != b"application/json":
        _check_media(media, forms)
    coding = headers.get(b"content-encoding")
    if coding is not None and coding.strip().lower() not in (b"identity", b""):
        raise UnsupportedMediaType(
            "Compressed requests are not taken. Send the body without Content-Encoding."
        )
    length = headers.get(b"content-length")
    if length is not None:
        if not length.isdigit():
            raise InvalidRequest("The Content-Length header is not a number.")
        if not upload and (len(length) > 18 or int(length) > settings.body_max_bytes):
            raise _too_large(settings)


def _check_media(media: bytes, forms: bool) -> None:
    kind, _, parameters = media.lower().partition(b";")
    kind = kind.strip()
    if forms and kind == b"multipart/form-data":
        return
    if (
        kind
        and kind != b"application/json"
        and not (kind.startswith(b"application/") and kind.endswith(b"+json"))
    ):
        raise UnsupportedMediaType("The body has to be JSON: send `content-type: application/json`.")
    for parameter in parameters.split(b";"):
        name, _, value = parameter.strip().partition(b"=")
        if name == b"charset" and value.strip(b'"') not in (b"utf-8", b"utf8", b"us-ascii"):
            raise UnsupportedMediaType("JSON is UTF-8 here: leave the charset out, or say `charset=utf-8`.")


def _too_large(settings: Settings) -> TooLarge:
    return TooLarge(
        f"The request's body is larger than {settings.body_max_bytes} bytes. Send less, or have "
        "`limits.body` raised in the gateway's configuration."
    )


def arrived(connection: Connection, settings: Settings) -> bytes | None:
    """The body, at most `body_max_bytes`, if it is here whole; None: `read_body` waits for it. Raises TooLarge."""
    body = connection.take_body()
    if body is not None and len(body) > settings.body_max_bytes:
        raise _too_large(settings)
    return body


async def read_body(receive: Receive, settings: Settings, pending: bool) -> bytes:
    """The whole body, at most `body_max_bytes`, within `body_deadline_s` seconds.

    `pending` False says it has arrived already, so no deadline needs arming. Raises TooLarge, TooSlow and
    Disconnected.
    """
    if pending:
        try:
            async with asyncio.timeout(settings.body_deadline_s):
                return await _read(receive, settings)
        except TimeoutError:
            raise TooSlow(
                f"The request's body did not arrive within {settings.body_deadline_s:g} seconds. Send it faster."
            ) from None
    return await _read(receive, settings)


async def _read(receive: Receive, settings: Settings) -> bytes:
    message = await receive()
    if message["type"] != "http.request":
        raise Disconnected("The client left before its request was complete.")
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > settings.body_max_bytes:
            raise _too_large(settings)
        return body
    parts = [body]
    size = len(body)
    while True:
        if size > settings.body_max_bytes:
            raise _too_large(settings)
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected("The client left before its request was complete.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body", False) and size <= settings.body_max_bytes:
            return b"".join(parts)


async def pour(receive: Receive, settings: Settings, write: Callable[[bytes], Awaitable[None]]) -> None:
    """Hand on a body as it arrives, so that it is never in memory whole. Raises TooSlow, Disconnected and what `write`
    raises."""
    more = True
    while more:
        left = _STRIDE
        try:
            async with asyncio.timeout(settings.body_deadline_s):
                while more and left > 0:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise Disconnected("The client left before its request was complete.")
                    body: bytes = message.get("body", b"")
                    more = message.get("more_body", False)
                    left -= len(body)
                    await write(body)
        except TimeoutError:
            raise TooSlow(
                f"The next mebibyte of the file did not arrive within {settings.body_deadline_s:g} seconds. Send it "
                "faster."
            ) from None
