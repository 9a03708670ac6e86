"""Wires the recorder and the replay, and runs each until it is stopped."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

import msgspec

from waypost.app.clock import SystemClock
from waypost.app.renew import Renewals
from waypost.config.credentials import read_whole_file
from waypost.config.targets import Provider
from waypost.edge.server import Listening, Server, loop_factory, serve
from waypost.providers.environment import why_not_a_key
from waypost.providers.registry import all_providers
from waypost.recorder.folder import Folder
from waypost.recorder.record import Recorder, Settings
from waypost.recorder.replay import open_replay
from waypost.recorder.serving import Answerer, Desk, Told, check_host
from waypost.telemetry.logs import Log
from waypost.upstream.client import HttpUpstream

_SECRET_NAME = re.compile(r"_(API_KEY|TOKEN|SECRET|SECRET_KEY|ACCESS_KEY|ACCESS_KEY_ID|PASSWORD)$")

Ready = Callable[[str], None]
"""Called once it listens, with the URL of the port."""
Tell = Callable[[Told], None]


class Place(msgspec.Struct, frozen=True):
    """Where to listen."""

    host: str = "127.0.0.1"
    port: int = 4190
    allow_remote: bool = False


def environment_secrets(environ: Mapping[str, str]) -> list[str]:
    """Values of variables that hold keys, of whatever provider: none of them may be in a fixture."""
    names = {name for spec in all_providers() for name in spec.env}
    names |= {name for name in environ if _SECRET_NAME.search(name)}
    return [
        environ[name].strip()
        for name in sorted(names & environ.keys())
        if why_not_a_key(environ[name]) is None
    ]


def record(
    provider: Provider,
    out: Path,
    place: Place,
    settings: Settings,
    *,
    environ: Mapping[str, str],
    ready: Ready,
    tell: Tell,
    stream: TextIO,
) -> None:
    """Record until a signal, or until the limit is reached. Raises ConfigError when it can not start."""
    check_host(place.host, place.allow_remote)
    folder = Folder(out)
    clock = SystemClock()
    log = Log(stream, clock.wall, plain=True)

    async def run() -> None:
        server: list[Server] = []
        upstream = HttpUpstream(asyncio.get_running_loop())
        renewals = Renewals(upstream, read_whole_file, clock, log)
        recorder = Recorder(
            provider,
            upstream,
            folder,
            clock,
            settings,
            secrets=environment_secrets(environ),
            prepare=lambda: renewals.refresh([provider]),
            tell=tell,
            full=lambda: server[0].stop(),
        )
        try:
            await _serve(recorder, place, log, ready, server)
        finally:
            await upstream.aclose()

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(run())


def replay(
    folder: Path, place: Place, *, ready: Callable[[str, int], None], tell: Tell, stream: TextIO
) -> None:
    """Answer from fixtures until a signal. Raises ConfigError when there are none, or the address is taken."""
    check_host(place.host, place.allow_remote)
    answerer, count = open_replay(folder, tell)
    log = Log(stream, SystemClock().wall, plain=True)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(answerer, place, log, lambda root: ready(root, count), []))


async def _serve(answer: Answerer, place: Place, log: Log, ready: Ready, servers: list[Server]) -> None:
    def started(server: Server, host: str, port: int) -> None:
        servers.append(server)
        ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    desk = Desk(answer, log, local=not place.allow_remote)
    await serve(desk, Listening(host=place.host, port=place.port), on_started=started)
