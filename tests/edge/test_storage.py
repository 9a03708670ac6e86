"""Files through the edge: in pieces, within their time, and with nothing left behind."""

from __future__ import annotations

import pytest

from edge.asgi_rig import Exchange
from edge.rig import Rig, get
from waypost.core.key import Key
from waypost.edge.gate import Download, Errand
from waypost.errors import InvalidRequest, TooLarge, Unauthenticated

KEY = Key("k1", "app", b"", "", 0.0)
FORM = [(b"content-type", b"multipart/form-data; boundary=b"), (b"authorization", b"Bearer sk-1")]
JSON = [(b"content-type", b"application/json"), (b"authorization", b"Bearer sk-1")]


class Upload:
    def __init__(self, refuses_at: int) -> None:
        self.pieces: list[bytes] = []
        self.finished = self.dropped = False
        self._refuses_at = refuses_at

    async def write(self, data: bytes) -> None:
        self.pieces.append(data)
        if sum(map(len, self.pieces)) > self._refuses_at:
            raise TooLarge("The file is too large.")

    async def finish(self) -> bytes:
        self.finished = True
        return b'{"id":"file-1"}'

    async def drop(self) -> None:
        self.dropped = True


class Room:
    def __init__(self, rig: Rig, content: bytes = b"", refuses_at: int = 1 << 30) -> None:
        rig.edge._storeroom = self
        self.uploads: list[Upload] = []
        self.errands: list[Errand] = []
        self.drained = 0
        self._content = content
        self._refuses_at = refuses_at

    async def admit(self, presented: bytes | None) -> Key:
        if presented != b"sk-1":
            raise Unauthenticated("Who?")
        return KEY

    async def receive(self, key: Key, content_type: bytes | None) -> Upload:
        if content_type != FORM[0][1]:
            raise InvalidRequest("No form.")
        self.uploads.append(Upload(self._refuses_at))
        return self.uploads[-1]

    async def content(self, key: Key, file_id: str) -> Download:
        async def read(offset: int) -> bytes:
            return self._content[offset : offset + 1000]

        return Download(len(self._content), 'ä"\r\n.jsonl', read)

    async def answer(self, errand: Errand) -> bytes:
        self.errands.append(errand)
        return b'{"said":1}'

    def drain(self) -> None:
        self.drained += 1


@pytest.mark.parametrize("prefix", ["/v1", "", "/api/v1"])
@pytest.mark.parametrize(
    ("method", "path", "purpose", "name"),
    [
        ("GET", "/files", "files", ""),
        ("GET", "/files/file-1", "file", "file-1"),
        ("DELETE", "/files/file-1", "file", "file-1"),
        ("GET", "/batches", "batches", ""),
        ("POST", "/batches", "batches", ""),
        ("GET", "/batches/batch_1", "batch", "batch_1"),
        ("POST", "/batches/batch_1/cancel", "batch_cancel", "batch_1"),
    ],
)
async def test_errands_come_with_all_that_is_known(
    prefix: str, method: str, path: str, purpose: str, name: str
) -> None:
    rig = Rig()
    room = Room(rig)
    body = b'{"a":1}' if method == "POST" else b""
    done = await Exchange(rig.edge, method, prefix + path, body, JSON).run()
    assert (done.status, done.body) == (200, b'{"said":1}')
    (errand,) = room.errands
    assert (errand.purpose, errand.method, errand.key, errand.name, errand.body) == (
        purpose,
        method,
        KEY,
        name,
        body,
    )


@pytest.mark.parametrize("path", ["/v1/files/a/b", "/v1/batches/a/content", "/v1/files/a/content/x"])
async def test_paths_that_are_none(path: str) -> None:
    rig = Rig()
    Room(rig)
    assert (await Exchange(rig.edge, "GET", path, b"", JSON).run()).status == 404


async def test_a_gateway_without_a_storeroom() -> None:
    assert (await Exchange(Rig().edge, "GET", "/v1/files", b"", JSON).run()).status == 404


async def test_an_upload_is_handed_on_as_it_arrives() -> None:
    rig = Rig(body_max_bytes=10)
    room = Room(rig)
    exchange = Exchange(rig.edge, "POST", "/v1/files", None, FORM)
    for piece in (b"one " * 100, b"two " * 100):
        exchange.feed(piece, more=True)
    exchange.feed(b"")
    done = await exchange.run()
    assert (done.status, done.body) == (200, b'{"id":"file-1"}')
    (upload,) = room.uploads
    assert upload.pieces == [b"one " * 100, b"two " * 100, b""]
    assert (upload.finished, upload.dropped) == (True, True)
    assert rig.edge.active == 0


@pytest.mark.parametrize("way", ["leaves", "too large", "slow"])
async def test_an_upload_that_breaks_off_leaves_nothing(way: str) -> None:
    rig = Rig(body_deadline_s=0.01)
    room = Room(rig, refuses_at=500)
    exchange = Exchange(rig.edge, "POST", "/v1/files", None, FORM)
    exchange.feed(b"x" * (600 if way == "too large" else 400), more=True)
    if way == "leaves":
        exchange.leave()
    await exchange.run()
    (upload,) = room.uploads
    assert (upload.finished, upload.dropped) == (False, True)
    statuses = {"leaves": None, "too large": 413, "slow": 408}
    assert (exchange.status if exchange.sent else None) == statuses[way]
    assert rig.edge.active == 0


async def test_who_may_not_uploads_nothing() -> None:
    rig = Rig()
    room = Room(rig)
    exchange = Exchange(rig.edge, "POST", "/v1/files", None, FORM[:1])
    assert (await exchange.run()).status == 401
    assert room.uploads == []
    exchange = Exchange(rig.edge, "POST", "/v1/files", None, JSON)
    assert (await exchange.run()).status == 400


async def test_content_goes_out_whole() -> None:
    rig = Rig()
    content = bytes(range(256)) * 20
    Room(rig, content)
    async with rig.serving():
        client = await rig.connect()
        for _ in range(2):  # the connection is as good as before
            client.send(get("/v1/files/file-1/content", b"Authorization: Bearer sk-1\r\n"))
            answer = await client.answer()
            assert (answer.status, answer.body) == (200, content)
            assert answer.headers[b"content-type"] == b"application/octet-stream"
            named = answer.headers[b"content-disposition"]
            assert named == b"attachment; filename*=UTF-8''%C3%A4%22%0D%0A.jsonl"


async def test_draining_takes_no_uploads_and_no_batches_and_still_answers() -> None:
    rig = Rig()
    room = Room(rig)
    rig.edge.drain()
    assert room.drained == 1
    for path, headers in (("/v1/files", FORM), ("/v1/batches", JSON)):
        assert (await Exchange(rig.edge, "POST", path, b"{}", headers).run()).status == 503
    assert (await Exchange(rig.edge, "GET", "/v1/batches/b", b"", JSON).run()).status == 200
