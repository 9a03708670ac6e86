"""Fetches the tokens and temporary keys that providers want, before the old ones end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from waypost.config.targets import Provider
from waypost.core.origin import Deadlines, Origin
from waypost.errors import InvalidRequest, Unavailable, UpstreamError
from waypost.ports import Clock, Upstream
from waypost.providers.auth.renewal import Ask, ReadFile, Renewal, Said, Wanted
from waypost.telemetry.logs import Log
from waypost.upstream.head import finish_head, render_line, render_prefix

_DEADLINES = Deadlines(connect_s=5.0, first_byte_s=10.0, idle_s=10.0, total_s=20.0)
_CONSTANT = b"accept-encoding: identity\r\nuser-agent: waypost\r\n"

ReadWhole = Callable[[str], bytes]


class Renewals:
    """One fetch at a time for each of them. One that fails is tried again later; what it has goes on serving."""

    def __init__(self, upstream: Upstream, read_file: ReadWhole, clock: Clock, log: Log) -> None:
        self._upstream = upstream
        self._read_file = read_file
        self._clock = clock
        self._log = log
        self._running: dict[Renewal, asyncio.Future[None]] = {}

    async def refresh(self, providers: Iterable[Provider]) -> None:
        """Fetch whatever is due for them, side by side, and wait for it. A failure is in the log and nowhere else."""
        due = [self._start(provider) for provider in providers]
        await asyncio.gather(*(each for each in due if each is not None))

    def _start(self, provider: Provider) -> asyncio.Future[None] | None:
        authorizer = provider.credential.authorizer
        renewal = None if authorizer is None else authorizer.renewal
        if renewal is None:
            return None
        running = self._running.get(renewal)
        if running is None and renewal.needs_refresh(self._clock.wall()):
            running = self._running[renewal] = asyncio.ensure_future(self._renew(provider, renewal))
            running.add_done_callback(lambda _: self._running.pop(renewal, None))
        return running

    async def _renew(self, provider: Provider, renewal: Renewal) -> None:
        try:
            await renew(renewal, provider.origin, self._upstream, self._read_file, self._clock.wall())
        except UpstreamError as error:
            self._log.warning("a token could not be renewed", provider=provider.name, why=error.message)
        else:
            self._log.info("a token was renewed", provider=provider.name)


async def renew(
    renewal: Renewal, origin: Origin, upstream: Upstream, read_file: ReadWhole, at: float
) -> None:
    """Take a renewal's steps, over the proxy of the provider's `origin`. Raises UpstreamError."""
    steps = renewal.steps(at)
    step: Callable[[], Wanted] = partial(next, steps)
    while True:
        try:
            wanted = step()
        except StopIteration:
            return
        try:
            if isinstance(wanted, ReadFile):
                said = await asyncio.to_thread(_read, wanted.path, read_file)
            else:
                said = await _send(wanted, origin, upstream)
            step = partial(steps.send, said)
        except UpstreamError as error:
            step = partial(steps.throw, error)


def _read(path: str, read_file: ReadWhole) -> Said:
    try:
        return Said(200, read_file(path))
    except (OSError, ValueError):
        return Said(404, b"")


async def _send(ask: Ask, provider: Origin, upstream: Upstream) -> Said:
    to = ask.origin
    if provider.proxy is not None and not to.metadata:
        # What needs a proxy to get out needs it for its tokens too, and trusts the same authorities behind it.
        to = msgspec.structs.replace(to, proxy=provider.proxy, tls=provider.tls)
    try:
        lines = [render_line(name, value) for name, value in ask.headers]
        prefix = render_prefix(ask.method, ask.path, to.authority, _CONSTANT, *lines)
    except InvalidRequest as error:
        raise Unavailable(error.message) from None
    head = finish_head(prefix, None if ask.method == "GET" else len(ask.body))
    answer = await upstream.send(to, head, ask.body, _DEADLINES)
    answer.close()
    return Said(answer.status, answer.body or b"")
