"""A tunnel through an HTTP CONNECT proxy."""

from __future__ import annotations

import asyncio
import socket

from waypost.core.origin import Origin, Proxy
from waypost.errors import Unavailable

_REPLY_MAX_BYTES = 16 * 1024


async def tunnel(loop: asyncio.AbstractEventLoop, sock: socket.socket, origin: Origin, proxy: Proxy) -> None:
    """Ask the proxy at the other end of `sock` for a connection to the origin. Raises Unavailable, and OSError.

    RFC 9110 section 9.3.6, https://www.rfc-editor.org/rfc/rfc9110#name-connect (read 2026-11-21).
    """
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    lines = [f"CONNECT {host}:{origin.port} HTTP/1.1", f"host: {host}:{origin.port}"]
    if proxy.authorization is not None:
        lines.append(f"proxy-authorization: {proxy.authorization}")
    await loop.sock_sendall(sock, "\r\n".join([*lines, "", ""]).encode("latin-1"))
    status = _parse_status(await _read_head(loop, sock))
    if status == 407:
        raise _refused(
            "it asks for a user and password, or refused the ones it was given (407); correct `proxy`"
        )
    if status in (403, 405):
        raise _refused(
            f"it does not allow a tunnel to this provider ({status}); allow the host and port there"
        )
    if not 200 <= status < 300:
        raise _refused(f"it could not open a tunnel to the provider (status {status})")


async def _read_head(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> bytes:
    reply = b""
    while b"\r\n\r\n" not in reply:
        data = await loop.sock_recv(sock, 4096)
        if not data:
            raise _refused("it closed the connection instead of opening a tunnel")
        reply += data
        if len(reply) > _REPLY_MAX_BYTES:
            raise _refused("its reply has no end; is it an HTTP proxy?")
    return reply


def _parse_status(reply: bytes) -> int:
    head, _, rest = reply.partition(b"\r\n\r\n")
    version, _, tail = head.partition(b"\r\n")[0].partition(b" ")
    code = tail[:3]
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or len(code) != 3 or not code.isdigit():
        raise _refused("it does not speak HTTP/1.1")
    status = int(code)
    if rest and 200 <= status < 300:
        raise _refused("it sent data before the tunnel was used")
    return status


def _refused(why: str) -> Unavailable:
    return Unavailable(f"The proxy in front of the provider gives no connection: {why}.")
