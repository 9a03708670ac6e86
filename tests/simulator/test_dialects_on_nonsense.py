"""Whatever a client sends, every dialect answers it or refuses it in its own form."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from simulated import ANTHROPIC, SIGNED, FixedClock, chat, contents, messages, response, turns
from simulator.dialect_cases import CASES
from waypost.simulator.anthropic_ask import REDACTED as ANTHROPIC_REDACTED
from waypost.simulator.anthropic_ask import THINKING as ANTHROPIC_THINKING
from waypost.simulator.bedrock_ask import THINKING as BEDROCK_THINKING
from waypost.simulator.bill import Bill
from waypost.simulator.dialect import Request
from waypost.simulator.engine import Engine
from waypost.simulator.gemini_ask import THOUGHT as GEMINI_THOUGHT
from waypost.simulator.responses_ask import REASONING
from waypost.simulator.seals import Seals

Json = dict[str, object]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
SEALS = Seals(1)
CALL = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
SIGNATURE = {"authorization": SIGNED, "x-amz-date": "20270115T080000Z"}

#: Per dialect: where a request goes, with which headers, and a body that has most of what can be said.
RICH: dict[str, list[tuple[str, dict[str, str], Json]]] = {
    "anthropic": [
        (
            "/v1/messages",
            ANTHROPIC,
            messages(
                "sim-tools",
                messages=[
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "x", "cache_control": {"ttl": "1h"}}],
                    },
                    {
                        "role": "assistant",
                        "content": [
                            {
                                "type": "thinking",
                                "thinking": "x",
                                "signature": SEALS.seal(ANTHROPIC_THINKING, "x"),
                            },
                            {"type": "redacted_thinking", "data": SEALS.wrap(ANTHROPIC_REDACTED, "x")},
                            {"type": "tool_use", "id": "t1", "name": "f", "input": {}},
                        ],
                    },
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "tool_result",
                                "tool_use_id": "t1",
                                "content": [{"type": "text", "text": "x"}],
                            },
                            {"type": "document", "source": {}},
                        ],
                    },
                ],
                system=[{"type": "text", "text": "x"}],
                tools=[{"name": "f", "input_schema": SCHEMA}],
                tool_choice={"type": "tool", "name": "f"},
                thinking={"type": "adaptive", "display": "omitted"},
                output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
                stop_sequences=["a"],
            ),
        )
    ],
    "gemini": [
        (
            "/v1beta/models/sim-tools:streamGenerateContent",
            {},
            {
                "contents": [
                    {
                        "role": "user",
                        "parts": [{"text": "x"}, {"inlineData": {"mimeType": "a/b", "data": ""}}],
                    },
                    {
                        "role": "model",
                        "parts": [
                            {
                                "functionCall": {"name": "f", "args": {}},
                                "thoughtSignature": SEALS.wrap(GEMINI_THOUGHT, "x"),
                            }
                        ],
                    },
                    {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]},
                ],
                "systemInstruction": {"parts": [{"text": "x"}]},
                "tools": [{"functionDeclarations": [{"name": "f", "parameters": SCHEMA}]}],
                "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
                "generationConfig": {
                    "thinkingConfig": {"includeThoughts": True},
                    "responseMimeType": "application/json",
                    "responseSchema": SCHEMA,
                    "stopSequences": ["a"],
                },
            },
        ),
        (
            "/v1beta/models/sim-embed:batchEmbedContents",
            {},
            {
                "requests": [
                    {"content": contents()["contents"][0], "embedContentConfig": {"outputDimensionality": 3}}
                ]
            },
        ),
        ("/v1beta/models/sim-fast:countTokens", {}, {"generateContentRequest": contents()}),
    ],
    "responses": [
        (
            "/v1/responses",
            {},
            response(
                "sim-tools",
                stream=True,
                content=[
                    {"role": "user", "content": [{"type": "input_text", "text": "x"}]},
                    {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"},
                    {
                        "type": "function_call_output",
                        "call_id": "c",
                        "output": [{"type": "input_text", "text": "x"}],
                    },
                    {
                        "type": "reasoning",
                        "id": "rs_1",
                        "summary": [],
                        "encrypted_content": SEALS.wrap(REASONING, "x"),
                    },
                ],
                tools=[
                    {"type": "function", "name": "f", "parameters": SCHEMA},
                    {"type": "custom", "name": "g"},
                ],
                tool_choice={"type": "function", "name": "f"},
                text={"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}},
                reasoning={"effort": "low", "summary": "auto"},
            ),
        )
    ],
    "bedrock": [
        (
            "/model/sim-tools/converse-stream",
            SIGNATURE,
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"text": "x"}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
                    },
                    {
                        "role": "assistant",
                        "content": [
                            {
                                "reasoningContent": {
                                    "reasoningText": {
                                        "text": "x",
                                        "signature": SEALS.seal(BEDROCK_THINKING, "x"),
                                    }
                                }
                            },
                            {"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}},
                        ],
                    },
                    {
                        "role": "user",
                        "content": [
                            {"toolResult": {"toolUseId": "t1", "content": [{"json": {}}, {"text": "x"}]}}
                        ],
                    },
                ],
                "system": [{"text": "x"}],
                "inferenceConfig": {"maxTokens": 5, "stopSequences": ["a"]},
                "toolConfig": {
                    "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": SCHEMA}}}],
                    "toolChoice": {"tool": {"name": "f"}},
                },
                "additionalModelRequestFields": {"thinking": {"type": "enabled"}},
                "outputConfig": {"textFormat": {"structure": {"jsonSchema": {"schema": "{}"}}}},
            },
        ),
        ("/model/sim-fast/count-tokens", SIGNATURE, {"input": {"converse": turns()}}),
    ],
    "cohere": [
        (
            "/v2/chat",
            {},
            chat(
                "sim-tools",
                stream=True,
                messages=[
                    {"role": "user", "content": [{"type": "text", "text": "x"}]},
                    {"role": "assistant", "tool_plan": "x", "tool_calls": [CALL]},
                    {"role": "tool", "tool_call_id": "t1", "content": [{"type": "text", "text": "x"}]},
                ],
                tools=[{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
                response_format={"type": "json_object", "json_schema": SCHEMA},
                documents=["x", {"data": {"a": "b"}}],
                thinking={"type": "enabled"},
            ),
        ),
        (
            "/v2/embed",
            {},
            {
                "model": "sim-embed",
                "input_type": "x",
                "inputs": [{"content": [{"type": "text", "text": "x"}]}],
            },
        ),
        (
            "/v1/rerank",
            {},
            {"model": "sim-rerank", "query": "x", "documents": ["a", {"text": "b"}], "top_n": 1},
        ),
    ],
}

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**20)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "x", "t1"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["type", "text", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(value: object) -> list[list[object]]:
    """The path to everything within a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [[], *[[key, *rest] for key, part in inner for rest in places(part)]]


