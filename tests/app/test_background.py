from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path

import pytest

from flat_tariff import FlatTariff
from transcript import FakeClock, NoCatalog, ScriptedAnswer, ScriptedUpstream, provider
from waypost.app.background import Background
from waypost.app.live_config import LiveConfig
from waypost.app.probes import Probes
from waypost.app.renew import Renewals
from waypost.app.steering import Steering
from waypost.app.surroundings import Found
from waypost.catalog.discovery import ListedModel
from waypost.config.schema import Config
from waypost.config.targets import Provider
from waypost.core.deed import Done, Wanted
from waypost.core.facts import ModelFacts
from waypost.core.replay import Replay
from waypost.policy.limits import Limits
from waypost.stores.sql.audit_log import AuditRows
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.replays import ReplayRows
from waypost.stores.sql.schema import prepare
from waypost.telemetry.logs import Log

FILE = 'providers:\n  - {name: lab, dialect: openai_chat, base_url: "http://127.0.0.1:9/v1"}\n'


class Finder:
    def __init__(self) -> None:
        self.found = Found((), (), None, {})

    async def look(self, config: Config, skip_port: int | None = None) -> Found:
        return self.found


class Listed:
    def __init__(self) -> None:
        self.stored: dict[str, list[str]] = {}

    def put(self, name: str, models: Mapping[str, ModelFacts], at: float) -> None:
        self.stored[name] = list(models)


class Keys:
    def __init__(self) -> None:
        self.rounds = 0

    async def watch(self) -> None:
        self.rounds += 1
        if self.rounds == 1:
            raise RuntimeError("a fault with a secret in its text")
        await asyncio.Event().wait()


class Work:
    def __init__(self, folder: Path, more: str = "") -> None:
        file = folder / "waypost.yaml"
        file.write_text(FILE + more)
        self.log = StringIO()
        log = Log(self.log, lambda: 0.0)
        self.config = LiveConfig(file, {}, NoCatalog(), FlatTariff(), log)
        self.config.resolve()
        self.finder, self.listed, self.keys = Finder(), Listed(), Keys()
        self.upstream = ScriptedUpstream([ScriptedAnswer(200, b'{"data":[{"id":"m1"}]}') for _ in range(9)])
        self.database = open_sqlite(folder)
        prepare(self.database)
        self.background = Background(
            clock=FakeClock(),
            log=log,
            config=self.config,
            finder=self.finder,  # type: ignore[arg-type]  # only `look` is used
            upstream=self.upstream,
            listed=self.listed,  # type: ignore[arg-type]  # only `put` is used
            keys=self.keys,  # type: ignore[arg-type]  # only `watch` is used
            limits=Limits(),
            database=self.database,
            renewals=Renewals(self.upstream, lambda path: b"", FakeClock(), log),
            steering=(steering := Steering(self.config, FakeClock(), log)),
            probes=Probes(self.never, self.config.snapshot, steering.board, FakeClock(), log),
            known={},
        )

    async def never(self, provider: Provider) -> bool:
        raise AssertionError(f"nobody is to be asked, and {provider.name} was")

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not done():  # noqa: ASYNC110 - what is waited for has no event of its own
                await asyncio.sleep(0)

    async def close(self) -> None:
        await self.background.stop()
        self.database.close()


async def test_listed_models_become_usable_and_are_stored(tmp_path: Path) -> None:
    work = Work(tmp_path)
    work.background.start()
    await work.until(lambda: "lab/m1" in work.config.snapshot().routes)
    assert work.listed.stored == {"lab": ["m1"]}
    await work.close()


async def test_a_server_found_later_is_a_provider_then(tmp_path: Path) -> None:
    work = Work(tmp_path)
    models: Sequence[ListedModel] = [ListedModel("qwen3")]
    found = provider("ollama", origin_label="local", models_path=None)
    work.finder.found = Found((found,), (), None, {"ollama": models})
    work.background.start()
    await work.until(lambda: "ollama/qwen3" in work.config.snapshot().routes)
    assert work.listed.stored["ollama"] == ["qwen3"]
    await work.close()


async def test_a_reload_asks_new_providers_at_once(tmp_path: Path) -> None:
    work = Work(tmp_path)
    assert work.config.file is not None
    work.config.file.write_text(FILE.replace("lab", "lab2"))
    work.background.reload()
    await work.until(lambda: "lab2/m1" in work.config.snapshot().routes)
    await work.close()


async def test_a_fault_is_logged_without_its_text_and_the_rest_goes_on(tmp_path: Path) -> None:
    work = Work(tmp_path)
    work.background.start()
    await work.until(lambda: "begins again" in work.log.getvalue())
    assert "secret" not in work.log.getvalue()
    await work.until(lambda: "lab/m1" in work.config.snapshot().routes)
    await work.close()


async def test_what_was_kept_for_replays_goes_when_it_has_expired(tmp_path: Path) -> None:
    work = Work(tmp_path)
    rows = ReplayRows(work.database)
    now = FakeClock().wall()
    for number in range(2):
        digest = bytes([number]) * 32
        rows.put(Replay("k1", digest, b"f" * 32, "x1", 200, (), b"Hi", False, now + number), 1000)
    work.background.start()
    await work.until(lambda: rows.get("k1", bytes(32), 0.0) is None)
    assert rows.get("k1", b"\x01" * 32, 0.0) is not None
    await work.close()


async def test_old_rows_of_the_audit_log_go_where_somebody_says_how_old(tmp_path: Path) -> None:
    work = Work(tmp_path, "log: {audit_days: 5}\n")
    now, rows = FakeClock().wall(), AuditRows(work.database)
    for days in (9, 4):
        work.database.wall = lambda at=now - days * 86_400: at  # type: ignore[misc]
        rows.add(Done("path", f"{days} days old"))
    work.background.start()
    await work.until(lambda: "drop_audit" in [kept.entry.action for kept in rows.page(Wanted(), None, 9)])
    assert "9 days old" not in [kept.entry.object_id for kept in rows.page(Wanted(), None, 9)]
    assert "4 days old" in [kept.entry.object_id for kept in rows.page(Wanted(), None, 9)]
    await work.close()


async def test_stopping_leaves_no_task(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    work = Work(tmp_path)
    work.background.start()
    await work.close()
    assert asyncio.all_tasks() == before


async def test_a_changed_file_asks_new_providers_at_once_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waypost.app.background._FILE_POLL_S", 0.0)
    work = Work(tmp_path)
    work.background.start()
    await work.until(lambda: "lab/m1" in work.config.snapshot().routes)
    assert work.config.file is not None
    new = tmp_path / "new.yaml"
    new.write_text(FILE.replace("lab", "lab2"))
    new.replace(work.config.file)
    await work.until(lambda: "lab2/m1" in work.config.snapshot().routes)
    await work.close()
