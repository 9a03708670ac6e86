import asyncio

from simulated import FixedClock, chat, request_bytes, simulator, talk
from waypost.simulator.run import Simulator, SimulatorSettings, start

__all__ = ["simulator"]


async def test_stop_leaves_nothing() -> None:
    running = await start(SimulatorSettings(), clock=FixedClock())
    before = asyncio.all_tasks()
    talks = [
        asyncio.ensure_future(
            talk(running.port, request_bytes(chat(name, stream=True)), until=lambda got: False)
        )
        for name in (
            "fault-stall-headers",
            "fault-stall-stream",
            "fault-pings",
            "fault-half-close",
            "sim-slow?tps=0.1",
        )
    ]
    while running.open_requests < 5:  # noqa: ASYNC110 (the requests begin in this same loop: no event to wait for)
        await asyncio.sleep(0)
    await running.stop()
    await asyncio.gather(*talks)
    assert asyncio.all_tasks() == before
    assert (running.connections, running.open_requests) == (0, 0)
    assert {line.end for line in running.bill.lines} <= {"cancelled", "cut"}


async def test_a_stopped_port_is_free_again() -> None:
    first = await start(SimulatorSettings(), clock=FixedClock())
    await first.stop()
    second = await start(SimulatorSettings(port=first.port), clock=FixedClock())
    assert second.port == first.port
    await second.stop()


async def test_urls(simulator: Simulator) -> None:
    assert simulator.root == f"http://127.0.0.1:{simulator.port}"
    assert simulator.url == simulator.root + "/v1"
