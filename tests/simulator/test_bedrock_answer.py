import msgspec
import pytest

from simulated import FixedClock, amazon, ask, converse, simulator, turns
from waypost.simulator.run import Simulator, SimulatorSettings, start

__all__ = ["simulator"]

Json = dict[str, object]
TOOLS = {
    "tools": [
        {
            "toolSpec": {
                "name": name,
                "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}}}},
            }
        }
        for name in ("weather", "forecast")
    ]
}
THINKS = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
OMITTED = {"thinking": {"type": "adaptive", "display": "omitted"}}


async def say(running: Simulator, model: str, body: Json) -> tuple[int, dict[str, str], Json]:
    status, headers, raw = await ask(running.port, converse(model, body))
    return status, headers, msgspec.json.decode(raw)


async def hear(running: Simulator, model: str, body: Json) -> list[tuple[str, Json]]:
    return amazon((await ask(running.port, converse(model, body, "converse-stream")))[2])


def fold(made: list[tuple[str, Json]]) -> Json:
    """What a stream says, as a whole answer."""
    content: list[Json] = []
    whole: Json = {"output": {"message": {"role": "assistant", "content": content}}}
    inputs: dict[int, str] = {}
    for kind, data in made:
        data.pop("p")
        index = data.get("contentBlockIndex")
        if kind == "contentBlockStart":
            content.append({"toolUse": {**data["start"]["toolUse"]}})
            inputs[index] = ""
        elif kind == "contentBlockDelta":
            delta = data["delta"]
            if "toolUse" in delta:
                inputs[index] += delta["toolUse"]["input"]
                continue
            if index == len(content):
                content.append({})
            if "text" in delta:
                content[index]["text"] = content[index].get("text", "") + delta["text"]
                continue
            told = content[index].setdefault("reasoningContent", {})
            if "redactedContent" in delta["reasoningContent"]:
                told.update(delta["reasoningContent"])
                continue
            thought = told.setdefault("reasoningText", {"text": ""})
            thought["text"] += delta["reasoningContent"].get("text", "")
            if "signature" in delta["reasoningContent"]:
                thought["signature"] = delta["reasoningContent"]["signature"]
        elif kind in ("messageStop", "metadata"):
            whole.update(data)
    for index, text in inputs.items():
        content[index]["toolUse"]["input"] = msgspec.json.decode(text)
    return whole


async def test_a_whole_answer(simulator: Simulator) -> None:
    status, headers, made = await say(simulator, "sim-echo", turns("one two three"))
    assert status == 200
    assert headers["x-amzn-requestid"].startswith("req_")
    assert made["output"]["message"] == {"role": "assistant", "content": [{"text": "one two three"}]}
    assert made["stopReason"] == "end_turn"
    assert {"inputTokens": 6, "outputTokens": 3, "totalTokens": 9}.items() <= made["usage"].items()
    assert made["metrics"] == {"latencyMs": 1}


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("sim-fast", {}),
        ("sim-tools", {"toolConfig": TOOLS}),
        ("sim-tools?preface=3", {"toolConfig": TOOLS, "additionalModelRequestFields": THINKS}),
        ("sim-reason", {"additionalModelRequestFields": OMITTED}),
        ("sim-reason?redact=1", {}),
        ("sim-refuse", {}),
        ("sim-cached", {}),
        ("sim-fast?tokens=0", {}),
        ("sim-fast", {"inferenceConfig": {"maxTokens": 3}}),
    ],
)
async def test_a_stream_is_the_whole_answer(model: str, more: Json) -> None:
    made = []
    for streamed in (False, True):
        running = await start(SimulatorSettings(), clock=FixedClock())
        try:
            body = turns(**more)
            if streamed:
                made.append(fold(await hear(running, model, body)))
            else:
                made.append((await say(running, model, body))[2])
        finally:
            await running.stop()
    assert made[0] == made[1]


async def test_the_order_of_events(simulator: Simulator) -> None:
    body = turns(toolConfig={**TOOLS, "toolChoice": {"tool": {"name": "forecast"}}})
    kinds = [kind for kind, _ in await hear(simulator, "sim-fast", body)]
    assert kinds[:2] == ["messageStart", "contentBlockStart"]
    assert set(kinds[2:-3]) == {"contentBlockDelta"}
    assert kinds[-3:] == ["contentBlockStop", "messageStop", "metadata"]
    text = [kind for kind, _ in await hear(simulator, "sim-fast?tokens=1", turns())]
    assert text == ["messageStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"]


async def test_a_tool_loop(simulator: Simulator) -> None:
    more = {"toolConfig": TOOLS, "additionalModelRequestFields": THINKS}
    message = (await say(simulator, "sim-tools", turns(**more)))[2]["output"]["message"]
    results = [
        {"toolResult": {"toolUseId": block["toolUse"]["toolUseId"], "content": [{"text": "ok"}]}}
        for block in message["content"]
        if "toolUse" in block
    ]
    assert len(results) == 2
    again = {"messages": [*turns()["messages"], message, {"role": "user", "content": results}], **more}
    assert (await say(simulator, "sim-fast", again))[0] == 200
    message["content"][0]["reasoningContent"]["reasoningText"]["text"] += "!"
    status, headers, made = await say(simulator, "sim-fast", again)
    assert (status, headers["x-amzn-errortype"].partition(":")[0]) == (400, "ValidationException")
    assert "Invalid `signature`" in made["message"]


@pytest.mark.parametrize(
    ("model", "inference", "reason"),
    [
        ("sim-fast", {}, "end_turn"),
        ("sim-fast", {"maxTokens": 3}, "max_tokens"),
        ("sim-echo", {"stopSequences": ["there"]}, "stop_sequence"),
        ("sim-refuse", {}, "content_filtered"),
        ("sim-fast?finish=guardrail_intervened", {}, "guardrail_intervened"),
    ],
)
async def test_stop_reasons(simulator: Simulator, model: str, inference: Json, reason: str) -> None:
    assert (await say(simulator, model, turns(inferenceConfig=inference)))[2]["stopReason"] == reason


async def test_the_prompt_cache(simulator: Simulator) -> None:
    body = turns(system=[{"text": "a b"}, {"cachePoint": {"type": "default"}}])
    first, second = [(await say(simulator, "sim-fast", body))[2]["usage"] for _ in range(2)]
    assert (first["cacheWriteInputTokens"], first["cacheReadInputTokens"]) == (5, 0)
    assert first["cacheDetails"] == [{"ttl": "5m", "inputTokens": 5}]
    assert (second["cacheWriteInputTokens"], second["cacheReadInputTokens"]) == (0, 5)
    assert first["inputTokens"] == second["inputTokens"] == 5
    assert [line.tokens.cache_write for line in simulator.bill.lines] == [5, 0]
