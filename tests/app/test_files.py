from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from transcript import FakeClock
from waypost.app.files import FileRoom
from waypost.config.storage import Storage
from waypost.core.batch import Batch
from waypost.core.key import Key
from waypost.edge.gate import Errand
from waypost.errors import InvalidRequest, NotFound, TooLarge
from waypost.stores.content import ContentFolder
from waypost.stores.memory import MemoryBatches, MemoryFiles

KEY = Key("k1", "app", b"", "", 0.0)
OTHER = msgspec.structs.replace(KEY, key_id="k2")
OPERATOR = msgspec.structs.replace(KEY, key_id="k3", operator=True)
KIND = b"multipart/form-data; boundary=b"


def form(content: bytes, purpose: str = "batch", more: bytes = b"") -> bytes:
    return (
        b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\n%b\r\n%b'
        b'--b\r\ncontent-disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n%b\r\n--b--\r\n'
    ) % (purpose.encode(), more, content)


class Room:
    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.files, self.batches = MemoryFiles(), MemoryBatches()
        self.content = ContentFolder(folder)
        self.content.prepare()
        numbers = iter(range(10, 99))
        self.room = FileRoom(
            files=self.files,
            batches=self.batches,
            content=self.content,
            settings=lambda: Storage(**settings),
            clock=self.clock,
            new_id=lambda: f"{next(numbers)}",
        )

    async def upload(self, body: bytes, key: Key = KEY, piece: int = 50) -> dict[str, object]:
        upload = await self.room.receive(key, KIND)
        try:
            for begin in range(0, len(body), piece):
                await upload.write(body[begin : begin + piece])
            found: dict[str, object] = msgspec.json.decode(await upload.finish())
        finally:
            await upload.drop()
        assert self.room.arriving == {}
        return found

    async def ask(self, purpose: str, method: str = "GET", *, key: Key = KEY, name: str = "", query: bytes = b"") -> dict[str, object]:  # fmt: skip # noqa: E501
        answered = await self.room.answer(Errand(purpose, method, key, name, query))
        found: dict[str, object] = msgspec.json.decode(answered)
        return found

    def left(self) -> list[str]:
        return sorted(one.name for one in (self.folder / "files").rglob("*") if one.is_file())


async def read(room: Room, file_id: str, key: Key = KEY) -> bytes:
    download = await room.room.content(key, file_id)
    found = b""
    while piece := await download.read(len(found)):
        found += piece
    assert len(found) == download.size
    return found


