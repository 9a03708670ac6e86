from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from waypost import __version__
from waypost.app.config_trail import ConfigTrail, digest
from waypost.app.live_config import LiveConfig
from waypost.app.prices import free_tariff
from waypost.catalog.catalog import load
from waypost.config.log_schema import LogConfig
from waypost.config.schema import Config
from waypost.core.deed import Deed, Done, Entry, Kept, Wanted
from waypost.errors import StoreUnavailable
from waypost.stores.sql.audit_log import AuditRows
from waypost.stores.sql.engine import Database, open_sqlite
from waypost.stores.sql.schema import prepare
from waypost.telemetry.logs import Log


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_sqlite(tmp_path)
    prepare(opened)
    opened.wall = lambda: 5.0
    yield opened
    opened.close()


@pytest.fixture
def config(tmp_path: Path) -> LiveConfig:
    file = tmp_path / "waypost.yaml"
    file.write_text("log: {retention_days: 5}\n")
    made = LiveConfig(file, {}, load(), free_tariff(), Log(io.StringIO(), lambda: 0.0))
    made.resolve()
    return made


def entries(database: Database) -> list[Entry]:
    return [kept.entry for kept in AuditRows(database).oldest_first(Wanted())]


@asynccontextmanager
async def watched(trail: ConfigTrail) -> AsyncIterator[None]:
    task = asyncio.ensure_future(trail.watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Counting(AuditRows):
    """Tells when so many rows are there."""

    def __init__(
        self, database: Database, counter: asyncio.Semaphore, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(database)
        self._counter, self._loop, self._all = counter, loop, database

    def by(self, deed: Deed) -> Counting:
        return Counting(self._all.by(deed), self._counter, self._loop)

    def add(self, done: Done) -> None:
        super().add(done)
        self._loop.call_soon_threadsafe(self._counter.release)


async def test_a_start_and_a_reload_are_told_of(
    database: Database, config: LiveConfig, tmp_path: Path
) -> None:
    first = digest(config.config)
    written = asyncio.Semaphore(0)
    log = Counting(database, written, asyncio.get_running_loop())
    async with watched(ConfigTrail(log, config)):
        (tmp_path / "waypost.yaml").write_text(
            "log: {retention_days: 6}\ncors: {origins: ['https://a.example']}\n"
        )
        assert config.reload()
        (tmp_path / "waypost.yaml").write_text("nothing: good\n")
        assert not config.reload()
        (tmp_path / "waypost.yaml").unlink()
        assert not config.reload()
        for _ in range(4):
            await written.acquire()
    start, reload, *refused = entries(database)
    assert (start.actor, start.action, start.kind) == ("gateway", "start", "config")
    assert start.name == str(tmp_path / "waypost.yaml")
    assert msgspec.json.decode(start.changes) == {"version": [None, __version__], "digest": [None, first]}
    assert (reload.actor, reload.via, reload.action, reload.outcome) == ("operator", "file", "reload", "done")
    assert msgspec.json.decode(reload.changes) == {
        "digest": [first, digest(config.config)],
        "sections": [None, ["log", "cors"]],
    }
    assert [(each.action, each.outcome) for each in refused] == [("reload", "failed")] * 2


class Away:
    """A log whose database does not answer the first two times."""

    def __init__(self) -> None:
        self.tries = 0
        self.told: list[Done] = []
        self.done = asyncio.Semaphore(0)
        self.loop = asyncio.get_running_loop()

    def by(self, deed: Deed) -> Away:
        return self

    def add(self, done: Done) -> None:
        self.tries += 1
        if self.tries < 3:
            raise StoreUnavailable("The database does not answer.")
        self.told.append(done)
        self.loop.call_soon_threadsafe(self.done.release)

    def page(self, wanted: Wanted, before: int | None, limit: int) -> list[Kept]:
        raise AssertionError


async def test_what_can_not_be_told_yet_waits(config: LiveConfig) -> None:
    log = Away()
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with watched(ConfigTrail(log, config, sleep)):
        await log.done.acquire()
    assert waits == [1.0, 1.0]
    assert [done.kind for done in log.told] == ["config"]


def test_a_digest_tells_contents_apart() -> None:
    other = Config(log=LogConfig(audit_days=1))
    assert digest(Config()) == digest(Config()) != digest(other)
