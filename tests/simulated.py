"""A simulated provider for tests: `from simulated import simulator, simulator_process` and ask for the fixture.

`simulator` runs in the test's own event loop on a free port, with a fixed clock; `simulator_process` is a process.
`talk` is a raw socket reader that sees exactly what is on the wire.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from struct import unpack
from typing import Literal
from urllib.parse import quote
from zlib import crc32

import msgspec
import pytest
import pytest_asyncio

from waypost.simulator.run import Simulator, SimulatorSettings, start

WALL = 1_800_000_000.0


class FixedClock:
    """Time that stands still unless moved."""

    def __init__(self, wall: float = WALL) -> None:
        self.now = wall

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class SimulatorProcess(msgspec.Struct, frozen=True):
    """Where the simulator's process listens. `root` has the bill, `url` is an OpenAI base URL."""

    url: str
    root: str
    port: int


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A running simulator with seed 1 and a fixed clock."""
    running = await start(SimulatorSettings(seed=1), clock=FixedClock())
    try:
        yield running
    finally:
        await running.stop()


@pytest.fixture
def simulator_process() -> Iterator[SimulatorProcess]:
    """A simulator in its own process, on uvloop."""
    with simulating() as running:
        yield running


@contextmanager
def simulating(
    seed: int = 1, *, key: str | None = None, secret: str | None = None
) -> Iterator[SimulatorProcess]:
    """The same without a fixture, for those that need several, or one for longer than a test, or one that asks for a
    key, or checks Bedrock's signatures."""
    command = [sys.executable, "-m", "waypost.simulator", "--port", "0", "--seed", str(seed)]
    for name, value in (("--key", key), ("--secret", secret)):
        command += [name, value] if value is not None else []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield msgspec.json.decode(process.stdout.readline(), type=SimulatorProcess)
        finally:
            process.terminate()
            process.wait(10)


# --- raw sockets ------------------------------------------------------------------------------------------------

End = Literal["fin", "rst", "open"]


