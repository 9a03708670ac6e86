from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from waypost.app.live_directory import WEEK_S, LiveDirectory
from waypost.core.people import Organization, Team
from waypost.errors import Conflict, StoreUnavailable
from waypost.policy.directory import Directory
from waypost.stores.sql.engine import Database, open_sqlite
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.schema import prepare

ACME = Organization("org_a", "acme")
WEB = Team("team_w", "org_a", "web")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_sqlite(tmp_path)
    prepare(opened)
    yield opened
    opened.close()


@pytest.fixture
def rows(database: Database) -> ObjectRows:
    return ObjectRows(database, lambda: 1000.0)


@pytest.fixture
def live(rows: ObjectRows) -> Iterator[LiveDirectory]:
    made = LiveDirectory(rows)
    yield made
    made.close()


async def test_everything_is_loaded_and_what_others_change_comes_in(
    rows: ObjectRows, live: LiveDirectory, tmp_path: Path
) -> None:
    rows.put(ACME)
    assert await live.refresh() is True
    assert await live.refresh() is False
    other = open_sqlite(tmp_path)
    rounds: asyncio.Queue[float] = asyncio.Queue(1)
    watching = asyncio.ensure_future(live.watch(0.5, rounds.put))
    await asyncio.to_thread(ObjectRows(other, lambda: 1.0).put, WEB)
    for _ in range(3):  # rounds that began before the change, then one that began after it
        assert await rounds.get() == 0.5
    assert live.directory.find(Team, "team_w") == Team("team_w", "org_a", "web", revision=2)
    watching.cancel()
    other.close()


async def test_a_directory_that_others_have_is_filled(rows: ObjectRows) -> None:
    rows.put(ACME)
    theirs = Directory()
    live = LiveDirectory(rows, theirs)
    await live.refresh()
    assert live.directory is theirs
    assert theirs.find(Organization, "org_a") is not None
    live.close()


async def test_what_is_written_here_is_in_force_when_it_returns(live: LiveDirectory) -> None:
    stored = await live.put(ACME)
    assert live.directory.find(Organization, "org_a") == stored
    with pytest.raises(Conflict):
        await live.put(ACME, revision=9)
    assert await live.delete("organization", "org_a", revision=1) is True
    assert live.directory.find(Organization, "org_a") is None


async def test_a_round_that_was_overtaken_changes_nothing(rows: ObjectRows, live: LiveDirectory) -> None:
    rows.put(ACME)
    real, held = rows.changed, []

    def slow(since: int):
        found = real(since)
        if not held:
            held.append(found)
            rows.put(Organization("org_a", "acme", title="New"))
            asyncio.run_coroutine_threadsafe(overtake(), loop).result(10)
        return found

    async def overtake() -> None:
        live.directory.apply(*real(0))

    loop = asyncio.get_running_loop()
    rows.changed = slow  # type: ignore[method-assign]
    assert await live.refresh() is False
    found = live.directory.find(Organization, "org_a")
    assert (found.title, live.directory.version) == ("New", 2)


async def test_who_missed_forgotten_deletions_begins_anew(database: Database, live: LiveDirectory) -> None:
    now = [0.0]
    rows = ObjectRows(database, lambda: now[0])
    rows.put(ACME)
    rows.put(WEB)
    await live.refresh()
    rows.delete("team", "team_w")
    now[0] = 2 * WEEK_S
    await live.tidy(now[0])
    assert rows.forgotten() == 3
    rows.put(Team("team_2", "org_a", "two"))
    assert await live.refresh() is True
    assert {each.id for each in live.directory.all(Team)} == {"team_2"}
    assert live.directory.version == 4


async def test_a_database_that_was_put_back_is_read_anew(
    rows: ObjectRows, live: LiveDirectory, tmp_path: Path
) -> None:
    rows.put(ACME)
    rows.put(WEB)
    rows.delete("team", "team_w")
    rows.put(Team("team_2", "org_a", "two"))
    await live.refresh()
    earlier = open_sqlite(tmp_path / "earlier")
    prepare(earlier)
    restored = ObjectRows(earlier, lambda: 1.0)
    restored.put(ACME)
    restored.put(WEB)
    live._rows = restored
    assert await live.refresh() is True
    assert {each.id for each in live.directory.all(Team)} == {"team_w"}
    assert live.directory.version == 2
    earlier.close()


async def test_what_was_deleted_lately_is_not_forgotten(rows: ObjectRows, live: LiveDirectory) -> None:
    rows.put(ACME)
    rows.delete("organization", "org_a")
    await live.tidy(1000.0 + WEEK_S)
    assert len(rows.changed(0)[0]) == 1
    await live.tidy(1001.0 + WEEK_S)
    assert rows.changed(0)[0] == []


async def test_watching_survives_a_database_that_is_away(rows: ObjectRows, live: LiveDirectory) -> None:
    rows.put(ACME)
    real, calls = rows.changed, []

    def away(since: int):
        calls.append(since)
        if len(calls) == 1:
            raise StoreUnavailable("away")
        return real(since)

    rows.changed = away  # type: ignore[method-assign]
    assert (await live.put(WEB)).revision == 2, "written, and taken in with the next round"
    rounds: asyncio.Queue[float] = asyncio.Queue(1)
    watching = asyncio.ensure_future(live.watch(0.5, rounds.put))
    await rounds.get()
    assert live.directory.find(Team, "team_w") is not None
    watching.cancel()
