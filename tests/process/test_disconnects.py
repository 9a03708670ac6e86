"""10,000 clients leave at random points; afterwards nothing is left of them but exact books."""

from __future__ import annotations

import asyncio
import random
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway import GatewayProcess, config_for
from process.books import (
    bill,
    billed,
    booked,
    memory_kib,
    metrics,
    one_row_each,
    settle,
    simulating,
    sockets,
    sums_exact,
    until,
)
from process.talk import Reply, chat, connected, each, exchange, port_of, post, reset_on_close, run
from simulated import SimulatorProcess

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

SEED = 20_261_121
COUNT = 10_000
AT_ONCE = 64
WARM_UP = 6_000
CANCELLED = 2_000
#: 2 to 12 MiB were seen, and no more with more clients; a leaked exchange takes about 5 KiB, so 10,000 of them 50 MiB.
GROWTH_KIB = 20 * 1024

#: How a client leaves, and how many in a hundred do.
WAYS = {
    "connected": 2,
    "in the head": 5,
    "in the body": 8,
    "request sent": 15,
    "waiting": 15,
    "in the stream": 30,
    "in a whole answer": 12,
    "at the last byte": 13,
}
_EXCHANGE_ID = re.compile(rb"x-waypost-request-id: (\S+)")


class Leavers:
    """Clients that leave. `seen`: exchange ids that reached a client."""

    def __init__(self, port: int, keys: list[str]) -> None:
        self.port = port
        self.keys = keys
        self.seen: set[str] = set()
        self.ways: Counter[str] = Counter()

    async def leave(self, number: int) -> None:
        """Client `number` comes and goes; what it does is decided by the seed and its number alone."""
        dice = random.Random(SEED * 1_000_003 + number)
        way = dice.choices(list(WAYS), list(WAYS.values()))[0]
        self.ways[way] += 1
        stream = way == "in the stream" or (way != "in a whole answer" and dice.random() < 0.6)
        request = self._request(dice, number, stream)
        got = b""
        async with connected(self.port) as sock:
            with suppress(ConnectionError):  # the gateway may close first, on a broken request
                got = await self._visit(dice, way, sock, request)
            if dice.random() < 0.5:
                reset_on_close(sock)
        found = _EXCHANGE_ID.search(got)
        if found is not None:
            self.seen.add(found[1].decode())

    def _request(self, dice: random.Random, number: int, stream: bool) -> bytes:
        simulate: dict[str, object] = {"tokens": dice.randint(1, 6)}
        if dice.random() < 0.5:
            simulate["ttft_ms"] = dice.randint(1, 8)
        if dice.random() < 0.5:
            simulate["tps"] = 500
        model = dice.choice(["sim-fast", "sim-reason", "sim-cached", "sim-audio"])
        more = {"max_tokens": 200} if dice.random() < 0.5 else {}
        body = chat(model, number + 1, stream=stream, simulate=simulate, **more)
        if stream and dice.random() < 0.5:
            del body["stream_options"]
        return post(body, key=dice.choice(self.keys))

    async def _visit(self, dice: random.Random, way: str, sock: socket.socket, request: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        edge = request.index(b"\r\n\r\n") + 4
        if way == "connected":
            return b""
        if way == "in the head":
            await loop.sock_sendall(sock, request[: dice.randrange(1, edge)])
            return b""
        if way == "in the body":
            await loop.sock_sendall(sock, request[: dice.randrange(edge, len(request))])
            return b""
        await loop.sock_sendall(sock, request)
        if way == "request sent":
            return b""
        if way == "waiting":
            await asyncio.sleep(dice.random() * 0.006)
            return b""
        wanted = dice.randint(1, 4000)
        got = b""
        while data := await loop.sock_recv(sock, 512 if way == "in the stream" else 65_536):
            got += data
            if way == "at the last byte" and _at_end(got):
                break
            if way != "at the last byte" and (len(got) >= wanted or _at_end(got)):
                break
        return got


def _at_end(got: bytes) -> bool:
    if got.endswith(b"\r\n0\r\n\r\n"):
        return True
    head, found, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return bool(found) and length is not None and len(body) >= int(length[1])


@pytest.fixture
def simulator() -> Iterator[SimulatorProcess]:
    with simulating() as running:
        yield running


def _over_budget(gateway: GatewayProcess, key: str) -> Reply:
    """What a key is told that asks for more than its whole budget."""
    return run(exchange(port_of(gateway.url), post(chat("sim-fast", max_tokens=10**9), key=key)))


def test_ten_thousand_clients_that_leave(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with GatewayProcess(tmp_path, config_for(simulator.url)) as gateway:
        budgeted = gateway.create_key("--name", "budgeted", "--budget", "1000")
        open_before = sockets(gateway.pid)
        leavers = Leavers(port_of(gateway.url), [gateway.key, budgeted])
        run(each(WARM_UP, AT_ONCE, leavers.leave))
        settle(gateway, simulator)
        before = memory_kib(gateway.pid)
        run(each(COUNT, AT_ONCE, lambda number: leavers.leave(WARM_UP + number)))
        settle(gateway, simulator)
        growth = memory_kib(gateway.pid) - before

        _nothing_left(gateway, open_before)
        _books_agree(gateway, simulator, leavers)
        spent = gateway.query("select coalesce(sum(posted_nusd), 0) from accounts")[0][0]
        told = _over_budget(gateway, budgeted)
        assert told.status == 402
        assert b"held by running requests $0," in told.body, "no hold is left"
        assert f"spent ${int(str(spent)) / 1e9:.9f}".rstrip("0").encode() in told.body
        assert growth < GROWTH_KIB, f"resident memory grew by {growth} KiB"
        assert set(leavers.ways) == set(WAYS)
        assert gateway.stop() == 0


def test_clients_that_leave_providers_which_are_cancelled(
    tmp_path: Path, simulator: SimulatorProcess
) -> None:
    """`on_disconnect: cancel` counts what was delivered, so only the count of lines is the provider's."""
    config = config_for(simulator.url, provider="on_disconnect: cancel")
    with GatewayProcess(tmp_path, config) as gateway:
        open_before = sockets(gateway.pid)
        leavers = Leavers(port_of(gateway.url), [gateway.key])
        run(each(CANCELLED, AT_ONCE, leavers.leave))
        settle(gateway, simulator)
        _nothing_left(gateway, open_before)
        one_row_each(gateway)
        attempts = gateway.query("select state, count(*) from attempts group by state")
        assert {str(state) for state, _ in attempts} == {"settled", "unknown"}
        page = bill(simulator)
        assert page.requests <= sum(int(str(count)) for _, count in attempts)
        reported = gateway.query("select input_tokens, cost_nusd from lines where usage_source = 'reported'")
        assert len(reported) > CANCELLED / 10
        lines = {line.tokens.prompt: line.nusd for line in page.entries}
        assert all(lines[int(str(prompt))] == cost for prompt, cost in reported)
        assert gateway.stop() == 0


def _nothing_left(gateway: GatewayProcess, open_before: int) -> None:
    """No client's socket, no busy upstream connection: what is open is the pool's idle ones and the listener."""

    def closed() -> bool:
        now = metrics(gateway)
        idle = int(now["waypost_upstream_idle"])
        # What listens and wakes the loop was open before; and the connection that `/metrics` came by a moment ago.
        return now["waypost_upstream_connections"] == idle and sockets(gateway.pid) <= idle + open_before + 1

    until(closed, f"all sockets closed; open: {sockets(gateway.pid)}, {metrics(gateway)}")


def _books_agree(gateway: GatewayProcess, simulator: SimulatorProcess, leavers: Leavers) -> None:
    one_row_each(gateway)
    sums_exact(gateway)
    rows = {str(row[0]) for row in gateway.query("select exchange_id from exchanges")}
    assert leavers.seen <= rows, "whoever saw an exchange's id finds it in the log"
    outcomes = dict(gateway.query("select outcome, count(*) from exchanges group by outcome"))
    assert set(outcomes) <= {"ok", "disconnected"}
    assert int(str(outcomes["disconnected"])) > COUNT / 4, "the test does cut most of them off"

    page = bill(simulator)
    attempts = int(str(gateway.query("select count(*) from attempts")[0][0]))
    assert page.requests == attempts, "the provider saw each attempt once"
    assert billed(page) == booked(gateway), "line by line, to the nano-dollar"
    assert page.total_nusd == int(str(gateway.query("select sum(cost_nusd) from exchanges")[0][0]))
    sources = gateway.query("select distinct usage_source from lines")
    assert sources == [("reported",)]