def request_bytes(
    body: object,
    path: str = "/v1/chat/completions",
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
) -> bytes:
    """One HTTP/1.1 request with a JSON body (None: no body)."""
    data = b"" if body is None else msgspec.json.encode(body)
    lines = [f"{method} {path} HTTP/1.1", "host: sim", f"content-length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data


def chat(
    model: str, *, stream: bool = False, content: object = "hello there", **more: object
) -> dict[str, object]:
    """A chat request's body."""
    return {"model": model, "stream": stream, "messages": [{"role": "user", "content": content}], **more}


async def talk(
    port: int, request: bytes, *, until: Callable[[bytes], bool] | None = None, leave: bool = False
) -> tuple[bytes, End]:
    """Send a request and read what comes, byte for byte, with how the connection ended.

    Without `until` the reader half-closes after the request and reads to the end: a simulator that has more to say
    at once says it, one that is silent says nothing. With `until` it reads until that is true of what came, then
    half-closes and reads the rest (or with `leave`, closes the connection and returns).
    """
    loop = asyncio.get_running_loop()
    got = b""
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        try:
            await loop.sock_sendall(sock, request)
            while until is not None and not until(got):
                data = await loop.sock_recv(sock, 1 << 20)
                if not data:
                    return got, "fin"
                got += data
            if leave:
                return got, "open"
            sock.shutdown(socket.SHUT_WR)
            while data := await loop.sock_recv(sock, 1 << 20):
                got += data
        except (ConnectionResetError, BrokenPipeError):
            return got, "rst"
    return got, "fin"


async def ask(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """One request and its proper answer: status, headers (lower case), body without framing."""
    got, _ = await talk(port, request, until=complete)
    head, _, body = got.partition(b"\r\n\r\n")
    status, headers = split_head(head)
    return status, headers, unchunk(body) if headers.get("transfer-encoding") == "chunked" else body


def complete(got: bytes) -> bool:
    """Whether a whole, properly framed answer is here."""
    head, found, body = got.partition(b"\r\n\r\n")
    if not found:
        return False
    _, headers = split_head(head)
    if headers.get("transfer-encoding") == "chunked":
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(headers["content-length"])


def split_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and headers of a response head."""
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(": ") for line in lines if line]
    return int(first.split()[1]), {name.lower(): value for name, _, value in pairs}


def unchunk(body: bytes) -> bytes:
    """The data of all complete chunks."""
    made = b""
    while True:
        size, found, rest = body.partition(b"\r\n")
        if not found or not size or int(size, 16) == 0:
            return made
        length = int(size, 16)
        made += rest[:length]
        body = rest[length + 2 :]


def events(body: bytes) -> list[bytes]:
    """The data of each event of a stream."""
    return [part.removeprefix(b"data: ") for part in body.split(b"\n\n") if part]


def sse(body: bytes) -> list[tuple[str, dict[str, object]]]:
    """The name ("" without one) and the data of each server-sent event."""
    made = []
    for part in body.split(b"\n\n"):
        fields = dict(line.split(b": ", 1) for line in part.split(b"\n") if b": " in line)
        if b"data" in fields:
            made.append((fields.get(b"event", b"").decode(), msgspec.json.decode(fields[b"data"])))
    return made


ANTHROPIC = {"anthropic-version": "2023-06-01", "x-api-key": "any"}


def messages(
    model: str, *, stream: bool = False, content: object = "hello there", **more: object
) -> dict[str, object]:
    """A body for Anthropic's Messages."""
    return {"max_tokens": 4096, **chat(model, stream=stream, content=content, **more)}


def contents(content: object = "hello there", **more: object) -> dict[str, object]:
    """A body for Gemini's `:generateContent`; the content is a text or a list of parts."""
    parts = [{"text": content}] if isinstance(content, str) else content
    return {"contents": [{"role": "user", "parts": parts}], **more}


def gemini(
    model: str, body: object, method: str = "generateContent", *, query: str = "", version: str = "v1beta"
) -> bytes:
    """One request to Gemini's API."""
    path = f"/{version}/models/{quote(model, safe='')}:{method}{query}"
    return request_bytes(body, path, headers={"x-goog-api-key": "any"})


def response(
    model: str, *, stream: bool = False, content: object = "hello there", **more: object
) -> dict[str, object]:
    """A body for OpenAI's Responses; the content is a text or a list of items."""
    return {"model": model, "stream": stream, "input": content, **more}


SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKID/20270115/eu-west-1/bedrock/aws4_request, "
    f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
)
"""A signature of the right shape, and of nobody's."""


def converse(model: str, body: object, method: str = "converse", *, key: str | None = None) -> bytes:
    """One request to Bedrock, with a signature of the right shape or a key."""
    given = {"authorization": SIGNED if key is None else f"Bearer {key}", "x-amz-date": "20270115T080000Z"}
    return request_bytes(body, f"/model/{quote(model, safe='')}/{method}", headers=given)


def turns(content: object = "hello there", **more: object) -> dict[str, object]:
    """A body for Bedrock's Converse; the content is a text or a list of blocks."""
    blocks = [{"text": content}] if isinstance(content, str) else content
    return {"messages": [{"role": "user", "content": blocks}], **more}


def amazon(body: bytes) -> list[tuple[str, dict[str, object]]]:
    """The kind and the data of each whole message of an event stream whose CRC is right."""
    made = []
    while len(body) >= 12:
        total, size = unpack(">II", body[:8])
        whole, body = body[:total], body[total:]
        if len(whole) < total or crc32(whole[:-4]) != unpack(">I", whole[-4:])[0]:
            continue
        assert crc32(whole[:8]) == unpack(">I", whole[8:12])[0]
        packed, headers = whole[12 : 12 + size], {}
        while packed:
            name, rest = packed[1 : 1 + packed[0]].decode(), packed[1 + packed[0] :]
            length = unpack(">H", rest[1:3])[0]
            headers[name], packed = rest[3 : 3 + length].decode(), rest[3 + length :]
        kind = headers.get(":event-type") or headers[":exception-type"]
        made.append((kind, msgspec.json.decode(whole[12 + size : -4])))
    return made
