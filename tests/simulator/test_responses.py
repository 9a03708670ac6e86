import msgspec

from simulated import ask, request_bytes, response, simulator
from simulator.test_responses_answer import hear, say
from waypost.simulator.responses import MAX_STORED, Responses
from waypost.simulator.run import Simulator
from waypost.simulator.seals import Seals

__all__ = ["simulator"]


async def page(
    simulator: Simulator, path: str, method: str = "GET", body: object = None
) -> tuple[int, dict[str, object]]:
    status, _, raw = await ask(simulator.port, request_bytes(body, "/v1/responses" + path, method=method))
    return status, msgspec.json.decode(raw)


async def test_what_is_stored_can_be_read_continued_and_deleted(simulator: Simulator) -> None:
    made = (await say(simulator, response("sim-echo", content="one two")))[1]
    assert (await page(simulator, f"/{made['id']}"))[1] == made
    more = (await hear(simulator, response("sim-echo", content="three", previous_response_id=made["id"])))[-1]
    # one two; one two again; three.
    assert more["response"]["usage"]["input_tokens"] == 5 + 5 + 4
    items = (await page(simulator, f"/{more['response']['id']}/input_items"))[1]["data"]
    assert [item["role"] for item in items] == ["user", "assistant", "user"]
    assert items[0]["content"][0]["text"] == "three"
    asc = (await page(simulator, f"/{more['response']['id']}/input_items?order=asc"))[1]["data"]
    assert asc == items[::-1]
    deleted = await page(simulator, f"/{made['id']}", "DELETE")
    assert deleted == (200, {"id": made["id"], "object": "response", "deleted": True})
    assert (await page(simulator, f"/{made['id']}"))[0] == 404
    status, refused = await say(simulator, response("sim-fast", previous_response_id=made["id"]))
    assert (status, refused["error"]["code"]) == (400, "previous_response_not_found")


async def test_what_is_not_to_be_stored_is_not(simulator: Simulator) -> None:
    made = (await say(simulator, response("sim-fast", store=False)))[1]
    assert (await page(simulator, f"/{made['id']}"))[0] == 404


async def test_in_the_background(simulator: Simulator) -> None:
    made = (await say(simulator, response("sim-fast", background=True)))[1]
    assert (made["status"], made["output"], made["usage"]) == ("queued", [], None)
    assert (await page(simulator, f"/{made['id']}"))[1]["status"] == "completed"
    cancelled = (await page(simulator, f"/{made['id']}/cancel", "POST"))[1]
    assert (cancelled["status"], cancelled["output"]) == ("cancelled", [])
    assert [line.tokens.completion for line in simulator.bill.lines] == [16]
    other = (await say(simulator, response("sim-fast")))[1]
    assert (await page(simulator, f"/{other['id']}/cancel", "POST"))[0] == 400


async def test_counting_and_pages_that_are_not(simulator: Simulator) -> None:
    counted = await page(simulator, "/input_tokens", "POST", response("sim-fast", content="a b c"))
    assert counted == (200, {"object": "response.input_tokens", "input_tokens": 6})
    assert (await page(simulator, ""))[0] == 404
    made = (await say(simulator, response("sim-fast")))[1]
    assert (await page(simulator, f"/{made['id']}/nothing"))[0] == 404
    assert simulator.bill.requests == 1


async def test_errors_in_a_stream(simulator: Simulator) -> None:
    events = await hear(simulator, response("fault-error-stream"))
    assert events[-1]["type"] == "response.failed"
    assert events[-1]["response"]["id"] == events[0]["response"]["id"]
    assert events[-1]["response"]["error"]["code"] == "server_error"
    events = await hear(simulator, response("fault-error-mislabelled"))
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "server_overloaded")


def test_the_oldest_are_forgotten() -> None:
    dialect = Responses(Seals(1))
    for number in range(MAX_STORED + 1):
        dialect._keep(f"resp_{number}", {"output": [{"id": f"rs_{number}"}]}, [])
    assert dialect._history("resp_0") is None
    assert dialect._history("resp_1") == [{"id": "rs_1"}]
    assert dialect._known == {f"rs_{number}" for number in range(1, MAX_STORED + 1)}
