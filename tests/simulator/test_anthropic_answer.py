import msgspec
import pytest

from simulated import ANTHROPIC, FixedClock, ask, messages, request_bytes, simulator, sse
from waypost.simulator.run import Simulator, SimulatorSettings, start

__all__ = ["simulator"]

Json = dict[str, object]
TOOLS = [
    {
        "name": name,
        "input_schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        },
    }
    for name in ("weather", "forecast")
]
THINKS = {"type": "enabled", "budget_tokens": 1024}


async def say(
    simulator: Simulator, body: object, path: str = "/v1/messages"
) -> tuple[int, dict[str, str], Json]:
    status, headers, raw = await ask(simulator.port, request_bytes(body, path, headers=ANTHROPIC))
    return status, headers, msgspec.json.decode(raw)


async def hear(simulator: Simulator, body: Json) -> tuple[list[tuple[str, Json]], Json]:
    """A stream's events, and the message they make."""
    request = request_bytes({**body, "stream": True}, "/v1/messages", headers=ANTHROPIC)
    made = sse((await ask(simulator.port, request))[2])
    message: Json = {}
    inputs: dict[int, str] = {}
    for name, data in made:
        if name == "message_start":
            message = data["message"]
        elif name == "content_block_start":
            assert data["index"] == len(message["content"])
            message["content"].append(data["content_block"])
        elif name == "content_block_delta":
            block, delta = message["content"][data["index"]], data["delta"]
            if delta["type"] == "input_json_delta":
                inputs[data["index"]] = inputs.get(data["index"], "") + delta["partial_json"]
            else:
                field = delta["type"].removesuffix("_delta")
                block[field] += delta[field]
        elif name == "message_delta":
            message.update(data["delta"])
            message["usage"] = data["usage"]
    for index, text in inputs.items():
        message["content"][index]["input"] = msgspec.json.decode(text)
    return made, message


async def test_a_whole_answer(simulator: Simulator) -> None:
    status, headers, made = await say(simulator, messages("sim-echo", content="one two three"))
    assert status == 200
    assert headers["request-id"].startswith("req_")
    assert headers["anthropic-ratelimit-requests-reset"] == "2027-01-15T08:00:01Z"
    assert (made["type"], made["role"], made["stop_reason"]) == ("message", "assistant", "end_turn")
    assert made["content"] == [{"type": "text", "text": "one two three"}]
    assert (made["usage"]["input_tokens"], made["usage"]["output_tokens"]) == (6, 3)
    assert str(made["id"]).startswith("msg_")
    assert (await say(simulator, messages("sim-fast"), "/anthropic/v1/messages"))[0] == 200


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("sim-fast", {}),
        ("sim-tools", {"tools": TOOLS}),
        ("sim-tools?preface=3", {"tools": TOOLS, "thinking": THINKS}),
        ("sim-reason", {"thinking": THINKS}),
        ("sim-reason", {"thinking": {"type": "adaptive", "display": "omitted"}}),
        ("sim-reason?redact=1", {}),
        ("sim-refuse", {}),
        ("sim-cached", {}),
        ("sim-fast?finish=pause_turn", {}),
        ("sim-fast?tokens=0", {}),
        ("sim-echo", {"stop_sequences": ["there"]}),
        ("sim-json", {"max_tokens": 3}),
    ],
)
async def test_a_stream_is_the_whole_answer(model: str, more: Json) -> None:
    """Two engines with one seed say the same, one whole and one streamed."""
    made = []
    for streamed in (False, True):
        running = await start(SimulatorSettings(), clock=FixedClock())
        try:
            body = messages(model, **more)
            made.append((await hear(running, body))[1] if streamed else (await say(running, body))[2])
        finally:
            await running.stop()
    assert made[0] == made[1]


async def test_the_order_of_events(simulator: Simulator) -> None:
    made, message = await hear(simulator, messages("sim-tools", tools=TOOLS, thinking=THINKS))
    names = [name for name, _ in made]
    assert names[:3] == ["message_start", "ping", "content_block_start"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert [block["type"] for block in message["content"]] == ["thinking", "tool_use", "tool_use"]
    assert [data["delta"]["type"] for name, data in made if name == "content_block_delta"][
        8
    ] == "signature_delta"
    assert [block["name"] for block in message["content"][1:]] == ["weather", "forecast"]
    for block in message["content"][1:]:
        assert set(block["input"]) == {"city", "days"}
        assert str(block["id"]).startswith("toolu_")
    assert all(data["type"] == name for name, data in made)
    assert simulator.bill.lines[0].tokens.completion == message["usage"]["output_tokens"]
    assert message["usage"]["output_tokens_details"] == {"thinking_tokens": 8}


async def test_a_tool_loop(simulator: Simulator) -> None:
    body = messages("sim-tools", tools=TOOLS, thinking=THINKS)
    said = (await say(simulator, body))[2]["content"]
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "sunny"}
        for block in said
        if block["type"] == "tool_use"
    ]
    turns = [*body["messages"], {"role": "assistant", "content": said}, {"role": "user", "content": results}]
    again = {**body, "model": "sim-fast", "messages": turns}
    assert (await say(simulator, again))[0] == 200
    said[0]["thinking"] += "!"
    status, _, made = await say(simulator, again)
    assert (status, made["error"]["type"]) == (400, "invalid_request_error")
    assert made["request_id"].startswith("req_")
    del said[0]
    assert "must start with a thinking block" in (await say(simulator, again))[2]["error"]["message"]


@pytest.mark.parametrize(
    ("model", "more", "reason"),
    [
        ("sim-fast", {}, "end_turn"),
        ("sim-fast", {"max_tokens": 4}, "max_tokens"),
        ("sim-echo", {"stop_sequences": ["none", "there"]}, "stop_sequence"),
        ("sim-tools", {"tools": TOOLS}, "tool_use"),
        ("sim-refuse", {}, "refusal"),
        ("sim-fast?finish=pause_turn", {}, "pause_turn"),
    ],
)
async def test_stop_reasons(simulator: Simulator, model: str, more: Json, reason: str) -> None:
    made = (await say(simulator, messages(model, **more)))[2]
    assert made["stop_reason"] == reason
    assert made["stop_sequence"] == ("there" if reason == "stop_sequence" else None)
    assert ("stop_details" in made) == (reason == "refusal")


async def test_the_prompt_cache(simulator: Simulator) -> None:
    system = [{"type": "text", "text": "a b c d e", "cache_control": {"type": "ephemeral"}}]
    hour = {"type": "text", "text": "f g", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    body = messages("sim-fast", system=system, content=[hour])
    first, second = [(await say(simulator, body))[2]["usage"] for _ in range(2)]
    assert first["cache_creation"] == {"ephemeral_5m_input_tokens": 8, "ephemeral_1h_input_tokens": 5}
    assert (first["cache_creation_input_tokens"], first["cache_read_input_tokens"]) == (13, 0)
    assert (second["cache_creation_input_tokens"], second["cache_read_input_tokens"]) == (0, 13)
    assert first["input_tokens"] == second["input_tokens"] == 0
    lines = list(simulator.bill.lines)
    assert [(line.tokens.cache_write, line.tokens.cache_write_1h, line.tokens.cached) for line in lines] == [
        (8, 5, 0),
        (0, 0, 13),
    ]


async def test_structured_output(simulator: Simulator) -> None:
    schema = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 3}}, "required": ["age"]}
    form = {"format": {"type": "json_schema", "schema": schema}}
    made = (await say(simulator, messages("sim-fast", output_config=form)))[2]
    assert msgspec.json.decode(made["content"][0]["text"])["age"] >= 3
