import msgspec
import pytest

from simulated import FixedClock, ask, chat, request_bytes, simulator, sse
from waypost.simulator.cohere_answer import UNBILLED
from waypost.simulator.run import Simulator, SimulatorSettings, start

__all__ = ["simulator"]

Json = dict[str, object]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
    for name in ("weather", "forecast")
]


async def say(running: Simulator, body: object, path: str = "/v2/chat") -> tuple[int, Json]:
    status, _, raw = await ask(running.port, request_bytes(body, path))
    return status, msgspec.json.decode(raw)


async def hear(running: Simulator, body: Json) -> list[Json]:
    raw = (await ask(running.port, request_bytes({**body, "stream": True}, "/v2/chat")))[2]
    assert raw.endswith(b"\n\ndata: [DONE]\n\n")
    made = sse(raw.removesuffix(b"data: [DONE]\n\n"))
    assert [name for name, _ in made] == [data["type"] for _, data in made]
    return [data for _, data in made]


def fold(events: list[Json]) -> Json:
    """What a stream says, as a whole answer."""
    content: list[Json] = []
    calls: list[Json] = []
    plan = ""
    made: Json = {}
    for event in events:
        message = event.get("delta", {}).get("message", {})
        match event["type"]:
            case "message-start":
                made["id"] = event["id"]
            case "content-start":
                assert event["index"] == len(content)
                content.append(message["content"])
            case "content-delta":
                for name, text in message["content"].items():
                    content[event["index"]][name] += text
            case "tool-plan-delta":
                plan += message["tool_plan"]
            case "tool-call-start":
                assert event["index"] == len(calls)
                calls.append(message["tool_calls"])
            case "tool-call-delta":
                calls[event["index"]]["function"]["arguments"] += message["tool_calls"]["function"][
                    "arguments"
                ]
            case "message-end":
                made |= event["delta"]
    whole: Json = {"role": "assistant"}
    if plan:
        whole["tool_plan"] = plan
    if calls:
        whole["tool_calls"] = calls
    if content or not calls:
        whole["content"] = content
    return {**made, "message": whole}


async def test_a_whole_answer(simulator: Simulator) -> None:
    status, made = await say(simulator, chat("sim-echo", content="one two three"))
    assert (status, made["finish_reason"]) == (200, "COMPLETE")
    assert made["message"]["content"] == [{"type": "text", "text": "one two three"}]
    assert made["usage"]["billed_units"] == {"input_tokens": 6, "output_tokens": 3}
    assert made["usage"]["tokens"] == {"input_tokens": 6 + UNBILLED, "output_tokens": 3}
    assert [(line.tokens.prompt, line.tokens.completion) for line in simulator.bill.lines] == [(6, 3)]


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("sim-fast", {}),
        ("sim-tools", {"tools": TOOLS}),
        ("sim-tools?preface=0", {"tools": TOOLS}),
        ("sim-tools", {"tools": TOOLS, "thinking": {"type": "enabled"}}),
        ("sim-reason?show=1", {}),
        ("sim-refuse", {}),
        ("sim-cached", {}),
        ("sim-fast?tokens=0", {}),
        ("sim-json", {"max_tokens": 3}),
    ],
)
async def test_a_stream_is_the_whole_answer(model: str, more: Json) -> None:
    made = []
    for streamed in (False, True):
        running = await start(SimulatorSettings(), clock=FixedClock())
        try:
            body = chat(model, **more)
            made.append(fold(await hear(running, body)) if streamed else (await say(running, body))[1])
        finally:
            await running.stop()
    assert made[0] == made[1]


async def test_the_order_of_events(simulator: Simulator) -> None:
    kinds = [
        event["type"] for event in await hear(simulator, chat("sim-tools?preface=2&calls=1", tools=TOOLS))
    ]
    assert kinds[:4] == ["message-start", "tool-plan-delta", "tool-plan-delta", "tool-call-start"]
    assert set(kinds[4:-2]) == {"tool-call-delta"}
    assert kinds[-2:] == ["tool-call-end", "message-end"]


async def test_a_tool_loop(simulator: Simulator) -> None:
    made = (await say(simulator, chat("sim-tools", tools=TOOLS)))[1]
    assert made["finish_reason"] == "TOOL_CALL"
    assert [
        set(msgspec.json.decode(call["function"]["arguments"])) for call in made["message"]["tool_calls"]
    ] == [{"city"}] * 2
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": "ok"}
        for call in made["message"]["tool_calls"]
    ]
    turns = [{"role": "user", "content": "x"}, made["message"], *results]
    assert (await say(simulator, {"model": "sim-fast", "messages": turns}))[0] == 200
    assert (await say(simulator, {"model": "sim-fast", "messages": turns[:-1]}))[0] == 400


@pytest.mark.parametrize(
    ("model", "more", "reason"),
    [
        ("sim-fast", {"max_tokens": 3}, "MAX_TOKENS"),
        ("sim-echo", {"stop_sequences": ["there"]}, "STOP_SEQUENCE"),
        ("sim-fast?finish=TIMEOUT", {}, "TIMEOUT"),
    ],
)
async def test_finish_reasons(simulator: Simulator, model: str, more: Json, reason: str) -> None:
    assert (await say(simulator, chat(model, **more)))[1]["finish_reason"] == reason


async def test_embeddings_of_every_type(simulator: Simulator) -> None:
    types = ["float", "int8", "uint8", "binary", "ubinary", "base64"]
    body = {"model": "sim-embed", "input_type": "x", "texts": ["a b"], "embedding_types": types}
    made = (await say(simulator, body, "/v2/embed"))[1]
    given = {name: vectors[0] for name, vectors in made["embeddings"].items()}
    assert list(given) == types
    assert [len(given[name]) for name in types[:5]] == [16, 16, 16, 2, 2]
    assert [byte + 128 for byte in given["binary"]] == given["ubinary"]
    signs = [bool(byte & (128 >> i)) for byte in given["ubinary"] for i in range(8)]
    assert signs == [number > 0 for number in given["float"]]
    assert [number - 128 for number in given["uint8"]] == given["int8"]
    assert made["meta"]["billed_units"] == {"input_tokens": 2}
    assert [(line.operation, line.tokens.prompt) for line in simulator.bill.lines] == [("embeddings", 2)]


@pytest.mark.parametrize("version", [1, 2])
async def test_ranks(simulator: Simulator, version: int) -> None:
    body = {"model": "sim-rerank", "query": "a b", "documents": ["c", "b a", "a"], "top_n": 2}
    made = (await say(simulator, {**body, "return_documents": True}, f"/v{version}/rerank"))[1]
    assert [result["index"] for result in made["results"]] == [1, 2]
    assert made["results"][0]["document"] == {"text": "b a"}
    assert 1 >= made["results"][0]["relevance_score"] > made["results"][1]["relevance_score"]
    assert made["meta"] == {"api_version": {"version": str(version)}, "billed_units": {"search_units": 1}}
    assert [(line.operation, line.tokens.prompt) for line in simulator.bill.lines] == [("rerank", 6)]
