"""A new connection: look up, check, race the addresses, tunnel, TLS."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from typing import Protocol, TypeVar

from waypost.core.origin import Origin
from waypost.errors import Unavailable
from waypost.upstream import egress, faults
from waypost.upstream.connection import Connection, Owner, Timers
from waypost.upstream.limits import Limits
from waypost.upstream.proxy import tunnel
from waypost.upstream.tls import TlsContexts

_Spoken = TypeVar("_Spoken", bound=asyncio.Protocol)


class Resolver(Protocol):
    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """All addresses of a name, best first, as text. Raises OSError."""
        ...


class SystemResolver:
    """The operating system's resolver, in the event loop's thread pool. Not cached: connections are kept, and a name
    that moved must be followed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Addresses in the order of RFC 6724, as getaddrinfo gives them."""
        found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(each[4][0]) for each in found))


class Connector:
    """Opens connections. Raises UpstreamError."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, timers: Timers, limits: Limits, resolver: Resolver | None
    ) -> None:
        self._loop = loop
        self._timers = timers
        self._limits = limits
        self._resolver = resolver or SystemResolver(loop)
        self._contexts = TlsContexts()

    async def open(self, origin: Origin, owner: Owner, within_s: float) -> Connection:
        """A connection ready for its first request, in at most `within_s` seconds."""
        return await self.open_as(
            origin, lambda: Connection(self._loop, self._timers, self._limits, owner), within_s
        )

    async def open_as(self, origin: Origin, make: Callable[[], _Spoken], within_s: float) -> _Spoken:
        """The same for what speaks another protocol than HTTP requests and answers."""
        context = self._contexts.load(origin.tls) if origin.scheme == "https" else None
        try:
            async with asyncio.timeout(within_s):
                sock = await self._dial(origin)
                try:
                    name = origin.host if context is not None else None
                    _, made = await self._loop.create_connection(
                        make, sock=sock, ssl=context, server_hostname=name
                    )
                except BaseException:
                    sock.close()
                    raise
        except TimeoutError:
            raise faults.overdue("connect") from None
        except (OSError, ValueError) as fault:  # ValueError: ssl.CertificateError and names that IDNA refuses
            raise faults.handshake(fault) from None
        return made

    async def _dial(self, origin: Origin) -> socket.socket:
        """A connected socket whose other end is the origin, or the proxy's tunnel to it."""
        proxy = origin.proxy
        whom = "provider" if proxy is None else "proxy in front of the provider"
        try:
            if proxy is None:
                found = await self._resolve(origin.host, origin.port)
                addresses = [
                    str(each)
                    for each in egress.check(found, private=origin.private, metadata=origin.metadata)
                ]
                return await self._race(addresses, origin.port)
            egress.check_name(origin.host, private=origin.private)
            sock = await self._race(await self._resolve(proxy.host, proxy.port), proxy.port)
            try:
                await tunnel(self._loop, sock, origin, proxy)
            except BaseException:
                sock.close()
                raise
            return sock
        except TimeoutError as fault:
            if fault.errno is None:
                raise Unavailable(
                    f"The {whom} can not be reached: its host name was not looked up in time."
                ) from None
            raise faults.unreachable(fault, whom) from None
        except (OSError, UnicodeError) as fault:
            wrong = fault if isinstance(fault, OSError) else socket.gaierror(socket.EAI_NONAME, "")
            raise faults.unreachable(wrong, whom) from None

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        if egress.literal(host) is not None:
            return (host,)
        async with asyncio.timeout(self._limits.resolve_s):
            found = await self._resolver.resolve(host, port)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "")
        return found

    async def _race(self, addresses: Sequence[str], port: int) -> socket.socket:
        """Happy eyeballs (RFC 8305): families in turn, each address a little after the one before; the first wins."""
        order = _in_turn(addresses)
        if len(order) == 1:
            return await self._reach(order[0], port)
        running: set[asyncio.Task[socket.socket]] = set()
        failure: BaseException | None = None
        try:
            while order or running:
                if order:
                    running.add(self._loop.create_task(self._reach(order.pop(0), port)))
                pause = self._limits.stagger_s if order else None
                done, _ = await asyncio.wait(running, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    failure = task.exception()
                    if failure is None:
                        running.discard(task)
                        return task.result()
                running -= done
        finally:
            for task in running:
                task.cancel()
                task.add_done_callback(_close_late)
        raise failure or OSError

    async def _reach(self, address: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if hasattr(
                socket, "TCP_KEEPIDLE"
            ):  # network address translators forget silent connections in minutes
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
            await self._loop.sock_connect(sock, (address, port))
        except BaseException:
            sock.close()
            raise
        return sock


def _in_turn(addresses: Sequence[str]) -> list[str]:
    """The first address's family first, then the families in turn."""
    first = ":" in addresses[0]
    ours = [each for each in addresses if (":" in each) == first]
    others = [each for each in addresses if (":" in each) != first]
    return [each for each in chain.from_iterable(zip_longest(ours, others)) if each is not None]


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()
