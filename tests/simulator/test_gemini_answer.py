import msgspec
import pytest

from simulated import FixedClock, ask, contents, gemini, simulator, sse
from waypost.simulator.run import Simulator, SimulatorSettings, start

__all__ = ["simulator"]

Json = dict[str, object]
FUNCTIONS = [
    {
        "name": name,
        "parameters": {
            "type": "OBJECT",
            "properties": {"city": {"type": "STRING"}, "days": {"type": "INTEGER"}},
        },
    }
    for name in ("weather", "forecast")
]
TOOLS = [{"functionDeclarations": FUNCTIONS}]
THINKS = {"thinkingConfig": {"includeThoughts": True}}


async def say(
    running: Simulator, model: str, body: Json, method: str = "generateContent"
) -> tuple[int, Json]:
    status, _, raw = await ask(running.port, gemini(model, body, method))
    return status, msgspec.json.decode(raw)


async def hear(running: Simulator, model: str, body: Json, query: str = "?alt=sse") -> list[Json]:
    request = gemini(model, body, "streamGenerateContent", query=query)
    raw = (await ask(running.port, request))[2]
    return [data for _, data in sse(raw)] if query else msgspec.json.decode(raw)


def fold(chunks: list[Json]) -> Json:
    """What a stream says, as a whole answer."""
    made = chunks[-1]
    for candidate in made["candidates"]:
        parts: list[Json] = []
        for chunk in chunks:
            for other in chunk["candidates"]:
                if other["index"] == candidate["index"]:
                    parts += other["content"]["parts"]
        joined: list[Json] = []
        for part in parts:
            signature = part.pop("thoughtSignature", None)
            texts = bool(joined) and "text" in part and "text" in joined[-1]
            if texts and (part.get("thought") == joined[-1].get("thought") or not part["text"]):
                joined[-1]["text"] += part["text"]
                part = joined[-1]
            if part.get("text") != "" and part not in joined[-1:]:
                joined.append(part)
            if signature:
                joined[-1]["thoughtSignature"] = signature
        candidate["content"]["parts"] = joined or [{"text": ""}]
    return made


async def test_a_whole_answer(simulator: Simulator) -> None:
    status, made = await say(simulator, "sim-echo", contents("one two three"))
    assert status == 200
    (candidate,) = made["candidates"]
    assert candidate["content"] == {"role": "model", "parts": [{"text": "one two three"}]}
    assert candidate["finishReason"] == "STOP"
    assert made["modelVersion"] == "sim-echo"
    usage = made["usageMetadata"]
    assert [usage[name] for name in ("promptTokenCount", "candidatesTokenCount", "totalTokenCount")] == [
        6,
        3,
        9,
    ]
    assert [line.tokens.completion for line in simulator.bill.lines] == [3]


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("sim-fast", {}),
        ("sim-tools", {"tools": TOOLS}),
        ("sim-tools?preface=3", {"tools": TOOLS, "generationConfig": THINKS}),
        ("sim-reason", {"generationConfig": THINKS}),
        ("sim-reason", {}),
        ("sim-refuse", {}),
        ("sim-cached", {}),
        ("sim-fast?finish=RECITATION", {}),
        ("sim-fast?tokens=0", {}),
        ("sim-json", {"generationConfig": {"maxOutputTokens": 3}}),
    ],
)
async def test_a_stream_is_the_whole_answer(model: str, more: Json) -> None:
    made: list[Json] = []
    for query in (None, "?alt=sse", ""):
        running = await start(SimulatorSettings(), clock=FixedClock())
        try:
            body = contents(**more)
            if query is None:
                made.append((await say(running, model, body))[1])
            else:
                made.append(fold(await hear(running, model, body, query)))
        finally:
            await running.stop()
    assert made[0] == made[1] == made[2]


