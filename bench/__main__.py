"""`python -m bench` (or `make bench`): measure direct, a bare nginx and the gateway, and print figures and ratios."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

import msgspec

from bench import admission, hot, measure, overload, path, planning, report, shared_limits, starting
from bench.gateway import gateway
from bench.measure import Effort, LoadFailed
from bench.peers import PEERS
from bench.running import ROOT, NotServing
from bench.subject import Subject, nginx, nginx_proxy, paced_upstream, static_upstream
from bench.usage import busy_s

_MEASURES: dict[str, Callable[[Subject, Effort], dict[str, float]]] = {
    "busy": measure.busy,
    "fastest": measure.fastest,
    "steady": measure.steady,
    "chunks": measure.chunks,
    "held": measure.held,
}


class OutOfTime(Exception):
    """The whole run took longer than it may."""


def arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one round of one second each: a smoke test, no figures"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="interleaved rounds; medians are printed (default 3)"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one measurement (default 3)")
    parser.add_argument("--connections", type=int, default=32, help="for the busy runs (default 32)")
    parser.add_argument(
        "--rate", type=float, default=1000.0, help="requests/s of the steady runs (default 1000)"
    )
    parser.add_argument(
        "--streams", type=int, default=100, help="paced streams (default 100, an event per 20 ms each)"
    )
    parser.add_argument("--held", type=int, default=1000, help="slow streams held at once (default 1000)")
    parser.add_argument(
        "--only", choices=_MEASURES, action="append", help="only these measures (may be repeated)"
    )
    parser.add_argument(
        "--keys", type=int, help="also a gateway with this many keys: the cost must stay flat"
    )
    parser.add_argument(
        "--models", type=int, help="also a gateway with this many models: the cost must stay flat"
    )
    parser.add_argument(
        "--across", action="store_true", help="also the gateway asked in another dialect than the upstream's"
    )
    parser.add_argument(
        "--peer", choices=PEERS, action="append", default=[], help="also another gateway, if installed"
    )
    _add_alone(parser)
    parser.add_argument(
        "--without-gateway", action="store_true", help="only direct and nginx: what this machine can do"
    )
    parser.add_argument(
        "--json", type=Path, default=ROOT / ".cache" / "bench.json", help="where the figures are kept"
    )
    parser.add_argument("--limit", type=int, default=1200, help="seconds after which everything is stopped")
    return parser.parse_args(given)


def _add_alone(parser: argparse.ArgumentParser) -> None:
    """What is measured by itself."""
    parser.add_argument(
        "--plan", action="store_true", help="only what planning costs, in this process: seconds, no nginx"
    )
    parser.add_argument(
        "--path", action="store_true", help="only what the interpreter takes of a request, in this process"
    )
    parser.add_argument(
        "--admission", action="store_true", help="only what rules, limits and budgets cost, in this process"
    )
    parser.add_argument(
        "--shared-limits", action="store_true", help="only what limits cost that nodes hold together"
    )
    parser.add_argument(
        "--overload",
        action="store_true",
        help="only this: the gateway at its peak and at twice that, two keys",
    )
    parser.add_argument(
        "--postgres", action="store_true", help="only this: a hot organization on PostgreSQL, and on SQLite"
    )
    parser.add_argument(
        "--start", action="store_true", help="only this: start and requests of a gateway that knows many keys"
    )


def assemble(options: argparse.Namespace, stack: ExitStack) -> list[Subject]:
    """Start everything that is measured; the stack stops it."""
    direct = stack.enter_context(static_upstream(stack.enter_context(paced_upstream())))
    subjects = [direct]
    if proxy := stack.enter_context(nginx_proxy(direct)):
        subjects.append(proxy)
    if not options.without_gateway:
        subjects.append(stack.enter_context(gateway(direct)))
        if options.across:
            subjects.append(stack.enter_context(gateway(direct, name="across", across=True)))
        if options.keys:
            name = f"{options.keys} keys"
            subjects.append(stack.enter_context(gateway(direct, keys=options.keys, name=name)))
        if options.models:
            name = f"{options.models} models"
            subjects.append(stack.enter_context(gateway(direct, models=options.models, name=name)))
    for name in options.peer:
        peer = stack.enter_context(PEERS[name].start(direct))
        if peer is None:
            say(f"{name}: not installed: {PEERS[name].how_to}")
        else:
            subjects.append(peer)
    return subjects


def _effort(options: argparse.Namespace) -> Effort:
    return Effort(
        seconds=1.0 if options.quick else options.seconds,
        rounds=1 if options.quick else options.rounds,
        connections=options.connections,
        rate=options.rate,
        streams=options.streams,
        held=options.held,
    )


def run(
    options: argparse.Namespace,
) -> tuple[dict[str, dict[str, float]], dict[str, list[dict[str, float]]]]:
    """Every measure on every subject, round by round, so that a slow minute of the machine hits all of them.

    Returns the medians, and each round's figures, which show the spread.
    """
    effort = _effort(options)
    chosen = options.only or list(_MEASURES)
    with ExitStack() as stack:
        subjects = assemble(options, stack)
        rounds: dict[str, list[dict[str, float]]] = {subject.name: [] for subject in subjects}
        failed: set[tuple[str, str]] = set()
        for number in range(1, effort.rounds + 1):
            for name in chosen:
                for subject in subjects:
                    streamed = name in ("chunks", "held")
                    if (name, subject.name) in failed or (name == "held" and number > 1):
                        continue
                    if streamed and subject.name == "direct":
                        continue  # the paced upstream is a tool, not a limit that anything is compared with
                    say(f"round {number} of {effort.rounds}: {name}, {subject.name}")
                    try:
                        rounds[subject.name].append(_MEASURES[name](subject, effort))
                    except LoadFailed as failure:
                        failed.add((name, subject.name))
                        say(f"FAILED: {failure}")
        started = {subject.name: subject.start_s for subject in subjects if subject.start_s}
    columns = {name: report.medians(figures) for name, figures in rounds.items()}
    for name, start_s in started.items():
        columns[name]["start_s"] = start_s
    return report.with_added(columns), rounds


def say(text: str) -> None:
    """Progress goes to stderr, so that stdout holds the report alone."""
    print(text, file=sys.stderr, flush=True)


def _out_of_time(*_: object) -> None:
    raise OutOfTime


def main(given: Sequence[str]) -> int:
    options = arguments(given)
    if options.shared_limits:
        print(shared_limits.table(shared_limits.measure(rounds=2 if options.quick else 10)))
        return 0
    if options.admission:
        print(admission.table(admission.measure(rounds=2 if options.quick else 20)))
        return 0
    if options.plan:
        print(planning.table(planning.measure(rounds=5 if options.quick else 40)))
        return 0
    if options.path:
        print(path.table(path.measure(batches=5 if options.quick else 400)))
        return 0
    if nginx() is None:
        say(
            "nginx is not installed: no ratio, and the simulator is the upstream. Debian: apt install nginx-light"
        )
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.signal(signal.SIGTERM, _out_of_time)
    signal.alarm(options.limit)
    before, began = busy_s(), monotonic()
    sleep(1.0)
    warnings = report.noise(before, monotonic() - began)
    for warning in warnings:
        say(f"WARNING: {warning}")
    try:
        if options.overload:
            print(overload.table(overload.overload(_effort(options))))
            return 0
        if options.postgres:
            print(hot.table(hot.hot(_effort(options))))
            return 0
        if options.start:
            print(starting.table(starting.starting(1 if options.quick else options.rounds)))
            return 0
        columns, rounds = run(options)
    except (NotServing, LoadFailed) as failure:
        say(f"FAILED: {failure}")
        return 1
    except OutOfTime:
        say(f"Stopped: not done within {options.limit} s, or asked to stop.")
        return 1
    finally:
        signal.alarm(0)
    print(report.table(columns))
    for warning in warnings:
        print(f"\nWARNING: {warning}")
    kept = {"machine": report.machine(), "warnings": warnings, "figures": columns, "rounds": rounds}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_bytes(msgspec.json.format(msgspec.json.encode(kept)))
    print(f"\nFigures: {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
