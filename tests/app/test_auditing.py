from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path

import msgspec
import pytest

from ledger.books import AT, FakeClock, exchange
from waypost.app.auditing import Auditing
from waypost.errors import StoreUnavailable
from waypost.stores.sql.engine import Database, open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.schema import prepare
from waypost.telemetry.logs import Log

A = "key:k1:total"


class Hours:
    """Sleeps for the audit: an hour's end lets a test do something, and the last one ends it."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.slept: list[float] = []
        self.at_hour: list[object] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.now += seconds
        if seconds >= 3600.0:
            if not self.at_hour:
                raise asyncio.CancelledError
            change = self.at_hour.pop(0)
            assert callable(change)
            change()


class Place:
    """A database, and what is audited of it."""

    def __init__(self, data: Path, database: Database) -> None:
        self.data = data
        self.database = database
        self.clock = FakeClock()
        self.hours = Hours(self.clock)
        self.stream = StringIO()
        log = Log(self.stream, self.clock.wall)
        self.auditing = Auditing(database, self.clock, log, self.hours.sleep)

    def post(self, *numbers: int) -> None:
        with closing(SqliteJournal(self.data)) as journal:
            for number in numbers:
                journal.post("1.intents", number, [exchange(number, number, (A,))])

    def change(self, sql: str) -> None:
        with self.database.write() as connection:
            connection.exec_driver_sql(sql)

    def run(self, *at_hour: object) -> list[dict[str, object]]:
        """Audit once, and after each change again; the lines of the log."""
        self.hours.at_hour = list(at_hour)
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(self.auditing.watch())
        return [msgspec.json.decode(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    database = open_sqlite(tmp_path)
    prepare(database)
    yield Place(tmp_path, database)
    database.close()


def test_books_that_are_right(place: Place) -> None:
    place.post(1, 2, 3)
    assert place.auditing.gauges() == {}
    first, second = place.run(lambda: place.post(4))
    assert (first["level"], first["event"], first["lines"], first["cost_nusd"]) == (
        "info",
        "the books are right",
        3,
        6,
    )
    assert (second["lines"], second["cost_nusd"]) == (4, 10)
    gauges = dict(place.auditing.gauges())
    assert gauges.pop("waypost_ledger_audited_at_seconds") > AT + 3600
    assert set(gauges.values()) == {0}
    assert min(place.hours.slept) >= 0.005


def test_a_difference_is_an_error_until_it_is_gone(place: Place) -> None:
    place.post(1, 2, 3)
    told = place.run(
        lambda: place.change("UPDATE accounts SET posted_nusd = 7"),
        lambda: None,
        lambda: place.change("UPDATE accounts SET posted_nusd = 6"),
    )
    assert [each["level"] for each in told] == ["info", "error", "error", "info"]
    assert told[1]["differences"] == [f"posted {A}: kept 7, counted 6"]
    assert place.auditing.gauges()["waypost_ledger_drift_accounts"] == 0


def test_the_metrics_while_something_is_wrong(place: Place) -> None:
    place.post(1, 2)
    place.change("UPDATE accounts SET posted_nusd = 7, lines = 9")
    place.run()
    gauges = place.auditing.gauges()
    assert gauges["waypost_ledger_drift_accounts"] == 1
    assert gauges["waypost_ledger_differences"] == 2


def test_a_database_that_is_away_is_waited_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.post(1)
    read, failures = place.database.read, [1, 1, 1]

    def flaky() -> object:
        if failures:
            failures.pop()
            raise StoreUnavailable("away")
        return read()

    monkeypatch.setattr(place.database, "read", flaky)
    (told,) = place.run()
    assert told["event"] == "the books are right"
    assert place.hours.slept.count(30.0) == 3


def test_the_work_is_a_twentieth_of_the_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    read = place.database.read

    def slow() -> object:
        place.clock.now += 0.25
        return read()

    monkeypatch.setattr(place.database, "read", slow)
    place.run()
    assert place.hours.slept[:-1] == pytest.approx([4.75] * len(place.hours.slept[:-1]))


def test_an_audit_that_is_cancelled_ends_its_thread(place: Place) -> None:
    place.run()
    with pytest.raises(StoreUnavailable):
        place.auditing._pause()
