from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from app.batch.batch_rig import KEY, URL, BatchRig, text
from app.batch.test_owner import until_over
from waypost.app.batch.desk import BatchDesk
from waypost.app.files import FileRoom
from waypost.config.snapshot import Settings
from waypost.config.storage import Storage
from waypost.core.key import Key
from waypost.edge.gate import Errand
from waypost.errors import InvalidRequest, NotFound

OTHER = msgspec.structs.replace(KEY, key_id="k2")
OPERATOR = msgspec.structs.replace(KEY, key_id="k3", operator=True)
ASKED = {"input_file_id": "file-in1", "endpoint": URL, "completion_window": "24h"}


class Desk:
    def __init__(self, folder: Path) -> None:
        self.rig = rig = BatchRig(folder)
        self.owner = rig.owner()
        ids = iter("abcdefghi")
        files = FileRoom(
            files=rig.files,
            batches=rig.batches,
            content=rig.content,
            settings=lambda: rig.settings.storage,
            clock=rig.clock,
            new_id=lambda: next(ids),
        )
        self.desk = BatchDesk(
            batches=rig.batches,
            files=files,
            owner=self.owner,
            clock=rig.clock,
            new_id=lambda: next(ids),
            new_exchange=lambda: f"wp-{next(ids)}",
        )

    async def ask(
        self, purpose: str, method: str = "GET", *, key: Key = KEY, name: str = "", query: bytes = b"",
        body: object = None,
    ) -> dict[str, object]:  # fmt: skip
        said = b"" if body is None else msgspec.json.encode(body)
        answered = await self.desk.answer(Errand(purpose, method, key, name, query, {}, said))
        found: dict[str, object] = msgspec.json.decode(answered)
        return found


async def test_a_batch_is_made_and_worked_off(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.rig.put([text("a")])
    made = await desk.ask("batches", "POST", body=ASKED | {"metadata": {"a": "b"}})
    assert (made["status"], made["metadata"]) == ("validating", {"a": "b"})
    assert made["expires_at"] == made["created_at"] + 86_400
    batch_id = str(made["id"])
    await until_over(desk.rig, batch_id.removeprefix("batch_"))  # type: ignore[arg-type]
    await desk.owner.stop()
    shown = await desk.ask("batch", name=batch_id)
    assert shown["status"] == "completed"
    assert shown["request_counts"] == {"total": 1, "completed": 1, "failed": 0}
    with pytest.raises(InvalidRequest, match="can not be cancelled any more: it is completed"):
        await desk.ask("batch_cancel", "POST", name=batch_id)


@pytest.mark.parametrize("purpose", ["batch", "batch_cancel"])
async def test_another_keys_batch_is_not_told_from_none(tmp_path: Path, purpose: str) -> None:
    desk = Desk(tmp_path)
    await desk.rig.batches.put(desk.rig.put([text("a")], status="failed"))
    with pytest.raises(NotFound) as others:
        await desk.ask(purpose, key=OTHER, name="batch_1")
    with pytest.raises(NotFound) as none:
        await desk.ask(purpose, key=OTHER, name="batch_2")
    assert others.value.message.replace("batch_1", "batch_2") == none.value.message
    assert (await desk.ask("batch", key=OPERATOR, name="batch_1"))["id"] == "batch_1"


async def test_lists_are_in_pages(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for number in range(25):
        key_id = "k2" if number == 24 else "k1"
        await desk.rig.batches.put(desk.rig.put([], number, status="failed", key_id=key_id))

    async def ids(query: bytes, key: Key = KEY) -> tuple[list[str], bool]:
        page = await desk.ask("batches", query=query, key=key)
        return [one["id"] for one in page["data"]], bool(page["has_more"])  # type: ignore[attr-defined]

    assert await ids(b"") == ([f"batch_{n}" for n in range(23, 3, -1)], True)
    assert await ids(b"after=batch_4") == ([f"batch_{n}" for n in range(3, -1, -1)], False)
    assert await ids(b"limit=1", OPERATOR) == (["batch_24"], True)
    with pytest.raises(InvalidRequest):
        await ids(b"limit=101")


@pytest.mark.parametrize("window", ["25h", "0s", "soon", ""])
async def test_windows_that_can_not_be(tmp_path: Path, window: str) -> None:
    desk = Desk(tmp_path)
    desk.rig.put([text("a")])
    with pytest.raises(InvalidRequest, match="completion_window"):
        await desk.ask("batches", "POST", body=ASKED | {"completion_window": window})


async def test_where_no_files_are_kept_there_are_no_batches(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.rig.put([text("a")])
    desk.rig.settings = Settings(storage=Storage(keeps=False))
    with pytest.raises(NotFound, match=r"files\.store"):
        await desk.ask("batches", "POST", body=ASKED)


async def test_files_that_can_not_be_used(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.rig.put([text("a")])
    with pytest.raises(NotFound):
        await desk.ask("batches", "POST", key=OTHER, body=ASKED)
    row = desk.rig.files.rows["file-in1"]
    desk.rig.files.rows["file-in1"] = msgspec.structs.replace(row, purpose="vision")
    with pytest.raises(InvalidRequest, match="is for 'vision'"):
        await desk.ask("batches", "POST", body=ASKED)
    assert desk.rig.batches.rows == {}
