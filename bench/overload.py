"""Twice the load that the gateway can bear: how much of its peak is left, and what becomes of who asks for little.

A greedy key is driven by wrk, which leaves most of the machine to the gateway: many connections, each of which asks
again a little after each answer, whatever it was. A polite key asks by the clock, for a tenth of the peak. A probe with
the greedy key, at a hundred requests a second, tells how soon one is turned away. What was served and turned away is
counted by the gateway itself, in a window after the first four seconds: before, connections are still being accepted.
"""

from __future__ import annotations

import http.client
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from time import perf_counter, sleep
from typing import Literal

import msgspec

from bench.gateway import gateway
from bench.load import Plan, Result
from bench.measure import Effort, LoadFailed, drive
from bench.subject import Subject, paced_upstream, static_upstream
from bench.usage import cpu_s
from bench.wrk import asking, require_wrk

POLITE = 0.1
PROBE_PER_S = 100.0
_TIMES = (1.0, 2.0)
_WARM_UP_S = 4.0
_CONNECTIONS = 64
_GREEDY_CONNECTIONS = 1000
_ANSWER_S = 0.012
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
    with ExitStack() as stack:
        direct = stack.enter_context(static_upstream(stack.enter_context(paced_upstream())))
        subject = stack.enter_context(gateway(direct, owners=("greedy", "polite")))
        for _ in range(effort.rounds):
            result = _driven(subject, 0, "closed", 0.0, effort.seconds)
            if result.errors or not result.requests:
                raise LoadFailed(f"the peak: {result.errors} errors; statuses {result.statuses}")
            peak, each_s = result.requests / result.seconds, result.cpu_s / result.requests
            rows += [_at(subject, peak, each_s, times, effort.seconds) for times in _TIMES]
    return rows


def _driven(
    subject: Subject, key: int, mode: Literal["closed", "open"], rate: float, seconds: float
) -> Result:
    return drive(
        Plan(
            mode=mode,
            port=subject.port,
            path=subject.path,
            body=subject.static_body(),
            headers=[subject.headers[key]],
            rate=rate,
            connections=_CONNECTIONS,
            warm_up_s=_WARM_UP_S,
            seconds=seconds,
            pids=subject.pids,
            tick_s=0.002,
        )
    )


def _at(subject: Subject, peak: float, each_s: float, times: float, seconds: float) -> dict[str, float]:
    greedy = (times - POLITE) * peak - PROBE_PER_S
    pause_ms = max(0, round((_GREEDY_CONNECTIONS / greedy - _ANSWER_S) * 1000))
    load = asking(subject, _GREEDY_CONNECTIONS, _WARM_UP_S + seconds + 2, pause_ms=pause_ms)
    with load, ThreadPoolExecutor(2) as both:
        polite = both.submit(_driven, subject, 1, "open", POLITE * peak, seconds)
        probe = both.submit(_driven, subject, 0, "open", PROBE_PER_S, seconds)
        sleep(_WARM_UP_S)
        window = _window(subject, seconds)
        return row(peak, each_s, times, window, polite.result(), probe.result())


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
    peak: float, each_s: float, times: float, window: Window, polite: Result, probe: Result
) -> dict[str, float]:
    """The figures of one load. `goodput`: answers with 200 per second, over the peak; `goodput_per_cpu`: the same per
    second of processor time that the gateway got, which on a machine that is too small for the load and the gateway is
    the fairer one (`each_s`: processor seconds per answer at the peak). `shed_*`: of the probe's answers with 503, from
    the request written to the answer read; 0 where there were none. `polite_served`: the share of its requests
    answered with 200. `late_p99_ms`: how late the clocked load was; the row is void if that is not far below the rest.
    """
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
