"""Twice the load that the gateway can bear: how much of its peak is left, and what becomes of who asks for little.

Two keys ask at once, each from a process of its own and by the clock, whether or not answers come: a polite one for a
tenth of the peak, a greedy one for all the rest.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from bench.gateway import gateway
from bench.load import Plan, Result
from bench.measure import Effort, LoadFailed, drive
from bench.subject import Subject, paced_upstream, static_upstream

POLITE = 0.1
_TIMES = (1.0, 2.0)
_WARM_UP_S = 2.0
"""Left out of the figures: in its first moments an overload is not yet known."""
_CONNECTIONS = 64


def overload(effort: Effort) -> list[dict[str, float]]:
    """One row per round and load: see `row`. Raises LoadFailed."""
    rows: list[dict[str, float]] = []
    with ExitStack() as stack:
        direct = stack.enter_context(static_upstream(stack.enter_context(paced_upstream())))
        subject = stack.enter_context(gateway(direct, owners=("greedy", "polite")))
        for _ in range(effort.rounds):
            peak, cpu_s = _peak(subject, effort.seconds)
            rows += [_at(subject, peak, cpu_s, times, effort.seconds) for times in _TIMES]
    return rows


def _peak(subject: Subject, seconds: float) -> tuple[float, float]:
    """Requests/s answered when all connections are kept busy, and processor seconds for each."""
    plan = Plan(
        mode="closed",
        port=subject.port,
        path=subject.path,
        body=subject.static_body(),
        headers=subject.headers,
        connections=_CONNECTIONS,
        warm_up_s=_WARM_UP_S,
        seconds=seconds,
        pids=subject.pids,
    )
    result = drive(plan)
    if result.errors or not result.requests:
        raise LoadFailed(f"{subject.name} at its peak: {result.errors} errors; statuses {result.statuses}")
    return result.requests / result.seconds, result.cpu_s / result.requests


def _at(subject: Subject, peak: float, cpu_s: float, times: float, seconds: float) -> dict[str, float]:
    greedy, polite = (
        Plan(
            mode="open",
            port=subject.port,
            path=subject.path,
            body=subject.static_body(),
            headers=[headers],
            rate=rate,
            connections=_CONNECTIONS,
            warm_up_s=_WARM_UP_S,
            seconds=seconds,
            pids=subject.pids,
        )
        for headers, rate in zip(subject.headers, ((times - POLITE) * peak, POLITE * peak), strict=True)
    )
    with ThreadPoolExecutor(2) as both:
        running = both.submit(drive, greedy), both.submit(drive, polite)
        return row(peak, cpu_s, times, *(one.result() for one in running))


def row(peak: float, cpu_s: float, times: float, greedy: Result, polite: Result) -> dict[str, float]:
    """The figures of one load. `goodput`: answers with 200 per second, over the peak; `goodput_per_cpu`: the same per
    second of processor time that the gateway got, which on a machine that is too small for the load and the gateway is
    the fairer one (`cpu_s`: processor seconds per answer at the peak). `shed_*`: of answers with 503,
    from the request written to the answer read; 0 where there were none. `polite_served`: the share of its requests
    answered with 200. `late_p99_ms`: how late the load generator itself was; the row is void if that is not far less.
    """
    good = sum(result.statuses.get("200", 0) / result.seconds for result in (greedy, polite))
    offered = sum(result.requests / result.seconds for result in (greedy, polite))
    told = [result.latency_by_status_us.get("503", {}) for result in (greedy, polite)]
    shed = {name: max(times.get(name, 0.0) for times in told) / 1000 for name in ("p50", "p99")}
    served = polite.latency_by_status_us.get("200", {})
    return {
        "times": times,
        "peak_per_s": peak,
        "offered": offered / peak,
        "goodput": good / peak,
        "goodput_per_cpu": good * cpu_s * greedy.seconds / greedy.cpu_s,
        "shed_p50_ms": shed["p50"],
        "shed_p99_ms": shed["p99"],
        "polite_served": polite.statuses.get("200", 0) / max(1, polite.requests),
        "polite_p50_ms": served.get("p50", 0.0) / 1000,
        "polite_p99_ms": served.get("p99", 0.0) / 1000,
        "greedy_served": greedy.statuses.get("200", 0) / max(1, greedy.requests),
        "other_errors": float(
            sum(
                n
                for r in (greedy, polite)
                for status, n in r.statuses.items()
                if status not in ("200", "503")
            )
        ),
        "late_p99_ms": max(greedy.late_us["p99"], polite.late_us["p99"]) / 1000,
    }


def table(rows: list[dict[str, float]]) -> str:
    """As Markdown."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + " ---: |" * len(names)]
    for figures in rows:
        cells = (f"{value:,.3g}" if value < 100 else f"{value:,.0f}" for value in figures.values())
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
