"""A hot organization: `python -m bench --postgres`. One key, whose every request is held on the budgets of its
organization (two), project, team and key, and let in by three limits; on PostgreSQL, where budgets are leased, by one
process and by two workers, and beside it on SQLite.

wrk keeps the connections busy, for it takes the least of the machine for itself. How far the writer is behind at the
end of the load, and how long it takes to catch up, belong to the figure: a rate that is not posted is not kept.
"""

from __future__ import annotations

import http.client
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import msgspec

from bench.gateway import render_config, served
from bench.measure import Effort, LoadFailed
from bench.seeding import Size, move, seed
from bench.subject import Subject, paced_upstream, static_upstream
from bench.usage import cpu_s, running_as
from bench.wrk import asking, require_wrk
from tools.postgres_server import PASSWORD, Postgres
from waypost.stores.sql.variables import PASSWORD as PASSWORD_VARIABLE
from waypost.stores.sql.variables import URL

_WARM_UP_S = 2.0
#: The module that a writer runs.
_WRITER = "waypost.stores.sql.posting"
#: How long the writer may take to catch up, and how long the server's processes may take to tell what they did.
_DRAIN_S = 120.0
_TOLD_S = 1.5


class Seen(msgspec.Struct, frozen=True):
    """What was counted up to a moment; the times are seconds of CPU."""

    at: float
    answered: float
    refused: float
    queued: float
    gateway_s: float
    writer_s: float
    database_s: float
    transactions: float = 0.0
    leases: float = 0.0
    """How often the node's leases were changed."""


class Figures(msgspec.Struct, frozen=True):
    """One round on one database."""

    requests_per_s: float
    gateway_us: float
    """CPU of the gateway's own process, per request of the window."""
    writer_us: float
    """CPU of its writer, and of the database's server, per request of the whole round: until all is posted."""
    database_us: float
    transactions: float
    """Of the server per request; SQLite does not count them."""
    leases_per_s: float
    """Changes of the node's leases: grants, and what went back."""
    queued: float
    """Settled and not posted, at the end of the load."""
    drained_s: float
    """Until nothing was."""


class Node:
    """A gateway under load, and where it is looked at."""

    def __init__(self, subject: Subject, server: Postgres | None = None, database: str = "") -> None:
        self.subject = subject
        self._server = server
        self._database = database

    def look(self, *, books: bool = False) -> Seen:
        """`books`: also what the server counts."""
        answered, refused, queued = counted(_metrics(self.subject.port))
        writer_s = cpu_s(running_as(_WRITER, self.subject.pids))
        gateway_s = cpu_s(self.subject.pids) - writer_s
        database_s = transactions = leases = 0.0
        if self._server is not None:
            assert self._server.process is not None
            database_s = cpu_s([self._server.process.pid])
            if books:
                transactions, leases = self._books(self._server)
        return Seen(
            perf_counter(), answered, refused, queued, gateway_s, writer_s, database_s, transactions, leases
        )

    def settled(self) -> Seen:
        """Wait until everything is posted. Raises LoadFailed when that takes too long."""
        until = perf_counter() + _DRAIN_S
        while (seen := self.look()).queued:
            if perf_counter() > until:
                raise LoadFailed(f"{seen.queued:.0f} exchanges were not posted {_DRAIN_S:g} s after the load")
            sleep(0.02)
        return seen

    def _books(self, server: Postgres) -> tuple[float, float]:
        committed = "SELECT xact_commit FROM pg_stat_database WHERE datname = :name"
        moves = "SELECT coalesce(sum(value::bigint), 0) FROM meta WHERE name LIKE 'lease moves of %'"
        with server.connection(self._database) as connection:
            (transactions,) = connection.run(committed, name=self._database)[0]
            (leases,) = connection.run(moves)[0]
        return float(transactions), float(leases)


def counted(text: str) -> tuple[float, float, float]:
    """Of `/metrics`, of all workers: answers with 200, others, and what is settled and not posted."""
    told = re.findall(r'^waypost_exchanges_total\{[^}]*status="(\d+)"[^}]*\} (\S+)$', text, re.MULTILINE)
    good = sum(float(value) for status, value in told if status == "200")
    queued = re.findall(r"^waypost_ledger_queued(?:\{[^}]*\})? (\S+)$", text, re.MULTILINE)
    return good, sum(float(value) for _, value in told) - good, sum(map(float, queued))


