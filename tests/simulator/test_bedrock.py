import msgspec
import pytest

from simulated import SIGNED, FixedClock, ask, converse, request_bytes, simulator, turns
from simulator.test_bedrock_answer import hear, say
from waypost.simulator.run import Simulator, SimulatorSettings, start

__all__ = ["simulator"]


async def test_paths(simulator: Simulator) -> None:
    for before in ("", "/bedrock"):
        path = f"{before}/model/sim-fast%3Ftokens%3D2/converse"
        request = request_bytes(
            turns(), path, headers={"authorization": SIGNED, "x-amz-date": "20270115T080000Z"}
        )
        _, _, raw = await ask(simulator.port, request)
        assert msgspec.json.decode(raw)["usage"]["outputTokens"] == 2
    assert (await ask(simulator.port, converse("sim-fast", turns(), "nothing")))[0] == 404
    signed = {"authorization": SIGNED, "x-amz-date": "20270115T080000Z"}
    listed = request_bytes(None, "/foundation-models", method="GET", headers=signed)
    assert (
        msgspec.json.decode((await ask(simulator.port, listed))[2])["modelSummaries"][0]["modelId"]
        == "sim-fast"
    )


async def test_counting(simulator: Simulator) -> None:
    counted = await ask(
        simulator.port, converse("sim-fast", {"input": {"converse": turns("a b")}}, "count-tokens")
    )
    assert msgspec.json.decode(counted[2]) == {"inputTokens": 5}
    assert (await ask(simulator.port, converse("sim-fast", {}, "count-tokens")))[0] == 400
    assert simulator.bill.requests == 0


async def test_who_may_call(simulator: Simulator) -> None:
    bare = request_bytes(turns(), "/model/sim-fast/converse")
    status, headers, _ = await ask(simulator.port, bare)
    assert status == 403
    assert headers["x-amzn-errortype"].startswith("MissingAuthenticationTokenException")
    assert (await ask(simulator.port, converse("sim-fast", turns(), key="any")))[0] == 200
    odd = converse("sim-fast", turns()).replace(b"SignedHeaders", b"Signed")
    assert (await ask(simulator.port, odd))[1]["x-amzn-errortype"].startswith("IncompleteSignature")


@pytest.mark.parametrize(("key", "kind"), [("AKID", "InvalidSignature"), ("other", "UnrecognizedClient")])
async def test_a_secret_checks_signatures(key: str, kind: str) -> None:
    running = await start(SimulatorSettings(key=key, secret="s"), clock=FixedClock())
    try:
        status, headers, _ = await ask(running.port, converse("sim-fast", turns()))
        assert (status, headers["x-amzn-errortype"].startswith(kind)) == (403, True)
        assert (await ask(running.port, converse("sim-fast", turns(), key=key)))[0] == 200
    finally:
        await running.stop()


async def test_a_secret_without_a_key_wants_a_signature() -> None:
    running = await start(SimulatorSettings(secret="s"), clock=FixedClock())
    try:
        assert (await ask(running.port, converse("sim-fast", turns(), key="any")))[0] == 403
    finally:
        await running.stop()


async def test_amazons_own_errors(simulator: Simulator) -> None:
    for name, status, kind in (
        ("429", 429, "ThrottlingException"),
        ("500", 500, "InternalServerException"),
        ("504", 408, "ModelTimeoutException"),
        ("529", 503, "ServiceUnavailableException"),
        ("quota", 400, "ServiceQuotaExceededException"),
        ("404", 404, "ResourceNotFoundException"),
        ("403", 403, "AccessDeniedException"),
    ):
        got, headers, made = await say(simulator, f"fault-{name}", turns())
        assert (got, headers["x-amzn-errortype"].partition(":")[0]) == (status, kind)
        assert set(made) == {"message"}


async def test_exceptions_in_a_stream(simulator: Simulator) -> None:
    kind, data = (await hear(simulator, "fault-error-stream", turns()))[-1]
    assert (kind, data["originalStatusCode"]) == ("modelStreamErrorException", 500)
    assert (await hear(simulator, "fault-error-mislabelled", turns()))[-1][0] == "validationException"
