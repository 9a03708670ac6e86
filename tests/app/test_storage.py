"""The wired storeroom, on a real database: keys, tidying, and what a start takes up."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from io import StringIO
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from app.test_files import KIND, form
from transcript import FakeClock
from waypost.app.batch.run import result_id
from waypost.app.storage import Storage, StorageParts
from waypost.config.snapshot import Settings
from waypost.core.batch import Batch
from waypost.core.key import Key
from waypost.edge.gate import Errand
from waypost.errors import Unauthenticated
from waypost.pipeline.exchange import Call
from waypost.policy.authenticate import Authenticate
from waypost.policy.directory import Directory
from waypost.stores.sql.batches import BatchRows
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.files import FileRows
from waypost.stores.sql.keys import KeyRows, NewKey, SqlKeys
from waypost.stores.sql.schema import prepare
from waypost.telemetry.logs import Log

LINE = b'{"custom_id":"a","method":"POST","url":"/v1/responses","body":{"model":"m"}}'


class Wired:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.database = open_sqlite(folder)
        prepare(self.database)
        self.rows = KeyRows(self.database)
        issued, self.key = self.rows.create(NewKey(name="app"), 0.0, os.urandom)
        self.text = issued.text.encode()
        self.keys = SqlKeys(self.rows)
        self.asked: list[Key | None] = []
        self.storage = self.made()
        self.storage.prepare()

    def made(self, elsewhere: Callable[[Errand], Awaitable[bytes]] | None = None) -> Storage:
        return Storage(
            StorageParts(
                data=self.folder,
                database=self.database,
                keys=self.rows,
                authenticate=Authenticate(self.keys, self.clock, Directory()),
                run=self._run,
                settings=Settings,
                clock=self.clock,
                log=Log(StringIO(), self.clock.wall),
                randomness=os.urandom,
                new_exchange=lambda: "wp-1",
                elsewhere=elsewhere,
            )
        )

    async def _run(self, call: Call) -> None:
        self.asked.append(call.principal)
        await call.client.reply(200, [], b"{}")

    async def upload(self) -> str:
        upload = await self.storage.receive(self.key, KIND)
        await upload.write(form(LINE))
        made = msgspec.json.decode(await upload.finish())
        await upload.drop()
        return str(made["id"])

    async def ask(self, purpose: str, name: str) -> dict[str, object]:
        found: dict[str, object] = msgspec.json.decode(
            await self.storage.answer(Errand(purpose, "GET", self.key, name))
        )
        return found


@pytest_asyncio.fixture
async def wired(tmp_path: Path) -> AsyncIterator[Wired]:
    made = Wired(tmp_path)
    yield made
    await made.storage.stop()
    made.keys.close()
    made.database.close()


async def test_who_is_let_in(wired: Wired) -> None:
    assert (await wired.storage.admit(wired.text)).key_id == wired.key.key_id
    assert (await wired.storage.admit(wired.text)).key_id == wired.key.key_id
    for wrong in (None, b"sk-wp-wrong"):
        with pytest.raises(Unauthenticated):
            await wired.storage.admit(wrong)


async def over(wired: Wired, batch_id: str) -> dict[str, object]:
    shown = await wired.ask("batch", batch_id)
    while shown["status"] in ("validating", "in_progress", "finalizing"):
        await asyncio.sleep(0.001)
        shown = await wired.ask("batch", batch_id)
    return shown


async def test_a_batch_is_asked_in_the_name_of_its_key_and_a_start_takes_it_up(wired: Wired) -> None:
    file_id = await wired.upload()
    left = Batch("batch_1", wired.key.key_id, "/v1/responses", file_id, "24h", 0.0, 1e12, "wp-9")
    BatchRows(wired.database).put(left)
    wired.storage.start()
    assert (await over(wired, "batch_1"))["status"] == "completed"
    (asked,) = wired.asked
    assert asked is not None
    assert (asked.key_id, asked.priority) == (wired.key.key_id, "low")


async def test_a_revoked_key_asks_nothing(wired: Wired) -> None:
    file_id = await wired.upload()
    wired.rows.revoke(wired.key.key_id, 0.0)
    BatchRows(wired.database).put(
        Batch("batch_1", wired.key.key_id, "/v1/responses", file_id, "24h", 0.0, 1e12, "wp-9")
    )
    wired.storage.start()
    shown = await over(wired, "batch_1")
    assert shown["request_counts"] == {"total": 1, "completed": 0, "failed": 1}
    download = await wired.storage.content(wired.key, str(shown["error_file_id"]))
    assert b'"code":"invalid_api_key"' in await download.read(0)
    assert wired.asked == []


async def test_tidying(wired: Wired) -> None:
    content = wired.storage._content
    rows, batches = FileRows(wired.database), BatchRows(wired.database)
    read, forgotten = await wired.upload(), await wired.upload()
    batches.put(Batch("batch_1", "k", "/v1/responses", read, "24h", 0.0, 1e12, "wp-1"))
    over = Batch("batch_2", "k", "/v1/responses", "file-x", "24h", 0.0, 1.0, "wp-2", status="completed")
    batches.put(over, wired.clock.wall() + 10)
    coming = result_id("batch_1", "out")
    for name in ("file-aa01", coming):
        content.place(name).parent.mkdir(exist_ok=True)
        content.place(name).write_bytes(b"{}")
    for name in ("batch_1.out", "batch_2.out"):
        content.work(name).write_bytes(b"{}")

    # Ages are those of the real disk, which the test's clock knows nothing of.
    wired.clock.advance(max(0.0, content.place(coming).stat().st_ctime - wired.clock.wall()) + 40 * 86_400)
    await wired.storage.tidy()
    assert content.place(read).exists(), "a batch reads it"
    assert rows.get(read, None, 0.0) is not None
    assert not content.place(forgotten).exists()
    assert rows.get(forgotten, None, 0.0) is None
    assert not content.place("file-aa01").exists()
    assert content.place(coming).exists(), "its row is about to come"
    assert [work.name for work in content.worked()] == ["batch_1.out"]
    assert batches.get("batch_2", None) is None


async def test_a_batch_that_ends_meanwhile_does_not_break_the_tidying(
    wired: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = wired.storage._content
    left = content.work("batch_2.out")
    left.write_bytes(b"{}")
    gone = content.work("batch_1.out")
    monkeypatch.setattr(content, "worked", lambda: iter([gone, left]))
    wired.clock.advance(max(0.0, left.stat().st_ctime - wired.clock.wall()) + 40 * 86_400)
    await wired.storage.tidy()
    assert not left.exists()


async def test_where_another_worker_leads_batches_are_asked_for_there(wired: Wired) -> None:
    file_id, asked = await wired.upload(), list[str]()

    async def elsewhere(errand: Errand) -> bytes:
        asked.append(errand.purpose)
        return b"{}"

    BatchRows(wired.database).put(
        Batch("batch_1", wired.key.key_id, "/v1/responses", file_id, "24h", 0.0, 0.0, "wp-9"), kept_until=1.0
    )
    other = wired.made(elsewhere)
    other.start()
    await other.tidy()
    assert await other.answer(Errand("batch", "GET", wired.key, "batch_1")) == b"{}"
    found = msgspec.json.decode(await other.answer(Errand("file", "GET", wired.key, file_id)))
    assert (asked, found["id"], wired.asked) == (["batch"], file_id, [])
    assert BatchRows(wired.database).get("batch_1", None) is not None, "it is tidied there, too"
    await other.stop()
