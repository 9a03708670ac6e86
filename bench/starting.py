"""How soon a gateway that knows many is ready, and what a request costs it: `python -m bench --start`.

Of 100,000 keys, 1,000 teams and 10,000 budgets, and beside them of 10 keys; on SQLite and on PostgreSQL. The time runs
from the process's start to the first 200 of `/readyz`. The cost of a request is measured as `--path` does, with up to
512 keys that ask in turn: each request is held on its organization's, project's, team's and key's budgets.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import msgspec

from bench.gateway import served
from bench.hot import on_server
from bench.path_keys import config_of_keys, measure_keys
from bench.seeding import Size, seed
from bench.usage import cpu_s, rss_mb
from tools.postgres_server import Postgres

FEW = Size(keys=10, teams=1, budgets=14)
MANY = Size(keys=100_000, teams=1_000, budgets=10_000, organizations=10)


class Round(msgspec.Struct, frozen=True):
    """One start."""

    start_s: float
    start_cpu_s: float
    """CPU of the gateway and its writer until then, which others on the machine hardly move."""
    rss_mb: float
    """Of the gateway and its writer, once they are ready."""
    path_us: float
    """CPU of a request, undisturbed: what the interpreter takes of it."""


class Home(msgspec.Struct, frozen=True):
    """A data folder with everything in it."""

    database: str
    size: Size
    data: Path
    config: Path
    where: dict[str, str]
    keys: list[str]


@contextmanager
def homes(sizes: Sequence[Size]) -> Iterator[list[Home]]:
    """Each size on each database."""
    with ExitStack() as stack:
        server = stack.enter_context(Postgres())
        made = []
        for size in sizes:
            for database in ("SQLite", "PostgreSQL"):
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="waypost-bench-")))
                data, config = folder / "data", folder / "waypost.yaml"
                config.write_text(config_of_keys(), "utf-8")
                keys = seed(data, size)
                where = on_server(server, data, f"k{size.keys}") if database == "PostgreSQL" else {}
                made.append(Home(database, size, data, config, where, keys))
        yield made


def started(home: Home, batches: int) -> Round:
    """Start on it; then ask, in this process."""
    with served(home.data, home.config, home.where) as (_, process, start_s):
        worked, memory = cpu_s([process.pid]), rss_mb([process.pid])
    return Round(
        start_s, worked, memory, measure_keys(home.data, home.config, home.where, home.keys, batches=batches)
    )


def starting(
    rounds: int, sizes: Sequence[Size] = (FEW, MANY), *, batches: int = 400
) -> list[tuple[str, Size, list[Round]]]:
    """The rounds of each size on each database, taken in turn."""
    with homes(sizes) as made:
        told: list[tuple[str, Size, list[Round]]] = [(home.database, home.size, []) for home in made]
        for _ in range(rounds):
            for home, (_, _, done) in zip(made, told, strict=True):
                done.append(started(home, batches))
    return told


def table(told: Sequence[tuple[str, Size, list[Round]]]) -> str:
    """Markdown: the median of the rounds, and the lowest of them."""
    head = [
        "database",
        "keys",
        "teams",
        "budgets",
        "start to ready, s",
        "its CPU s",
        "CPU µs of a request",
        "MB",
    ]
    lines = [head, ["---", *["---:"] * 7]]
    for database, size, rounds in told:
        numbers = [f"{number:,}" for number in (size.keys, size.teams, size.budgets)]
        figures = [
            f"{median(column):.{digits}f} ({min(column):.{digits}f})"
            for column, digits in (
                ([each.start_s for each in rounds], 2),
                ([each.start_cpu_s for each in rounds], 2),
                ([each.path_us for each in rounds], 1),
                ([each.rss_mb for each in rounds], 0),
            )
        ]
        lines.append([database, *numbers, *figures])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
