"""Raw HTTP/1.1 over non-blocking sockets: many exchanges at once, each cut off wherever a test wants it to be."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from waypost.edge.server import loop_factory

T = TypeVar("T")

#: How an answer ended: complete by its own framing, or by FIN, RST, or the test's patience.
End = Literal["whole", "fin", "rst", "late"]

_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_READ = 1 << 18


class Reply(msgspec.Struct):
    """What came back. `body` is without framing; `status` 0: no head came."""

    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""
    end: End = "fin"
    seconds: float = 0.0

    @property
    def exchange_id(self) -> str:
        return self.headers.get("x-waypost-request-id", "")

    @property
    def code(self) -> str:
        """`error.code` of a JSON error, "" if there is none."""
        try:
            found = msgspec.json.decode(self.body)["error"]["code"]
        except (msgspec.DecodeError, KeyError, TypeError):
            return ""
        return str(found)

    @property
    def events(self) -> list[bytes]:
        """The data of each complete event of a stream."""
        body = self.body.replace(b"\r\n", b"\n")
        return [part.removeprefix(b"data: ") for part in body.split(b"\n\n")[:-1] if part]

    @property
    def stream_error(self) -> str:
        """`error.code` of the last event of a stream, "" if that is no error."""
        return Reply(body=self.events[-1]).code if self.events else ""

    @property
    def complete(self) -> bool:
        """A whole answer, or a stream that ended in its terminator."""
        if self.status != 200 or self.end != "whole":
            return False
        return not self.streamed or self.body.endswith(b"data: [DONE]\n\n")

    @property
    def streamed(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")


def run(main: Coroutine[Any, Any, T], limit_s: float = 90.0) -> T:
    """Run a test's coroutine on the loop the gateway itself runs on; raises TimeoutError if it takes longer.

    (uvloop does not let pytest's own time limit interrupt it.)
    """
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(asyncio.wait_for(main, limit_s))


async def each(count: int, at_once: int, work: Callable[[int], Awaitable[None]]) -> None:
    """`work(0)` … `work(count - 1)`, that many at once, in order."""
    numbers = iter(range(count))

    async def lane() -> None:
        for number in numbers:
            await work(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(count, at_once)):
            group.create_task(lane())


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[socket.socket]:
    """A connected socket, closed at the end."""
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        yield sock


def reset_on_close(sock: socket.socket) -> None:
    """Leave with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)


def head(
    path: str = "/v1/chat/completions",
    *,
    key: str = "",
    length: int | None = None,
    method: str = "POST",
    more: Iterable[str] = (),
) -> bytes:
    """A request head. `more`: whole header lines."""
    lines = [f"{method} {path} HTTP/1.1", "host: waypost"]
    if key:
        lines.append(f"authorization: Bearer {key}")
    if length is not None:
        lines += ["content-type: application/json", f"content-length: {length}"]
    return "\r\n".join([*lines, *more, "", ""]).encode()


def post(body: object, path: str = "/v1/chat/completions", *, key: str = "") -> bytes:
    """A whole POST with a JSON body; bytes are sent as they are."""
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return head(path, key=key, length=len(data)) + data


def chat(
    model: str,
    number: int = 0,
    *,
    stream: bool = False,
    simulate: dict[str, object] | None = None,
    **more: object,
) -> dict[str, object]:
    """A chat request's body. `number`, if given, is the prompt's size in tokens that the simulator bills: different
    numbers make every line of the bill and of the ledger recognizable."""
    wanted: dict[str, object] = {"prompt_tokens": number, **(simulate or {})} if number else (simulate or {})
    body: dict[str, object] = {
        "model": model,
        "messages": [{"role": "user", "content": "hello"}],
        "stream": stream,
        **more,
    }
    if stream:
        body["stream_options"] = {"include_usage": True}
    if wanted:
        body["simulate"] = wanted
    return body


async def exchange(port: int, request: bytes, *, limit_s: float = 20.0) -> Reply:
    """Send a request on a new connection and read its answer to the end. Never raises for what the peer does."""
    began = time.monotonic()
    try:
        async with connected(port) as sock:
            reply = await ask(sock, request, limit_s=limit_s)
    except ConnectionError:
        reply = Reply(end="rst")
    reply.seconds = time.monotonic() - began
    return reply


async def ask(sock: socket.socket, request: bytes, *, limit_s: float = 20.0) -> Reply:
    """Send a request on an open connection and read its answer to the end."""
    loop = asyncio.get_running_loop()
    reader = _Reader()
    try:
        async with asyncio.timeout(limit_s):
            sending = asyncio.ensure_future(_send(loop, sock, request))
            try:
                while not reader.whole:
                    data = await loop.sock_recv(sock, _READ)
                    if not data:
                        return reader.reply("fin")
                    reader.feed(data)
            finally:
                sending.cancel()
                await asyncio.wait([sending])
    except TimeoutError:
        return reader.reply("late")
    except ConnectionError:
        return reader.reply("rst")
    return reader.reply("whole")


async def _send(loop: asyncio.AbstractEventLoop, sock: socket.socket, request: bytes) -> None:
    try:
        await loop.sock_sendall(sock, request)
    except ConnectionError:
        return  # the reader finds out, and what was answered before it still counts


class _Reader:
    """Bytes in, one answer out."""

    def __init__(self) -> None:
        self._got = bytearray()
        self._head = 0
        self._status = 0
        self._headers: dict[str, str] = {}

    def feed(self, data: bytes) -> None:
        self._got += data
        while not self._head or 100 <= self._status < 200:
            end = self._got.find(b"\r\n\r\n", self._head)
            if end < 0:
                return
            first, *lines = self._got[self._head : end].decode("latin-1").split("\r\n")
            self._status = int(first.split()[1])
            self._headers = {
                name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
            }
            self._head = end + 4

    @property
    def whole(self) -> bool:
        if not self._head or 100 <= self._status < 200:
            return False
        if self._chunked:
            return self._got.endswith(b"\r\n0\r\n\r\n", self._head - 2)
        length = self._headers.get("content-length")
        return length is not None and len(self._got) - self._head >= int(length)

    @property
    def _chunked(self) -> bool:
        return self._headers.get("transfer-encoding") == "chunked"

    def reply(self, end: End) -> Reply:
        body = bytes(self._got[self._head :])
        return Reply(self._status, self._headers, _unchunk(body) if self._chunked else body, end)


def _unchunk(body: bytes) -> bytes:
    made: list[bytes] = []
    at = 0
    while (end := body.find(b"\r\n", at)) > 0 and (size := int(body[at:end], 16)):
        made.append(body[end + 2 : end + 2 + size])
        at = end + 4 + size
    return b"".join(made)
