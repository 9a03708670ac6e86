import msgspec

from simulated import ask, contents, gemini, request_bytes, simulator, sse
from simulator.test_gemini_answer import hear, say
from waypost.simulator.run import Simulator

__all__ = ["simulator"]

KEYED = {"x-goog-api-key": "any"}


async def test_paths(simulator: Simulator) -> None:
    for before in ("/v1beta", "/v1", "/gemini/v1beta", "/v1/projects/p/locations/l/publishers/google"):
        path = before + "/models/sim-fast:generateContent"
        assert (await ask(simulator.port, request_bytes(contents(), path)))[0] == 200
    keyed = request_bytes(contents(), "/v1beta/models/sim-fast:generateContent?key=any")
    assert (await ask(simulator.port, keyed))[0] == 200
    assert (await ask(simulator.port, request_bytes(contents(), "/v1beta/models/sim-fast:nothing")))[0] == 404


async def test_pages(simulator: Simulator) -> None:
    counted = await say(simulator, "sim-fast", contents("a b"), "countTokens")
    assert counted[1]["totalTokens"] == 5
    for version in ("v1beta", "v1"):
        request = request_bytes(None, f"/{version}/models?pageSize=50", method="GET", headers=KEYED)
        page = msgspec.json.decode((await ask(simulator.port, request))[2])
        assert page["models"][0]["name"] == "models/sim-fast"
    one = request_bytes(None, "/v1beta/models/sim-echo", method="GET", headers=KEYED)
    assert msgspec.json.decode((await ask(simulator.port, one))[2])["displayName"] == "sim-echo"
    assert simulator.bill.requests == 0


async def test_googles_own_errors(simulator: Simulator) -> None:
    for name, status, said in (
        ("401", 400, "INVALID_ARGUMENT"),
        ("403", 403, "PERMISSION_DENIED"),
        ("404", 404, "NOT_FOUND"),
        ("429", 429, "RESOURCE_EXHAUSTED"),
        ("500", 500, "INTERNAL"),
        ("529", 503, "UNAVAILABLE"),
        ("504", 504, "DEADLINE_EXCEEDED"),
    ):
        got, made = await say(simulator, f"fault-{name}", contents())
        assert (got, made["error"]["code"], made["error"]["status"]) == (status, status, said)
    details = (await say(simulator, "fault-429-reset?s=30.5", contents()))[1]["error"]["details"]
    assert details[-1] == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "30.5s"}


async def test_a_filtered_prompt(simulator: Simulator) -> None:
    status, made = await say(simulator, "fault-content-filter", contents())
    assert (status, made["promptFeedback"]["blockReason"]) == (200, "SAFETY")
    assert "candidates" not in made
    for query in ("?alt=sse", ""):
        (streamed,) = await hear(simulator, "fault-content-filter", contents(), query)
        assert streamed == made
    assert simulator.bill.count == 0


async def test_errors_of_arrays(simulator: Simulator) -> None:
    (refused,) = await hear(simulator, "fault-429", contents(), "")
    assert refused["error"]["code"] == 429
    *chunks, last = await hear(simulator, "fault-error-stream", contents(), "")
    assert (len(chunks), last["error"]["code"]) == (3, 500)
    many = await hear(simulator, "fault-many-events?size=1000", contents(), "")
    assert len(many) == 16 + 1 + 1000
    raw = (await ask(simulator.port, gemini("sim-fast", contents(), "streamGenerateContent")))[1:]
    assert raw[0]["content-type"] == "application/json"
    assert sse(raw[1]) == []
