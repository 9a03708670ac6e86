import msgspec

from simulated import ANTHROPIC, ask, messages, request_bytes, simulator
from simulator.test_anthropic_answer import hear, say
from waypost.simulator.anthropic import rfc3339
from waypost.simulator.run import Simulator

__all__ = ["simulator"]


async def test_pages(simulator: Simulator) -> None:
    body = messages("sim-fast", system="a b", content="c")
    del body["max_tokens"]
    assert (await say(simulator, body, "/v1/messages/count_tokens"))[2] == {"input_tokens": 9}
    listed = await ask(simulator.port, request_bytes(None, "/v1/models", method="GET", headers=ANTHROPIC))
    page = msgspec.json.decode(listed[2])
    assert {"type": "model", "id": "sim-fast"}.items() <= page["data"][0].items()
    assert page["has_more"] is False
    one = request_bytes(None, "/v1/models/sim-echo", method="GET", headers=ANTHROPIC)
    assert msgspec.json.decode((await ask(simulator.port, one))[2])["id"] == "sim-echo"
    assert (await say(simulator, {}, "/v1/messages/nothing"))[0] == 404
    assert (await ask(simulator.port, request_bytes(None, "/v1/messages", method="GET", headers=ANTHROPIC)))[
        0
    ] == 405
    assert (simulator.bill.count, simulator.bill.requests) == (0, 1)


async def test_the_version_is_wanted(simulator: Simulator) -> None:
    status, _, raw = await ask(simulator.port, request_bytes(messages("sim-fast"), "/v1/messages"))
    assert (status, b"anthropic-version" in raw) == (400, True)


async def test_anthropics_own_errors(simulator: Simulator) -> None:
    for name, status, kind in (
        ("529", 529, "overloaded_error"),
        ("429", 429, "rate_limit_error"),
        ("500", 500, "api_error"),
        ("quota", 400, "invalid_request_error"),
        ("413", 413, "request_too_large"),
    ):
        got, _, made = await say(simulator, messages(f"fault-{name}"))
        assert (got, made["error"]["type"]) == (status, kind)
    _, headers, _ = await say(simulator, messages("fault-429-reset?s=30"))
    assert headers["anthropic-ratelimit-requests-reset"] == "2027-01-15T08:00:30Z"
    made, _ = await hear(simulator, messages("fault-error-stream"))
    assert made[-1][1]["error"] == {"type": "overloaded_error", "message": "Overloaded"}


def test_times_stay_in_range() -> None:
    assert rfc3339(-5) == b"1970-01-01T00:00:00Z"
    assert rfc3339(1e30).endswith(b"Z")


async def test_on_vertex_ai(simulator: Simulator) -> None:
    before = "/v1/projects/p/locations/global/publishers/anthropic/models/"
    body = messages("")
    del body["model"]
    body["anthropic_version"] = "vertex-2023-10-16"
    for method, more in (("rawPredict", {}), ("streamRawPredict", {"stream": True})):
        request = request_bytes({**body, **more}, f"{before}sim-fast:{method}")
        status, headers, _ = await ask(simulator.port, request)
        assert (status, "event-stream" in headers["content-type"]) == (200, "stream" in more)
    counted = {"model": "sim-fast", "messages": body["messages"]}
    _, _, raw = await ask(simulator.port, request_bytes(counted, before + "count-tokens:rawPredict"))
    assert msgspec.json.decode(raw) == {"input_tokens": 5}
    for wrong in ({**body, "model": "sim-fast"}, counted):
        assert (await ask(simulator.port, request_bytes(wrong, before + "sim-fast:rawPredict")))[0] == 400
    assert (await say(simulator, {**messages("sim-fast"), "anthropic_version": "x"}))[0] == 400
