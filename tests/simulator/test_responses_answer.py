import msgspec
import pytest

from simulated import FixedClock, ask, request_bytes, response, simulator, sse
from waypost.simulator.run import Simulator, SimulatorSettings, start

__all__ = ["simulator"]

Json = dict[str, object]
TOOLS = [
    {
        "type": "function",
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
    {"type": "custom", "name": "shell"},
]
SUMMARY = {"reasoning": {"effort": "low", "summary": "auto"}}


async def say(running: Simulator, body: Json) -> tuple[int, Json]:
    status, _, raw = await ask(running.port, request_bytes(body, "/v1/responses"))
    return status, msgspec.json.decode(raw)


async def hear(running: Simulator, body: Json) -> list[Json]:
    raw = (await ask(running.port, request_bytes({**body, "stream": True}, "/v1/responses")))[2]
    made = sse(raw)
    assert [name for name, _ in made] == [data["type"] for _, data in made]
    return [data for _, data in made]


def fold(events: list[Json]) -> list[Json]:
    """The output that the deltas make, by the events alone."""
    output: list[Json] = []
    for event in events:
        kind = str(event["type"]).removeprefix("response.")
        if kind == "output_item.added":
            assert event["output_index"] == len(output)
            output.append(event["item"])
            continue
        if "output_index" not in event:
            continue
        item = output[event["output_index"]]
        match kind:
            case "content_part.added":
                item["content"].append(event["part"])
            case "reasoning_summary_part.added":
                item["summary"].append(event["part"])
            case "output_text.delta" | "reasoning_text.delta":
                item["content"][0]["text"] += event["delta"]
            case "refusal.delta":
                item["content"][0]["refusal"] += event["delta"]
            case "reasoning_summary_text.delta":
                item["summary"][0]["text"] += event["delta"]
            case "function_call_arguments.delta":
                item["arguments"] += event["delta"]
            case "custom_tool_call_input.delta":
                item["input"] += event["delta"]
            case "output_item.done":
                item["status"] = event["item"].get("status")
                assert {k: v for k, v in item.items() if v is not None} == event["item"]
                output[event["output_index"]] = event["item"]
    return output


async def test_a_whole_answer(simulator: Simulator) -> None:
    status, made = await say(simulator, response("sim-echo", content="one two three"))
    assert (status, made["status"], made["object"]) == (200, "completed", "response")
    (item,) = made["output"]
    assert (item["type"], item["role"], item["content"][0]["text"]) == (
        "message",
        "assistant",
        "one two three",
    )
    assert (made["usage"]["input_tokens"], made["usage"]["output_tokens"], made["usage"]["total_tokens"]) == (
        6,
        3,
        9,
    )


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("sim-fast", {}),
        ("sim-tools", {"tools": TOOLS}),
        ("sim-tools?preface=3", {"tools": TOOLS, **SUMMARY, "include": ["reasoning.encrypted_content"]}),
        ("sim-reason", {}),
        ("sim-reason?show=1", {"store": False}),
        ("sim-reason", SUMMARY),
        ("sim-refuse", {}),
        ("sim-fast?tokens=0", {}),
        ("sim-fast?tokens=30", {"max_output_tokens": 16}),
        ("sim-fast?finish=failed", {}),
    ],
)
async def test_a_stream_is_the_whole_answer(model: str, more: Json) -> None:
    made = []
    for streamed in (False, True):
        running = await start(SimulatorSettings(), clock=FixedClock())
        try:
            body = response(model, **more)
            if not streamed:
                made.append((await say(running, body))[1])
                continue
            events = await hear(running, body)
            assert [event["sequence_number"] for event in events] == list(range(len(events)))
            assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
            last = events[-1]
            assert last["type"] == f"response.{last['response']['status']}"
            assert fold(events) == last["response"]["output"]
            made.append(last["response"])
        finally:
            await running.stop()
    assert made[0] == made[1]


async def test_the_order_of_events(simulator: Simulator) -> None:
    names = [event["type"] for event in await hear(simulator, response("sim-fast?tokens=2"))]
    assert [str(name).removeprefix("response.") for name in names] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


async def test_tools(simulator: Simulator) -> None:
    made = (await say(simulator, response("sim-tools", tools=TOOLS)))[1]
    function, custom = made["output"]
    assert (function["type"], custom["type"]) == ("function_call", "custom_tool_call")
    assert set(msgspec.json.decode(function["arguments"])) == {"city"}
    assert len(custom["input"].split()) == 8
    assert (function["id"][:3], custom["id"][:4], function["call_id"][:5]) == ("fc_", "ctc_", "call_")
    results = [
        {"type": item["type"] + "_output", "call_id": item["call_id"], "output": "ok"}
        for item in made["output"]
    ]
    again = response("sim-fast", content=results, previous_response_id=made["id"])
    assert (await say(simulator, again))[0] == 200
    alone = response("sim-fast", content=[{"role": "user", "content": "x"}, *made["output"], *results])
    assert (await say(simulator, alone))[0] == 200


async def test_reasoning_comes_back_sealed(simulator: Simulator) -> None:
    body = response("sim-reason", include=["reasoning.encrypted_content"], store=False)
    made = (await say(simulator, body))[1]
    assert made["usage"]["output_tokens_details"] == {"reasoning_tokens": 32}
    items = [{"role": "user", "content": "x"}, *made["output"]]
    assert (await say(simulator, response("sim-fast", content=items)))[0] == 200
    items[1]["encrypted_content"] = "AAAA" + items[1]["encrypted_content"][4:]
    status, refused = await say(simulator, response("sim-fast", content=items))
    assert (status, refused["error"]["code"]) == (400, "invalid_encrypted_content")


@pytest.mark.parametrize(
    ("model", "status", "reason"),
    [
        ("sim-fast", "completed", None),
        ("sim-fast?tokens=30", "incomplete", "max_output_tokens"),
        ("sim-fast?finish=content_filter", "incomplete", "content_filter"),
        ("sim-fast?finish=failed", "failed", None),
    ],
)
async def test_ends(simulator: Simulator, model: str, status: str, reason: str | None) -> None:
    made = (await say(simulator, response(model, max_output_tokens=20)))[1]
    assert made["status"] == status
    assert (made["incomplete_details"] or {}).get("reason") == reason
    assert (made["error"] or {}).get("code") == ("server_error" if status == "failed" else None)


async def test_structured_output_and_refusal(simulator: Simulator) -> None:
    schema = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 3}}, "required": ["age"]}
    form = {"format": {"type": "json_schema", "name": "person", "schema": schema}}
    made = (await say(simulator, response("sim-fast", text=form)))[1]
    assert msgspec.json.decode(made["output"][0]["content"][0]["text"])["age"] >= 3
    assert made["text"]["format"] == form["format"]
    refused = (await say(simulator, response("sim-refuse")))[1]["output"][0]["content"][0]
    assert (refused["type"], len(refused["refusal"].split())) == ("refusal", 8)