def _metrics(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def measured(node: Node, effort: Effort) -> Figures:
    """One round. Raises LoadFailed."""
    begun = node.look(books=True)
    with asking(node.subject, effort.connections, _WARM_UP_S + effort.seconds + 5):
        sleep(_WARM_UP_S)
        first = node.look()
        sleep(effort.seconds)
        last = node.look()
    ended = node.settled()
    sleep(_TOLD_S)
    return figures(begun, first, last, ended, node.look(books=True))


def figures(begun: Seen, first: Seen, last: Seen, ended: Seen, told: Seen) -> Figures:
    """From what was seen before the load, at both ends of the window, when all was posted, and when the server had told
    of it. Raises LoadFailed when anything was answered with something else than 200, or nothing was."""
    if last.refused > begun.refused or last.answered <= first.answered:
        raise LoadFailed(
            f"{last.refused - begun.refused:.0f} requests were not answered as they should be, and "
            f"{last.answered - first.answered:.0f} were"
        )
    window, whole = last.answered - first.answered, told.answered - begun.answered
    return Figures(
        window / (last.at - first.at),
        (last.gateway_s - first.gateway_s) / window * 1e6,
        (ended.writer_s - begun.writer_s) / whole * 1e6,
        (ended.database_s - begun.database_s) / whole * 1e6,
        (told.transactions - begun.transactions) / whole,
        (told.leases - begun.leases) / (ended.at - begun.at),
        last.queued,
        ended.at - last.at,
    )


@contextmanager
def nodes() -> Iterator[dict[str, Node]]:
    """The gateways, each with the same organization."""
    with ExitStack() as stack:
        direct = stack.enter_context(static_upstream(stack.enter_context(paced_upstream())))
        server = stack.enter_context(Postgres())
        made = {}
        for name, on, workers in (
            ("SQLite", None, 1),
            ("PostgreSQL", server, 1),
            ("PostgreSQL, 2 workers", server, 2),
        ):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="waypost-bench-")))
            data, config = folder / "data", folder / "waypost.yaml"
            config.write_text(render_config(direct, 1), "utf-8")
            (key,) = seed(data, Size())
            database = f"bench{workers}"
            where = {} if on is None else on_server(on, data, database)
            where |= {"WAYPOST_WORKERS": str(workers)}
            port, process, _ = stack.enter_context(served(data, config, where))
            subject = Subject(name, port, [process.pid], headers=[{"authorization": f"Bearer {key}"}])
            made[name] = Node(subject, on, database)
        yield made


def on_server(server: Postgres, data: Path, database: str) -> dict[str, str]:
    """Move what is in a data folder to a new database of the server; how the environment names that."""
    with server.connection() as connection:
        connection.run(f"CREATE DATABASE {database}")
    where = {URL: server.url(database), PASSWORD_VARIABLE: PASSWORD}
    move(data, where)
    return where


def hot(effort: Effort) -> dict[str, list[Figures]]:
    """The rounds of each database, taken in turn. Raises LoadFailed."""
    require_wrk()
    with nodes() as made:
        told: dict[str, list[Figures]] = {name: [] for name in made}
        for _ in range(effort.rounds):
            for name, node in made.items():
                told[name].append(measured(node, effort))
    return told


def table(told: dict[str, list[Figures]]) -> str:
    """Markdown: the median of the rounds and the best, of each gateway; and the ratio of the first two's medians."""
    names = list(told)
    lines = [
        ["median (best)", *names, f"{names[1]} ÷ {names[0]}"],
        ["---", *["---:"] * (len(names) + 1)],
    ]
    for field, label, digits in _ROWS:
        columns = [[float(getattr(each, field)) for each in told[name]] for name in names]
        best = max if field == "requests_per_s" else min
        cells = [f"{median(column):,.{digits}f} ({best(column):,.{digits}f})" for column in columns]
        one, other = median(columns[0]), median(columns[1])
        lines.append([label, *cells, f"{other / one:.2f}" if one else ""])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_ROWS: Sequence[tuple[str, str, int]] = (
    ("requests_per_s", "requests/s", 0),
    ("gateway_us", "CPU µs per request: gateway", 1),
    ("writer_us", "CPU µs per request: writer", 1),
    ("database_us", "CPU µs per request: server of the database", 1),
    ("transactions", "transactions of the server per request", 4),
    ("leases_per_s", "changes of leases per second", 1),
    ("queued", "not posted at the end of the load", 0),
    ("drained_s", "posted after, s", 2),
)