def changed(value: object, path: list[object], to: object) -> object:
    """A copy with one place changed; `...` takes it out."""
    if not path:
        return None if to is ... else to
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1 and to is ...:
        del copy[path[0]]
    else:
        copy[path[0]] = changed(copy[path[0]], path[1:], to)
    return copy


def test_every_dialect_is_tried() -> None:
    assert set(RICH) == {case.name for case in CASES}


@pytest.mark.parametrize("name", RICH)
@settings(max_examples=examples(200), deadline=None)
@given(data=st.data())
def test_any_change_of_a_request_is_answered_or_refused(name: str, data: st.DataObject) -> None:
    path, headers, body = data.draw(st.sampled_from(RICH[name]))
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.sampled_from(places(body)))
        body = changed(body, place, data.draw(ANYTHING | st.just(...)))
    engine = Engine(seed=1, clock=FixedClock(), bill=Bill())
    coded = {key.encode(): value.encode() for key, value in headers.items()}
    request = Request("POST", path, "", coded, msgspec.json.encode(body))
    dialect = engine.dialect_of(request)
    assert dialect is not None
    assert dialect.name == name
    exchange = engine.serve(dialect, request)
    head = b"".join([write.data for write in exchange.script.writes])
    assert head[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 404")


@pytest.mark.parametrize("name", RICH)
def test_as_they_are_they_are_answered(name: str) -> None:
    for path, headers, body in RICH[name]:
        engine = Engine(seed=1, clock=FixedClock(), bill=Bill())
        coded = {key.encode(): value.encode() for key, value in headers.items()}
        request = Request("POST", path, "", coded, msgspec.json.encode(body))
        dialect = engine.dialect_of(request)
        assert dialect is not None
        head = next(iter(engine.serve(dialect, request).script.writes)).data
        assert head.startswith(b"HTTP/1.1 200"), head
