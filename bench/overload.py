"""Twice the load that the gateway can bear: how much of its peak is left, and what becomes of who asks for little.

The gateway has one processor for itself, and the load and the upstream the others: else who asks for more takes from
who answers, and nobody brings twice the load. Answers take 200 ms, so that the peak, too, needs a thousand connections.

A greedy key is driven by wrk: many connections, each of which asks again a while after each answer, whatever it was. A
polite key asks by the clock, for a tenth of the peak. A probe with the greedy key, at a hundred requests a second,
tells how soon one is turned away. What was served and turned away is counted by the gateway itself, in a window after
the first six seconds: before, connections are still being accepted. The peak is measured before and after each load,
and the mean of both taken: what such a machine can do changes by a tenth from one minute to the next.
"""

from __future__ import annotations

import http.client
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from time import perf_counter, sleep

import msgspec

from bench.gateway import LATE, gateway
from bench.load import Plan, Result
from bench.measure import Effort, LoadFailed, drive
from bench.subject import Subject, paced_upstream, static_upstream
from bench.usage import cpu_s
from bench.wrk import asking, require_wrk

POLITE = 0.1
PROBE_PER_S = 100.0
_TIMES = (1.0, 2.0)
_WARM_UP_S = 6.0
_SETTLE_S = 2.5
"""Between two loads: the gateway turns away nobody any more, and has put down what it was asked."""
_CLOCKED_CONNECTIONS = 256
_PEAK_CONNECTIONS = 1200
_GREEDY_CONNECTIONS = 3000
_SERVED_S, _TURNED_AWAY_S = 0.3, 0.03
"""About how long an answer takes under load, which is added to the pause between two requests of a connection."""


class Window(msgspec.Struct, frozen=True):
    """What the gateway counted in one window."""

    seconds: float
    served: float
    shed: float
    cpu_s: float


def overload(effort: Effort) -> list[dict[str, float]]:
    """One row per round and load: see `row`. Raises LoadFailed."""
    require_wrk()
    rows: list[dict[str, float]] = []
    every = sorted(os.sched_getaffinity(0))
    ours, others = (every[:1], every[1:]) if len(every) > 1 else (every, every)
    with ExitStack() as stack:
        with held_to(others):
            direct = stack.enter_context(static_upstream(stack.enter_context(paced_upstream())))
        for _ in range(effort.rounds):
            with ExitStack() as one:
                # A new one each time: what the last load left behind is none of this one's.
                with held_to(ours):
                    subject = one.enter_context(gateway(direct, owners=("greedy", "polite")))
                one.enter_context(held_to(others))
                rows += _round(subject, effort.seconds)
    return rows