async def test_calls_come_whole_with_one_signature(simulator: Simulator) -> None:
    chunks = await hear(simulator, "sim-tools", contents(tools=TOOLS, generationConfig=THINKS))
    parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
    calls = [part for part in parts if "functionCall" in part]
    assert [part["functionCall"]["name"] for part in calls] == ["weather", "forecast"]
    assert [set(part["functionCall"]["args"]) for part in calls] == [{"city", "days"}] * 2
    assert ["thoughtSignature" in part for part in calls] == [True, False]
    assert sum(part.get("thought", False) for part in parts) == 8
    usage = chunks[-1]["usageMetadata"]
    (line,) = simulator.bill.lines
    assert usage["thoughtsTokenCount"] == line.tokens.reasoning == 8
    assert usage["candidatesTokenCount"] + 8 == line.tokens.completion
    results = [
        {"functionResponse": {"name": part["functionCall"]["name"], "response": {"ok": True}}}
        for part in calls
    ]
    turns = [
        {"role": "user", "parts": [{"text": "x"}]},
        {"role": "model", "parts": calls},
        {"role": "user", "parts": results},
    ]
    body = {"contents": turns, "tools": TOOLS, "generationConfig": THINKS}
    assert (await say(simulator, "sim-fast", body))[0] == 200
    calls[0]["thoughtSignature"] = "AAAA" + calls[0]["thoughtSignature"][4:]
    status, refused = await say(simulator, "sim-fast", body)
    assert (status, refused["error"]["status"]) == (400, "INVALID_ARGUMENT")


async def test_candidates_are_interleaved(simulator: Simulator) -> None:
    body = contents(generationConfig={"candidateCount": 2})
    chunks = await hear(simulator, "sim-fast?tokens=3", body)
    assert [chunk["candidates"][0]["index"] for chunk in chunks] == [0, 1] * 4
    assert ["finishReason" in chunk["candidates"][0] for chunk in chunks] == [False] * 6 + [True] * 2
    assert chunks[-1]["usageMetadata"]["candidatesTokenCount"] == 6


async def test_usage_runs_with_the_stream(simulator: Simulator) -> None:
    chunks = await hear(simulator, "sim-cached?tokens=4&prompt_tokens=10", contents())
    assert [chunk["usageMetadata"]["candidatesTokenCount"] for chunk in chunks] == [1, 2, 3, 4, 4]
    assert chunks[0]["usageMetadata"]["cachedContentTokenCount"] == 5


async def test_a_call_is_one_event_that_bills_all_its_tokens(
    simulator: Simulator,
) -> None:
    await hear(simulator, "fault-cut-clean?act=tools&k=1", contents(tools=TOOLS))
    (line,) = simulator.bill.lines
    assert line.tokens.completion > 5


@pytest.mark.parametrize(
    ("model", "config", "reason"),
    [
        ("sim-fast", {}, "STOP"),
        ("sim-fast", {"maxOutputTokens": 4}, "MAX_TOKENS"),
        ("sim-echo", {"stopSequences": ["there"]}, "STOP"),
        ("sim-refuse", {}, "SAFETY"),
        ("sim-fast?finish=RECITATION", {}, "RECITATION"),
    ],
)
async def test_finish_reasons(simulator: Simulator, model: str, config: Json, reason: str) -> None:
    made = (await say(simulator, model, contents(generationConfig=config)))[1]
    assert made["candidates"][0]["finishReason"] == reason


async def test_structured_output(simulator: Simulator) -> None:
    schema = {"type": "OBJECT", "properties": {"age": {"type": "INTEGER", "minimum": 3}}}
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    made = (await say(simulator, "sim-fast", contents(generationConfig=config)))[1]
    assert msgspec.json.decode(made["candidates"][0]["content"]["parts"][0]["text"])["age"] >= 3


async def test_embeddings(simulator: Simulator) -> None:
    one = {"content": {"parts": [{"text": "a b"}]}, "outputDimensionality": 4}
    single = (await say(simulator, "sim-embed", one, "embedContent"))[1]
    batch = (await say(simulator, "sim-embed", {"requests": [one, one]}, "batchEmbedContents"))[1]
    assert [entry["values"] for entry in batch["embeddings"]] == [single["embedding"]["values"]] * 2
    assert len(single["embedding"]["values"]) == 4
    assert [line.tokens.prompt for line in simulator.bill.lines] == [2, 4]


async def test_calls_without_ids(simulator: Simulator) -> None:
    for model, has in (("sim-tools", True), ("sim-tools?ids=0", False)):
        made = (await say(simulator, model, contents(tools=TOOLS)))[1]
        parts = made["candidates"][0]["content"]["parts"]
        assert ["id" in part["functionCall"] for part in parts] == [has, has]
