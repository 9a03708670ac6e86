import msgspec

from simulated import ask as send
from simulated import chat, request_bytes, simulator, talk, unchunk
from simulator.test_cohere_answer import say
from waypost.simulator.run import Simulator

__all__ = ["simulator"]


async def test_paths(simulator: Simulator) -> None:
    for path in ("/v2/chat", "/cohere/v2/chat"):
        assert (await say(simulator, chat("sim-fast"), path))[0] == 200
    assert (await say(simulator, {}, "/v2/nothing"))[0] == 404
    assert (await send(simulator.port, request_bytes(None, "/v2/chat", method="GET")))[0] == 405
    _, _, raw = await send(simulator.port, request_bytes(None, "/cohere/v1/models", method="GET"))
    assert msgspec.json.decode(raw)["models"][0]["name"] == "sim-fast"


async def test_coheres_own_errors(simulator: Simulator) -> None:
    for name, status, said in (
        ("401", 401, "invalid api token"),
        ("quota", 402, "payment"),
        ("529", 503, "overloaded"),
    ):
        got, made = await say(simulator, chat(f"fault-{name}"))
        assert (got, said in str(made["message"])) == (status, True)


async def test_a_failed_message_says_so_at_its_end(simulator: Simulator) -> None:
    got, _ = await talk(simulator.port, request_bytes(chat("fault-error-stream", stream=True), "/v2/chat"))
    last = unchunk(got.partition(b"\r\n\r\n")[2]).rpartition(b"data: ")[2]
    assert msgspec.json.decode(last)["delta"]["finish_reason"] == "ERROR"
