"""How soon a gateway that knows many is ready, and what a request costs it: `python -m bench --start`.

Of 100,000 keys, 1,000 teams and 10,000 budgets, and beside them of 10 keys; on SQLite and on PostgreSQL. The time runs
from the process's start to the first 200 of `/readyz`. Then up to 512 of the keys ask in turn, over 32 connections; a
request is held on its organization's, project's, team's and key's budgets either way.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import msgspec

from bench.gateway import render_config, served
from bench.hot import on_server
from bench.load import Plan
from bench.measure import Effort, LoadFailed, drive
from bench.seeding import Size, seed
from bench.subject import Subject, paced_upstream, static_upstream
from bench.usage import rss_mb
from tools.postgres_server import Postgres

FEW = Size(keys=10, teams=1, budgets=14)
MANY = Size(keys=100_000, teams=1_000, budgets=10_000, organizations=10)
#: So long that every key has asked before the window begins.
_WARM_UP_S = 3.0


class Round(msgspec.Struct, frozen=True):
    """One start."""

    start_s: float
    cpu_us: float
    """Of a request: the gateway with its writer."""
    rss_mb: float
    """Of the two, under load."""


class Home(msgspec.Struct, frozen=True):
    """A data folder with everything in it."""

    database: str
    size: Size
    data: Path
    config: Path
    where: dict[str, str]
    keys: list[str]


@contextmanager
def homes(direct: Subject, sizes: Sequence[Size]) -> Iterator[list[Home]]:
    """Each size on each database."""
    with ExitStack() as stack:
        server = stack.enter_context(Postgres())
        made = []
        for size in sizes:
            for database in ("SQLite", "PostgreSQL"):
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="waypost-bench-")))
                data, config = folder / "data", folder / "waypost.yaml"
                config.write_text(render_config(direct, 1), "utf-8")
                keys = seed(data, size)
                where = on_server(server, data, f"k{size.keys}") if database == "PostgreSQL" else {}
                made.append(Home(database, size, data, config, where, keys))
        yield made


def started(home: Home, effort: Effort) -> Round:
    """Start on it, and ask. Raises LoadFailed."""
    with served(home.data, home.config, home.where) as (port, process, start_s):
        headers = [{"authorization": f"Bearer {key}"} for key in home.keys]
        subject = Subject("waypost", port, [process.pid], headers=headers)
        result = drive(
            Plan(
                mode="closed",
                port=port,
                path=subject.path,
                body=subject.static_body(),
                headers=headers,
                connections=effort.connections,
                warm_up_s=_WARM_UP_S,
                seconds=effort.seconds,
                pids=subject.pids,
            )
        )
        if result.errors or not result.requests:
            raise LoadFailed(f"{home.database}: {result.errors} errors; statuses {result.statuses}")
        return Round(start_s, result.cpu_s / result.requests * 1e6, rss_mb(subject.pids))


def starting(effort: Effort, sizes: Sequence[Size] = (FEW, MANY)) -> list[tuple[str, Size, list[Round]]]:
    """The rounds of each size on each database, taken in turn. Raises LoadFailed."""
    with ExitStack() as stack:
        direct = stack.enter_context(static_upstream(stack.enter_context(paced_upstream())))
        made = stack.enter_context(homes(direct, sizes))
        told: list[tuple[str, Size, list[Round]]] = [(home.database, home.size, []) for home in made]
        for _ in range(effort.rounds):
            for home, (_, _, rounds) in zip(made, told, strict=True):
                rounds.append(started(home, effort))
    return told


def table(told: Sequence[tuple[str, Size, list[Round]]]) -> str:
    """Markdown: the median of the rounds, and the best of them."""
    lines = [
        ["database", "keys", "teams", "budgets", "start to ready, s", "CPU µs per request", "memory, MB"],
        ["---", *["---:"] * 6],
    ]
    for database, size, rounds in told:
        columns = [[each.start_s for each in rounds], [each.cpu_us for each in rounds]]
        cells = [
            f"{median(column):.{digits}f} ({min(column):.{digits}f})"
            for column, digits in zip(columns, (2, 0), strict=True)
        ]
        numbers = [f"{number:,}" for number in (size.keys, size.teams, size.budgets)]
        lines.append([database, *numbers, *cells, f"{median(each.rss_mb for each in rounds):.0f}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