@contextmanager
def held_to(processors: list[int]) -> Iterator[None]:
    """What is started in here runs on these alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _round(subject: Subject, seconds: float) -> list[dict[str, float]]:
    rows, before = list[dict[str, float]](), _peak(subject, seconds)
    for times in _TIMES:
        loaded = _at(subject, before.served / before.seconds, times, seconds)
        after = _peak(subject, seconds)
        rows.append(row(before, after, times, *loaded))
        before = after
    return rows


def _peak(subject: Subject, seconds: float) -> Window:
    with asking(subject, _PEAK_CONNECTIONS, _WARM_UP_S + seconds + 2, model=LATE):
        sleep(_WARM_UP_S)
        best = _window(subject, seconds)
    if best.shed or not best.served:
        raise LoadFailed(f"the peak: {best.served:g} served, {best.shed:g} turned away")
    sleep(_SETTLE_S)
    return best


def _clocked(subject: Subject, key: int, rate: float, seconds: float) -> Result:
    return drive(
        Plan(
            mode="open",
            port=subject.port,
            path=subject.path,
            body=subject.asks(LATE),
            headers=[subject.headers[key]],
            rate=rate,
            connections=_CLOCKED_CONNECTIONS,
            warm_up_s=_WARM_UP_S,
            seconds=seconds,
            pids=subject.pids,
            tick_s=0.002,
        )
    )


def _at(subject: Subject, peak: float, times: float, seconds: float) -> tuple[Window, Result, Result]:
    """What the gateway did at so many times a peak per second, and what became of the polite key and of the probe."""
    pause_ms = pause_of((times - POLITE) * peak - PROBE_PER_S, times)
    load = asking(subject, _GREEDY_CONNECTIONS, _WARM_UP_S + seconds + 2, model=LATE, pause_ms=pause_ms)
    with load, ThreadPoolExecutor(2) as both:
        polite = both.submit(_clocked, subject, 1, POLITE * peak, seconds)
        probe = both.submit(_clocked, subject, 0, PROBE_PER_S, seconds)
        sleep(_WARM_UP_S)
        window = _window(subject, seconds)
        found = window, polite.result(), probe.result()
    sleep(_SETTLE_S)
    return found


def pause_of(rate: float, times: float) -> int:
    """Milliseconds between an answer and the next request, with which all greedy connections ask for so much."""
    answer_s = _SERVED_S / times + _TURNED_AWAY_S * (1.0 - 1.0 / times)
    return max(0, round((_GREEDY_CONNECTIONS / rate - answer_s) * 1000))


def _window(subject: Subject, seconds: float) -> Window:
    began, before, cpu = perf_counter(), _counted(subject.port), cpu_s(subject.pids)
    sleep(seconds)
    took, after, worked = perf_counter() - began, _counted(subject.port), cpu_s(subject.pids) - cpu
    return Window(took, after[0] - before[0], after[1] - before[1], worked)


def _counted(port: int) -> tuple[float, float]:
    """Answers with 200, and requests turned away, so far."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    served = re.findall(r'^waypost_exchanges_total\{[^}]*status="200"[^}]*\} (\S+)$', text, re.MULTILINE)
    shed = re.findall(r"^waypost_shed_total\{[^}]*\} (\S+)$", text, re.MULTILINE)
    return sum(map(float, served)), sum(map(float, shed))


def row(
    before: Window, after: Window, times: float, window: Window, polite: Result, probe: Result
) -> dict[str, float]:
    """The figures of one load between two peaks. `goodput`: answers with 200 per second, over the peak;
    `goodput_per_cpu`: the same per second of processor time that the gateway got, which on a machine that is too small
    for the load and the gateway is the fairer one. `shed_*`: of the probe's answers with 503, from the request written
    to the answer read; 0 where there were none. `polite_served`: the share of its requests answered with 200.
    `late_p99_ms`: how late the clocked load was; the row is void if that is not far below the rest.
    """
    peak = (before.served / before.seconds + after.served / after.seconds) / 2
    each_s = (before.cpu_s + after.cpu_s) / (before.served + after.served)
    shed = probe.latency_by_status_us.get("503", {})
    served = polite.latency_by_status_us.get("200", {})
    return {
        "times": times,
        "peak_per_s": peak,
        "offered": (window.served + window.shed) / window.seconds / peak,
        "goodput": window.served / window.seconds / peak,
        "goodput_per_cpu": window.served * each_s / window.cpu_s,
        "shed_p50_ms": shed.get("p50", 0.0) / 1000,
        "shed_p99_ms": shed.get("p99", 0.0) / 1000,
        "polite_served": polite.statuses.get("200", 0) / max(1, polite.requests),
        "polite_p50_ms": served.get("p50", 0.0) / 1000,
        "polite_p99_ms": served.get("p99", 0.0) / 1000,
        "lost": float(polite.statuses.get("lost", 0) + probe.statuses.get("lost", 0)),
        "late_p99_ms": max(polite.late_us["p99"], probe.late_us["p99"]) / 1000,
    }


def table(rows: list[dict[str, float]]) -> str:
    """As Markdown."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + " ---: |" * len(names)]
    for figures in rows:
        cells = (f"{value:,.3g}" if value < 100 else f"{value:,.0f}" for value in figures.values())
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
