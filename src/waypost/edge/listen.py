"""The sockets the gateway listens on: bound before anything else starts, so that a busy port is said at once."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Sequence

from waypost.errors import ConfigError

_HANDLES = 32


def bind(host: str, port: int) -> list[socket.socket]:
    """Bound sockets for every address of `host`, not yet listening. Port 0 takes one free port for all of them.

    Raises ConfigError, naming the address and what to do.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise ConfigError(
            f"The host {host!r} to listen on has no address. Use one such as 127.0.0.1."
        ) from None
    bound: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            bound.append(sock := _configured(socket.socket(family, kind, protocol)))
            if port == 0 and len(bound) > 1:
                address = (address[0], address_of(bound[0])[1], *address[2:])
            sock.bind(address)
    except OSError as error:
        for sock in bound:
            sock.close()
        raise ConfigError(_said(error, host, port)) from None
    return bound


def bind_groups(host: str, port: int, count: int) -> list[list[socket.socket]]:
    """As `bind`, so many times for one address: on Linux the kernel spreads connections evenly over groups that listen.
    Elsewhere it does not, and all groups are handles on the same sockets. Raises as `bind`."""
    first = bind(host, port)
    if sys.platform != "linux":
        return [first, *([sock.dup() for sock in first] for _ in range(count - 1))]
    # What was bound alone was free. Bound together from the start, it could be another gateway's without an error.
    names = [(sock.family, sock.getsockname()) for sock in first]
    for sock in first:
        sock.close()
    groups: list[list[socket.socket]] = []
    try:
        for _ in range(count):
            groups.append(group := [])
            for family, name in names:
                group.append(sock := _configured(socket.socket(family, socket.SOCK_STREAM)))
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                sock.bind(name)
    except OSError as error:
        for sock in (sock for group in groups for sock in group):
            sock.close()
        raise ConfigError(_said(error, host, port)) from None
    return groups


def _configured(sock: socket.socket) -> socket.socket:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setblocking(False)
    return sock


def beside(bound: Sequence[socket.socket]) -> list[socket.socket]:
    """More handles on the same bound sockets, to be watched beside them.

    libuv accepts one connection per listening handle and turn of its loop (https://github.com/libuv/libuv/pull/3696,
    2026-11-25). A busy loop takes tens of milliseconds per turn, so with one handle some tens of new clients a second
    would be let in, and the others wait for seconds before the first byte they sent is read.
    """
    return [sock.dup() for sock in bound for _ in range(_HANDLES - 1)]


def address_of(sock: socket.socket) -> tuple[str, int]:
    """Host and port a socket is bound to."""
    name = sock.getsockname()
    return str(name[0]), int(name[1])


def _said(error: OSError, host: str, port: int) -> str:
    where = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use by another program. Stop it, or choose another port with --port."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Listening on {where} is not permitted to this user. Choose a port above 1023 with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{where} is not an address of this machine. Choose another one with --host."
    return f"Listening on {where} failed ({errno.errorcode.get(error.errno or 0, 'unknown error')})."
