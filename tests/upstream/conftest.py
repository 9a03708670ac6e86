"""A scripted raw server, a hand-driven clock, and a client that is always closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest
import uvloop

from upstream.wire import STANDARD, ScriptedServer, Timeline
from waypost.upstream.client import HttpUpstream
from waypost.upstream.limits import Limits

MakeClient = Callable[..., HttpUpstream]
MakeServer = Callable[..., Awaitable[ScriptedServer]]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test on both event loops: they differ in how a connection ends."""
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.fixture
async def serve() -> AsyncIterator[MakeServer]:
    servers: list[ScriptedServer] = []

    async def start(*script: object, **options: object) -> ScriptedServer:
        server = ScriptedServer(list(script), **options)
        await server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.stop()


@pytest.fixture
def timeline() -> Timeline:
    return Timeline()


@pytest.fixture
async def client() -> AsyncIterator[MakeClient]:
    made: list[HttpUpstream] = []

    def make(limits: Limits = STANDARD, **options: object) -> HttpUpstream:
        one = HttpUpstream(asyncio.get_running_loop(), limits, **options)
        made.append(one)
        return one

    yield make
    for one in made:
        await one.aclose()
