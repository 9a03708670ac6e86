"""The measurements: each is one run of the load generator, or of wrk, against one subject."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import msgspec

from bench.gateway import CHUNKS, HELD
from bench.load import Plan, Result
from bench.running import ROOT
from bench.subject import Subject


class LoadFailed(RuntimeError):
    """The load generator did not finish, or the subject answered errors."""


@dataclass(frozen=True)
class Effort:
    """How long and how hard."""

    seconds: float = 3.0
    rounds: int = 3
    connections: int = 32
    rate: float = 1000.0
    streams: int = 100
    held: int = 1000


def drive(plan: Plan) -> Result:
    """Run the load generator in its own process. Raises LoadFailed."""
    limit_s = plan.warm_up_s + plan.seconds + 30
    command = [sys.executable, "-m", "bench.load", msgspec.json.encode(plan).decode()]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limit_s, check=False, cwd=ROOT)
    except subprocess.TimeoutExpired:
        raise LoadFailed(f"the load generator did not finish within {limit_s:g} s") from None
    if done.returncode:
        raise LoadFailed(f"the load generator failed:\n{done.stderr.decode()[-2000:]}")
    return msgspec.json.decode(done.stdout, type=Result)


def _good(result: Result, what: str) -> Result:
    if result.errors:
        raise LoadFailed(f"{what}: {result.errors} errors; statuses {result.statuses}")
    return result


def busy(subject: Subject, effort: Effort) -> dict[str, float]:
    """Every connection kept busy: requests/s, processor time per request, memory."""
    plan = Plan(
        mode="closed",
        port=subject.port,
        path=subject.path,
        body=subject.static_body(),
        headers=subject.headers,
        connections=effort.connections,
        seconds=effort.seconds,
        pids=subject.pids,
    )
    result = _good(drive(plan), f"{subject.name}, {effort.connections} connections")
    if not result.requests:
        raise LoadFailed(f"{subject.name}: no request was answered")
    return {
        "requests_per_s": result.requests / result.seconds,
        "cpu_us_per_request": result.cpu_s / result.requests * 1e6,
        "rss_mb": result.rss_mb,
    }


def fastest(subject: Subject, effort: Effort) -> dict[str, float]:
    """Requests/s as wrk drives it, which leaves more of the machine to the subject; empty where wrk is missing."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return {}
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        body = msgspec.json.encode(subject.static_body()).decode()
        script.write(
            f'wrk.method = "POST"\nwrk.body = {body}\nwrk.headers["content-type"] = "application/json"\n'
        )
        for name, value in subject.headers[0].items():
            script.write(f'wrk.headers["{name}"] = "{value}"\n')
        script.flush()
        command = [
            *(wrk, "-t1", f"-c{effort.connections}", f"-d{max(1, round(effort.seconds))}s"),
            *("-s", script.name, f"http://127.0.0.1:{subject.port}{subject.path}"),
        ]
        done = subprocess.run(command, capture_output=True, timeout=effort.seconds + 30, check=False)
    told = done.stdout.decode()
    found = re.search(r"Requests/sec:\s*([\d.]+)", told)
    if done.returncode or found is None or "Non-2xx" in told or "Socket errors" in told:
        raise LoadFailed(f"{subject.name}, wrk: {told[-500:]}{done.stderr.decode()[-500:]}")
    return {"requests_per_s_wrk": float(found[1])}


def steady(subject: Subject, effort: Effort) -> dict[str, float]:
    """A fixed rate: latencies, from the request written to the answer's last byte."""
    plan = Plan(
        mode="open",
        port=subject.port,
        path=subject.path,
        body=subject.static_body(),
        headers=subject.headers,
        rate=effort.rate,
        seconds=effort.seconds,
        pids=subject.pids,
    )
    result = _good(drive(plan), f"{subject.name}, {effort.rate:g} requests/s")
    if result.requests < 0.98 * effort.rate * result.seconds:
        raise LoadFailed(
            f"{subject.name}: only {result.requests / result.seconds:.0f} requests/s came through"
        )
    return {
        "p50_us": result.latency_us["p50"],
        "p99_us": result.latency_us["p99"],
        "late_p99_us": result.late_us["p99"],
        "cpu_us_per_request_steady": result.cpu_s / result.requests * 1e6,
    }


def _streams(subject: Subject, count: int, pace: tuple[int, int], warm_up_s: float, seconds: float) -> Result:
    plan = Plan(
        mode="streams",
        port=subject.stream_port or subject.port,
        path=subject.path,
        body=subject.paced_body(*pace),
        headers=subject.headers,
        connections=count,
        warm_up_s=warm_up_s,
        seconds=seconds,
        pids=subject.pids,
    )
    return _good(drive(plan), f"{subject.name}, {count} streams")


def chunks(subject: Subject, effort: Effort) -> dict[str, float]:
    """Paced streams that all run before and after the window: processor time per event, and nothing else."""
    result = _streams(subject, effort.streams, CHUNKS, 1.5, effort.seconds)
    due = effort.streams * 1000 / CHUNKS[0] * result.seconds
    if result.events < 0.9 * due:
        raise LoadFailed(f"{subject.name}: {result.events} of {due:.0f} events came: the pace was not kept")
    return {"cpu_us_per_chunk": result.cpu_s / result.events * 1e6}


def held(subject: Subject, effort: Effort) -> dict[str, float]:
    """Many slow streams at once: how many are alive at the end, and the memory they take."""
    result = _streams(subject, effort.held, HELD, 2.0 + effort.held / 1000, 2.0)
    return {"streams_held": float(result.streams_at_end), "rss_mb_holding": result.rss_mb}
