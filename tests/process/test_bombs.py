"""Requests and answers made to hurt: refused with the right status, in bounded memory, never let through."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest

from gateway import GatewayProcess, config_for
from process.books import bill, forget_peak, memory_kib, one_row_each, settle, simulating
from process.talk import Reply, chat, connected, exchange, head, port_of, post, run
from simulated import SimulatorProcess

pytestmark = [pytest.mark.process, pytest.mark.timeout(60)]

MIB = 1 << 20
#: A second request, with a good key, hidden where a careless reader would find it.
_HIDDEN = b"HIDDEN"


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with simulating() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, simulator: SimulatorProcess
) -> Iterator[GatewayProcess]:
    more = "limits: {body: 8MiB}\nserver: {header_deadline: 2s, body_deadline: 2s}"
    with GatewayProcess(tmp_path_factory.mktemp("bombs"), config_for(simulator.url, more=more)) as running:
        assert run(exchange(port_of(running.url), post(chat("sim-fast"), key=running.key))).status == 200
        yield running


def _throw(gateway: GatewayProcess, request: bytes, most_mib: int, times: int = 4) -> Reply:
    """Send the same bomb from a few clients at once; they get the same answer, and memory stays below the bound."""
    forget_peak(gateway.pid)
    before = memory_kib(gateway.pid)

    async def main() -> list[Reply]:
        return await asyncio.gather(*(exchange(port_of(gateway.url), request) for _ in range(times)))

    replies = run(main())
    assert len({(reply.status, reply.code) for reply in replies}) == 1
    grown = memory_kib(gateway.pid, "VmHWM") - before
    assert grown <= most_mib * 1024, f"{grown} KiB were used"
    return replies[0]


# --- bodies -----------------------------------------------------------------------------------------------------------


def _message(content: bytes) -> bytes:
    return b'{"model":"sim-fast","messages":[{"role":"user","content":' + content + b"}]}"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b"[" * 100_000 + b"]" * 100_000, (413, "request_too_large"), id="deep"),
        pytest.param(_message(b"[" * 100_000 + b"]" * 100_000), (413, "request_too_large"), id="deep-inside"),
        pytest.param(b"[" * 5_000_000, (413, "request_too_large"), id="deep-unclosed"),
        pytest.param(b'{"a":' * 100_000, (413, "request_too_large"), id="deep-objects"),
        pytest.param(b"[" + b"{}," * (5 * MIB // 3) + b"{}]", (413, "request_too_large"), id="many-objects"),
        pytest.param(
            _message(b"[" + b"0," * 2_500_000 + b"0]"), (413, "request_too_large"), id="many-numbers"
        ),
        pytest.param(b'{"a":"' + b'\\"[' * 1_000_000, (400, "invalid_request"), id="brackets-in-a-string"),
        pytest.param(b"\x00" * MIB, (400, "invalid_request"), id="zeros"),
        pytest.param(b"\xff\xfe" * MIB, (400, "invalid_request"), id="no-utf8"),
        pytest.param(b'{"model":' + b"9" * 5_000_000 + b"}", (400, "invalid_request"), id="long-number"),
    ],
)
def test_json_bombs(gateway: GatewayProcess, body: bytes, told: tuple[int, str]) -> None:
    reply = _throw(gateway, post(body, key=gateway.key), most_mib=96)
    assert (reply.status, reply.code) == told


def test_a_body_that_says_it_is_too_large(gateway: GatewayProcess) -> None:
    reply = _throw(gateway, head(key=gateway.key, length=1 << 40), most_mib=4)
    assert (reply.status, reply.code) == (413, "request_too_large")


def test_a_body_that_is_too_large(gateway: GatewayProcess) -> None:
    request = post(b" " * (64 * MIB), key=gateway.key)
    reply = _throw(gateway, request, most_mib=16)
    assert (reply.status, reply.code) == (413, "request_too_large")


def test_a_chunked_body_that_grows_too_large(gateway: GatewayProcess) -> None:
    start = head(key=gateway.key, more=["content-type: application/json", "transfer-encoding: chunked"])
    request = start + (b"%x\r\n" % MIB + b" " * MIB + b"\r\n") * 64
    reply = _throw(gateway, request, most_mib=64)
    assert (reply.status, reply.code) == (413, "request_too_large")


def test_a_compressed_body(gateway: GatewayProcess) -> None:
    request = head(key=gateway.key, length=10, more=["content-encoding: gzip"]) + b"\x1f\x8b" + b"0" * 8
    assert _throw(gateway, request, most_mib=4).status == 415


# --- heads ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_head",
    [
        pytest.param(head(more=["x-large: " + "x" * MIB]), id="one-large-header"),
        pytest.param(head(more=["x-" + "y" * MIB + ": 1"]), id="one-large-name"),
        pytest.param(head(more=[f"x-{number}: 1" for number in range(100_000)]), id="100,000-headers"),
        pytest.param(head("/v1/" + "x" * MIB), id="large-target"),
        pytest.param(head("/v1/models?" + "x" * 20_000), id="long-query"),
        pytest.param(head(more=[f"x-{number}: 1" for number in range(150)]), id="150-headers"),
    ],
)
def test_heads_over_the_limit(gateway: GatewayProcess, request_head: bytes) -> None:
    reply = _throw(gateway, request_head, most_mib=16)
    assert (reply.status, reply.code) == (431, "headers_too_large")


# --- answers of a provider --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "size", "status"),
    [
        ("gzip-bomb", 256 * MIB, 502),
        ("over-cap", 64 * MIB, 0),
        ("big-header", 16 * MIB, 502),
        ("many-headers", 100_000, 502),
    ],
)
def test_bombs_from_a_provider(
    gateway: GatewayProcess, simulator: SimulatorProcess, fault: str, size: int, status: int, stream: bool
) -> None:
    simulate: dict[str, object] = {"fault": fault, "size": size, "k": 2, "tps": 200}
    request = post(chat("sim-fast", stream=stream, simulate=simulate), key=gateway.key)
    reply = _throw(gateway, request, most_mib=40, times=1)
    if status:
        assert (reply.status, reply.code) == (status, "upstream_garbled")
    elif stream:
        assert (reply.status, reply.stream_error) == (200, "upstream_garbled")
    else:
        assert reply.complete, "a whole answer has no events"
    settle(gateway, simulator)
    one_row_each(gateway)


# --- requests that two readers would read in two ways -----------------------------------------------------------------


def _shape(*lines: str, version: str = "HTTP/1.1", target: str = "/v1/chat/completions") -> bytes:
    """A head with a good key and these lines; `KEY` stands for the key."""
    start = [f"POST {target} {version}", "host: waypost", "authorization: Bearer KEY"]
    return "\r\n".join([*start, "content-type: application/json", *lines, "", ""]).encode("latin-1")


_BODY = b'{"model":"sim-fast","messages":[{"role":"user","content":"hi"}]}'
_LENGTH = f"content-length: {len(_BODY)}"
_CHUNKED = "transfer-encoding: chunked"
_CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(_BODY), _BODY)

#: What is sent, and the statuses that come back: after a refusal the connection is closed, and nothing follows it.
SHAPES: dict[str, tuple[bytes, list[int]]] = {
    "length and chunked": (_shape(_LENGTH, _CHUNKED) + _CHUNKS + _HIDDEN, [400]),
    "chunked and length": (_shape(_CHUNKED, "content-length: 4") + _CHUNKS + _HIDDEN, [400]),
    "two lengths": (_shape("content-length: 0", _LENGTH) + _BODY + _HIDDEN, [400]),
    "two equal lengths": (_shape(_LENGTH, _LENGTH) + _BODY + _HIDDEN, [400]),
    "a list of lengths": (_shape(_LENGTH + f", {len(_BODY)}") + _BODY + _HIDDEN, [400]),
    "a signed length": (_shape(f"content-length: +{len(_BODY)}") + _BODY + _HIDDEN, [400]),
    "a negative length": (_shape("content-length: -1") + _HIDDEN, [400]),
    "a length in hexadecimal": (_shape("content-length: 0x10") + _BODY + _HIDDEN, [400]),
    "an endless length": (_shape("content-length: 99999999999999999999999") + _HIDDEN, [400]),
    "two codings": (_shape(_CHUNKED, _CHUNKED) + _CHUNKS + _HIDDEN, [400]),
    "an unknown coding": (_shape("transfer-encoding: xchunked") + _CHUNKS + _HIDDEN, [400]),
    "a coding behind chunked": (_shape("transfer-encoding: chunked, identity") + _CHUNKS + _HIDDEN, [400]),
    "a coding before chunked": (_shape("transfer-encoding: gzip, chunked") + _CHUNKS + _HIDDEN, [400]),
    "chunked in HTTP/1.0": (_shape(_CHUNKED, version="HTTP/1.0") + _CHUNKS + _HIDDEN, [400]),
    "a space before the colon": (_shape("transfer-encoding : chunked") + _CHUNKS + _HIDDEN, [400]),
    "a folded line": (_shape(_LENGTH, "x-a: b", " transfer-encoding: chunked") + _BODY + _HIDDEN, [400]),
    "a folded coding": (_shape("transfer-encoding:", " chunked") + _CHUNKS + _HIDDEN, [400]),
    "a tab in a name": (_shape(_LENGTH, "x\ta: b") + _BODY + _HIDDEN, [400]),
    "a NUL in a name": (_shape(_LENGTH, "x\x00a: b") + _BODY + _HIDDEN, [400]),
    "a NUL in a value": (_shape(_LENGTH, "x-a: b\x00c") + _BODY + _HIDDEN, [400]),
    "a bare CR in a value": (_shape(_LENGTH, "x-a: b\rtransfer-encoding: chunked") + _BODY + _HIDDEN, [400]),
    "a line without a colon": (_shape(_LENGTH, "nonsense") + _BODY + _HIDDEN, [400]),
    "bare LF": (_shape(_LENGTH).replace(b"\r\n", b"\n") + _BODY + _HIDDEN, [400]),
    "bare LF in a header": (_shape(_LENGTH, "x-a: b\ntransfer-encoding: chunked") + _BODY + _HIDDEN, [400]),
    "a chunk size that is none": (_shape(_CHUNKED) + b"zz\r\n" + _BODY + _HIDDEN, [400]),
    "a chunk size with a sign": (_shape(_CHUNKED) + b"-1\r\n" + _BODY + _HIDDEN, [400]),
    "a chunk size with 0x": (_shape(_CHUNKED) + b"0x%x\r\n" % len(_BODY) + _BODY + _HIDDEN, [400]),
    "a chunk size that overflows": (_shape(_CHUNKED) + b"fffffffffffffffff1\r\n" + _BODY + _HIDDEN, [400]),
    "a chunk that is too long": (_shape(_CHUNKED) + b"4\r\n" + _BODY + b"\r\n0\r\n\r\n" + _HIDDEN, [400]),
    "a chunk that ends in LF": (_shape(_CHUNKED) + _CHUNKS.replace(b"\r\n0", b"\n0") + _HIDDEN, [400]),
    "a flood of extensions": (_shape(_CHUNKED) + b"1;" + b"x=y;" * 100_000 + _HIDDEN, [400]),
    "a flood of trailers": (_shape(_CHUNKED) + _CHUNKS[:-2] + b"x-a: b\r\n" * 50_000 + _HIDDEN, [400]),
    "HTTP/0.9": (b"GET /v1/models\r\n" + _HIDDEN, [400]),
    "HTTP/2.0": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    "HTTP/1.9": (_shape(_LENGTH, version="HTTP/1.9") + _BODY + _HIDDEN, [400]),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), [400]),
    "no host": (_shape(_LENGTH).replace(b"host: waypost\r\n", b"") + _BODY + _HIDDEN, [400]),
    "two hosts": (_shape(_LENGTH, "host: other") + _BODY + _HIDDEN, [400]),
    "a host with a path": (_shape(_LENGTH).replace(b"waypost", b"a/b@c") + _BODY + _HIDDEN, [400]),
    "two keys": (_shape(_LENGTH, "authorization: Bearer other") + _BODY + _HIDDEN, [400]),
    "CONNECT": (b"CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n" + _HIDDEN, [400]),
    "an answer": (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" + _HIDDEN, [400]),
    # Odd, and clear: served as what it says, and what comes after it is refused.
    "a name with an underscore": (_shape(_LENGTH, "content_length: 3") + _BODY + b"\x00", [200, 400]),
    "another host in the target": (
        _shape(_LENGTH, target="http://evil.example/v1/chat/completions") + _BODY + b"\x00",
        [200, 400],
    ),
}


async def _statuses(port: int, data: bytes) -> list[int]:
    """The statuses of all that comes back until the gateway closes."""
    loop = asyncio.get_running_loop()
    got = b""
    async with connected(port) as sock, asyncio.timeout(8):
        try:
            await loop.sock_sendall(sock, data)
            while more := await loop.sock_recv(sock, 65_536):
                got += more
        except ConnectionError:
            pass  # a reset closes too; what was read before it counts
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)]


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_of_smuggling(gateway: GatewayProcess, simulator: SimulatorProcess, name: str) -> None:
    shape, expected = SHAPES[name]
    hidden = post(chat("sim-fast"), key=gateway.key)
    before = bill(simulator).requests
    data = shape.replace(_HIDDEN, hidden).replace(b"KEY", gateway.key.encode())
    assert run(_statuses(port_of(gateway.url), data)) == expected
    assert bill(simulator).requests - before == expected.count(200), "what is hidden never reaches a provider"


def test_it_still_serves(gateway: GatewayProcess, simulator: SimulatorProcess) -> None:
    assert run(exchange(port_of(gateway.url), post(chat("sim-fast"), key=gateway.key))).status == 200
    settle(gateway, simulator)
    one_row_each(gateway)
    assert memory_kib(gateway.pid) < 300 * 1024
