"""The power fails at any moment, with `durability: fsync`: what a client was told is on the books, once."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from ledger.books import (
    AT,
    FakeClock,
    attempt,
    both_providers,
    checkpoint,
    exchange,
    in_thread,
    mark,
    served_by,
)
from ledger.power import Disk
from waypost.ledger import ledger as ledger_module
from waypost.ledger.intents import Intents
from waypost.ledger.ledger import BookLedger, open_ledger
from waypost.ledger.recovery import recover
from waypost.ledger.segments import listed
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.schema import prepare
from waypost.stores.sql.sqlite_file import Durability

CLIENTS = 8
EACH = 10
"""Requests of a client."""
COST = 7
FLOOR = 3
SO_FAR = 5


class Watched(SqliteJournal):
    """Tells the disk when a transaction has ended."""

    def __init__(self, data: Path, disk: Disk, durability: Durability) -> None:
        super().__init__(data, durability=durability)
        self._disk = disk

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with super()._transaction() as connection:
            yield connection
        (level,) = connection.execute("PRAGMA synchronous").fetchone()
        self._disk.committed(full=level >= 2)


class Life:
    """Clients of one ledger on one disk, what they were told, and what is wrong with what each power cut left.

    `told`: number → what it has to have cost once everything is recovered; None: it was sent.
    """

    def __init__(self, folder: Path, seed: int, patch: pytest.MonkeyPatch) -> None:
        self.dice = random.Random(seed)
        self.data = folder / "data"
        self.data.mkdir()
        self.folder = folder
        self.disk = Disk(self.data, self.dice)
        self.patch = patch
        self.told: dict[int, int | None] = {}
        self.made: set[int] = set()
        self.cuts = 0
        self.wrong: list[str] = []

    def run(
        self,
        *,
        fsync: bool = True,
        database: Durability = "fsync",
        waits: bool = True,
        chance: float = 0.2,
        segment_bytes: int = 4000,
    ) -> None:
        """One life. The options but for the last two are faults to be found: nothing is synced, SQLite does not sync,
        what is settled is told before it is on the disk."""
        prepared = open_sqlite(self.data)
        prepare(prepared)
        prepared.close()
        self.disk.watch(self.patch)
        self.patch.setattr(
            ledger_module, "Intents", partial(Intents, write=self.disk.write, sync=self.disk.sync)
        )
        journal = Watched(self.data, self.disk, database)
        self.disk.committed(full=True)
        self.disk.at_risk = partial(self._maybe_cut, chance)
        asyncio.run(self._live(journal, fsync, waits, segment_bytes))
        self.patch.undo()
        journal.close()

    async def _live(self, journal: SqliteJournal, fsync: bool, waits: bool, segment_bytes: int) -> None:
        launch = in_thread(self.data / "intents", journal, 0.001)
        ledger, _ = open_ledger(
            self.data, journal, FakeClock(), launch, fsync=fsync, segment_bytes=segment_bytes
        )
        await ledger.load(both_providers(), AT)
        await asyncio.gather(*(self._client(ledger, number, waits) for number in range(CLIENTS)))
        await ledger.flush()
        self.disk.at_risk = lambda: None
        assert await ledger.stop() == 0

    async def _client(self, ledger: BookLedger, client: int, waits: bool) -> None:
        for number in range(client * EACH, (client + 1) * EACH):
            hold = ledger.try_reserve(both_providers(), 1000, AT)
            assert hold is not None
            self.made.add(number)
            sent = mark(number, hold.accounts, floor=FLOOR)
            ledger.dispatch(msgspec.structs.replace(sent, provider=served_by(number)))
            await ledger.durable()
            self.told[number] = None
            for _ in range(self.dice.randrange(6)):
                await asyncio.sleep(0)
            if number % 3 == 0:
                ledger.checkpoint(checkpoint(number, SO_FAR))
                await asyncio.sleep(0)
            done = msgspec.structs.replace(attempt(number, COST), provider=served_by(number))
            ledger.settle(hold, exchange(number, COST, hold.accounts, (done,)))
            if waits:
                await ledger.durable()
            self.told[number] = COST

    # --- the power fails ------------------------------------------------------------------------------------------

    def _maybe_cut(self, chance: float) -> None:
        if self.dice.random() < chance:
            at_risk, self.disk.at_risk = self.disk.at_risk, lambda: None
            self.cut()
            self.disk.at_risk = at_risk

    def cut(self) -> None:
        """What the power would leave now, and a start on that."""
        self.cuts += 1
        image = self.folder / f"image{self.cuts}"
        self.disk.image(image)
        (image / "intents").mkdir(exist_ok=True)
        files = {path: path.read_bytes() for path in listed(image / "intents")}
        journal = SqliteJournal(image)
        recover(image / "intents", journal)
        self._look(journal, "after a start")
        if self.dice.random() < 0.2:  # and fails again: the start's deletions are lost
            for path, content in files.items():
                path.write_bytes(content)
            recover(image / "intents", journal)
            self._look(journal, "after a second start")
        journal.close()
        shutil.rmtree(image)

    def _look(self, journal: SqliteJournal, when: str) -> None:
        rows = journal._connection.execute("SELECT attempt_id, cost_nusd, usage_source FROM lines").fetchall()
        lines = {int(name.removeprefix("att-")): (cost, source) for name, cost, source in rows}
        wrong = self.wrong
        if len(lines) != len(rows):
            wrong.append(f"{when}: a line twice")
        if journal.drift():
            wrong.append(f"{when}: the accounts are off by {journal.drift()}")
        if lines.keys() - self.made:
            wrong.append(f"{when}: lines of nothing")
        for number, cost in self.told.items():
            found = lines.get(number)
            if found is None:
                wrong.append(f"{when}: {number} was sent and has no line")
            elif cost is not None and found != (cost, "reported"):
                wrong.append(f"{when}: {number} was told to cost {cost} and is {found}")
            elif found not in ((COST, "reported"), (FLOOR, "estimated"), (SO_FAR, "estimated")):
                wrong.append(f"{when}: {number} is {found}")


@pytest.mark.parametrize("segment_bytes", [2_000, 8_000, 10**6])
def test_what_a_client_was_told_is_there_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, segment_bytes: int
) -> None:
    life = Life(tmp_path, segment_bytes, monkeypatch)
    life.run(segment_bytes=segment_bytes, chance=0.4)
    assert life.wrong == []
    assert life.cuts > 50, "or the test shows nothing"
    assert set(life.told.values()) == {COST}


@pytest.mark.parametrize(
    "fault", [{"fsync": False}, {"database": "process"}, {"waits": False}], ids=["files", "database", "told"]
)
def test_a_missing_sync_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: dict[str, object]
) -> None:
    life = Life(tmp_path, 3, monkeypatch)
    life.run(segment_bytes=2_000, **fault)  # type: ignore[arg-type] # by name
    assert life.wrong != []