@pytest.mark.parametrize("size", [0, 5, 600_000])
async def test_a_file_comes_back_as_it_was(tmp_path: Path, size: int) -> None:
    room = Room(tmp_path)
    content = bytes(range(256)) * (size // 256) + b"\r\n--x"[: size % 256]
    made = await room.upload(form(content), piece=70_000)
    assert (made["id"], made["bytes"], made["filename"]) == ("file-10", len(content), "in.jsonl")
    assert made["expires_at"] == made["created_at"] + 30 * 86_400
    assert await read(room, "file-10") == content
    assert (await room.ask("file", name="file-10")) == made


async def test_it_is_its_keys_and_an_operators(tmp_path: Path) -> None:
    room = Room(tmp_path)
    await room.upload(form(b"x"))
    for purpose, method in (("file", "GET"), ("file", "DELETE")):
        with pytest.raises(NotFound) as refused:
            await room.ask(purpose, method, key=OTHER, name="file-10")
        with pytest.raises(NotFound) as none:
            await room.ask(purpose, method, key=OTHER, name="file-99")
        assert refused.value.message.replace("10", "99") == none.value.message
    with pytest.raises(NotFound):
        await room.room.content(OTHER, "file-10")
    assert await read(room, "file-10", OPERATOR) == b"x"
    assert (await room.ask("files", key=OTHER))["data"] == []
    assert len((await room.ask("files", key=OPERATOR))["data"]) == 1  # type: ignore[arg-type]


async def test_lists_say_whether_there_is_more(tmp_path: Path) -> None:
    room = Room(tmp_path)
    for _ in range(3):
        await room.upload(form(b"x"))
    page = await room.ask("files", query=b"limit=2")
    assert ([one["id"] for one in page["data"]], page["has_more"]) == (["file-12", "file-11"], True)  # type: ignore[attr-defined]
    page = await room.ask("files", query=b"limit=2&after=file-11")
    assert ([one["id"] for one in page["data"]], page["has_more"]) == (["file-10"], False)  # type: ignore[attr-defined]


async def test_deleting_takes_the_content_along(tmp_path: Path) -> None:
    room = Room(tmp_path)
    await room.upload(form(b"x"))
    assert room.left() == ["file-10"]
    assert (await room.ask("file", "DELETE", name="file-10"))["deleted"] is True
    assert room.left() == []
    with pytest.raises(NotFound):
        await room.ask("file", name="file-10")


async def test_a_file_that_a_batch_reads_stays(tmp_path: Path) -> None:
    room = Room(tmp_path)
    await room.upload(form(b"x"))
    await room.batches.put(Batch("batch_1", "k1", "/v1/responses", "file-10", "24h", 0, 1, "wp-1"))
    with pytest.raises(InvalidRequest, match="batch_1 reads this file"):
        await room.ask("file", "DELETE", name="file-10")
    assert room.left() == ["file-10"]


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        ({"file_max_bytes": 100}, (101,)),
        ({"key_max_bytes": 100}, (60, 41)),
        ({"total_max_bytes": 100}, (60, 41)),
    ],
)
async def test_what_is_too_much_is_refused_as_it_arrives_and_nothing_is_left(
    tmp_path: Path, settings: dict[str, object], sizes: tuple[int, ...]
) -> None:
    room = Room(tmp_path, **settings)
    for size in sizes[:-1]:
        await room.upload(form(b"x" * size))
    kept = room.left()
    with pytest.raises(TooLarge):
        await room.upload(form(b"x" * sizes[-1]))
    assert room.left() == kept
    await room.upload(form(b"x" * (40 if sizes[1:] else 100)))


async def test_uploads_under_way_count(tmp_path: Path) -> None:
    room = Room(tmp_path, key_max_bytes=100)
    first, second = await room.room.receive(KEY, KIND), await room.room.receive(KEY, KIND)
    await first.write(form(b"x" * 60)[:-8])
    with pytest.raises(TooLarge):
        await second.write(form(b"x" * 60))
    await second.drop()
    await first.drop()
    assert (room.left(), room.room.arriving) == ([], {})


async def test_two_that_fitted_when_they_began_do_not_both_fit(tmp_path: Path) -> None:
    room = Room(tmp_path, key_max_bytes=100)
    late = await room.room.receive(KEY, KIND)
    await room.upload(form(b"x" * 60))
    await late.write(form(b"x" * 60))
    with pytest.raises(TooLarge):
        await late.finish()
    await late.drop()
    assert room.left() == ["file-10" if "file-10" in room.files.rows else "file-11"]


@pytest.mark.parametrize("body", [form(b"x", "nothing"), form(b"x")[:-4], b"--b--\r\n"])
async def test_forms_that_are_refused_leave_nothing(tmp_path: Path, body: bytes) -> None:
    room = Room(tmp_path)
    with pytest.raises(InvalidRequest):
        await room.upload(body)
    assert room.left() == []


async def test_a_client_may_want_it_kept_for_less(tmp_path: Path) -> None:
    room = Room(tmp_path)
    more = b"".join(
        b'--b\r\ncontent-disposition: form-data; name="expires_after[%b]"\r\n\r\n%b\r\n' % pair
        for pair in ((b"anchor", b"created_at"), (b"seconds", b"3600"))
    )
    made = await room.upload(form(b"x", more=more))
    assert made["expires_at"] == made["created_at"] + 3600
    room.clock.advance(3600)
    with pytest.raises(NotFound):
        await room.ask("file", name="file-10")


async def test_where_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"files\.store"):
        await Room(tmp_path, keeps=False).room.receive(KEY, KIND)
