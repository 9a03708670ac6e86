from __future__ import annotations

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from simulated import FixedClock, simulator
from waypost.simulator.ask import Refused
from waypost.simulator.realtime_line import handshake, model_of
from waypost.simulator.run import Simulator, SimulatorSettings, start

__all__ = ["simulator"]


def dial(port: int, query: str = "model=sim-fast", key: str = "") -> connect:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return connect(f"ws://127.0.0.1:{port}/v1/realtime?{query}", proxy=None, additional_headers=headers)


async def test_a_session_is_on_the_bill(simulator: Simulator) -> None:
    async with dial(simulator.port) as connection:
        assert msgspec.json.decode(await connection.recv())["type"] == "session.created"
        assert simulator.open_requests == 1
        await connection.send('{"type":"response.create","simulate":{"tokens":3,"tps":200}}')
        while msgspec.json.decode(await connection.recv())["type"] != "response.done":
            pass
    await simulator.idle()
    assert [line.operation for line in simulator.bill.lines] == ["realtime"]


async def test_a_break_in_the_middle(simulator: Simulator) -> None:
    async with dial(simulator.port) as connection:
        await connection.send('{"type":"response.create","simulate":{"fault":"reset-stream","k":2}}')
        await connection.wait_closed()
    assert [(line.end, line.tokens.completion) for line in simulator.bill.lines] == [("cut", 2)]


@pytest.mark.parametrize(
    ("query", "status"),
    [("model=nothing", 404), ("", 400), ("model=fault-500", 500), ("model=sim-fast?tps=x", 400)],
)
async def test_refusals(simulator: Simulator, query: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with dial(simulator.port, query):
            pass
    assert refused.value.response.status_code == status


async def test_keys() -> None:
    running = await start(SimulatorSettings(key="secret"), clock=FixedClock())
    try:
        with pytest.raises(InvalidStatus):
            async with dial(running.port, key="no"):
                pass
        async with dial(running.port, key="secret") as connection:
            await connection.recv()
    finally:
        await running.stop()


def test_what_is_no_handshake() -> None:
    with pytest.raises(Refused):
        handshake({b"upgrade": b"h2c", b"connection": b"upgrade"})
    assert model_of(b"model=sim-fast%3Ftokens=2") == "sim-fast?tokens=2"
