"""Batches over a scripted pipeline, with stores in memory and a real folder."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from io import StringIO
from pathlib import Path

import msgspec

from transcript import FakeClock
from waypost.app.batch.owner import BatchOwner
from waypost.app.batch.run import BatchRun, Outcome, Tools
from waypost.app.batch.slots import Slots
from waypost.config.snapshot import Settings
from waypost.config.storage import Storage
from waypost.core.batch import Batch
from waypost.core.file import StoredFile
from waypost.core.key import Key
from waypost.errors import GatewayError
from waypost.pipeline.exchange import Call
from waypost.stores.content import ContentFolder
from waypost.stores.memory import MemoryBatches, MemoryFiles
from waypost.telemetry.logs import Log

URL = "/v1/chat/completions"
KEY = Key("k1", "app", b"", "", 0.0, priority="low")
JSON = [(b"content-type", b"application/json")]
#: What the rig's pipeline does with a call; None: it answers 200.
Script = Callable[[Call], Awaitable[None]]


def text(name: str, model: str = "m", url: str = URL) -> bytes:
    """One line of an input file."""
    line = {"custom_id": name, "method": "POST", "url": url, "body": {"model": model}}
    return msgspec.json.encode(line)


async def answer(call: Call, status: int = 200, body: bytes = b'{"id":1}', **headers: bytes) -> None:
    lines = [*JSON, *((name.replace("_", "-").encode(), value) for name, value in headers.items())]
    await call.client.reply(status, lines, body)


class BatchRig:
    def __init__(self, folder: Path, **storage: object) -> None:
        self.clock = FakeClock()
        self.files, self.batches = MemoryFiles(), MemoryBatches()
        self.content = ContentFolder(folder)
        self.content.prepare()
        self.settings = Settings(storage=Storage(**storage))
        self.calls: list[Call] = []
        self.script: Script = answer
        self.refusal: GatewayError | None = None
        self.waits: list[float] = []
        self.told: Counter[Outcome] = Counter()
        self.log = StringIO()
        self.most = self._under_way = 0

    def tools(self, told: Callable[[Outcome], None] | None = None) -> Tools:
        return Tools(
            run=self._run,
            key=self._key,
            files=self.files,
            batches=self.batches,
            content=self.content,
            settings=lambda: self.settings,
            slots=Slots(lambda: self.settings.storage.overall),
            clock=self.clock,
            log=Log(self.log, self.clock.wall),
            wait=self._wait,
            told=told or self._told,
        )

    def owner(self) -> BatchOwner:
        return BatchOwner(self.tools)

    def put(self, lines: Sequence[bytes] | bytes, number: int = 1, **changes: object) -> Batch:
        """An input file on the disk, and a batch over it that is not kept yet."""
        file_id = f"file-in{number}"
        incoming = self.content.receive(file_id)
        incoming.write(lines if isinstance(lines, bytes) else b"\n".join(lines))
        incoming.keep(file_id)
        now = self.clock.wall()
        self.files.rows[file_id] = StoredFile(file_id, "k1", "batch", "in", incoming.size, now)
        made = Batch(f"batch_{number}", "k1", URL, file_id, "24h", now, now + 86_400, f"wp-{number}")
        return msgspec.structs.replace(made, **changes)

    async def begin(self, batch: Batch, *, resumed: bool = False) -> BatchRun:
        await self.batches.put(batch)
        return BatchRun(batch, self.tools(), resumed)

    async def work_off(self, batch: Batch, *, resumed: bool = False) -> Batch:
        await (await self.begin(batch, resumed=resumed)).run()
        return self.batches.rows[batch.batch_id]

    def results(self, batch: Batch) -> tuple[dict[str, object], dict[str, object]]:
        """By `custom_id`: the status, or the error's code; of the output file and of the error file."""
        return self._read(batch.output_file_id), self._read(batch.error_file_id)

    def _read(self, file_id: str | None) -> dict[str, object]:
        found: dict[str, object] = {}
        if file_id is not None:
            for line in self.content.read(file_id, 0, 1 << 20).splitlines():
                said = msgspec.json.decode(line)
                assert said["custom_id"] not in found, "one result for each line"
                answered = said["response"]
                found[said["custom_id"]] = (
                    said["error"]["code"] if answered is None else answered["status_code"]
                )
        return found

    async def _run(self, call: Call) -> None:
        self.calls.append(call)
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        try:
            await asyncio.sleep(0)
            await self.script(call)
        finally:
            self._under_way -= 1

    async def _key(self, key_id: str) -> Key:
        if self.refusal is not None:
            raise self.refusal
        return msgspec.structs.replace(KEY, key_id=key_id)

    async def _wait(self, event: asyncio.Event, seconds: float) -> None:
        if not event.is_set():
            self.waits.append(seconds)
            self.clock.advance(seconds)
            await asyncio.sleep(0)

    def _told(self, outcome: Outcome) -> None:
        self.told[outcome] += 1
