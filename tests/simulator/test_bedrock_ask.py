from base64 import b64encode

import msgspec
import pytest

from simulated import turns
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.bedrock_ask import REDACTED, THINKING, parse_converse
from waypost.simulator.seals import Seals

SEALS = Seals(1)
CALL = {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"b": "x y", "a": 1}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "it is sunny"}, {"json": {"a": "b c"}}]}}
SIGNED = {"text": "hm", "signature": SEALS.seal(THINKING, "hm")}
THOUGHT = {"reasoningContent": {"reasoningText": SIGNED}}
BLOB = b64encode(SEALS.wrap(REDACTED, "x").encode()).decode()
TOOLS = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]}
THINKS = {"thinking": {"type": "enabled", "budget_tokens": 1024}}


def parse(body: object) -> Ask:
    return parse_converse("sim-fast", msgspec.json.encode(body), SEALS, stream=False)


def loop(*said: object, results: object = (RESULT,), **more: object) -> Ask:
    made = [
        {"role": "user", "content": [{"text": "hello"}]},
        {"role": "assistant", "content": list(said)},
        {"role": "user", "content": results},
    ]
    return parse({"messages": made, "toolConfig": TOOLS, **more})


def test_prompt_tokens_by_the_documented_rule() -> None:
    blocks = [
        {"text": "what is this"},
        {"image": {"format": "png", "source": {"bytes": ""}}},
        {"document": {"name": "x", "source": {"bytes": ""}}},
        {"audio": {"format": "wav", "source": {"bytes": ""}}},
    ]
    ask = parse(turns(blocks, system=[{"text": "be brief"}], toolConfig=TOOLS))
    assert ask.prompt_tokens == 10 + (3 + 2) + (3 + 3 + 85 + 100 + 25)
    assert (ask.last_text, ask.audio_input) == ("what is this", 25)
    # The tool; hello; thought and call; the result's text and `{"a":"b c"}`.
    assert loop(THOUGHT, CALL).prompt_tokens == 10 + (3 + 1) + (3 + 1 + 5 + 2) + (3 + 3 + 2)


def test_fields() -> None:
    schema = msgspec.json.encode({"type": "object"}).decode()
    ask = parse(
        turns(
            inferenceConfig={"maxTokens": 7, "stopSequences": ["A"]},
            toolConfig={**TOOLS, "toolChoice": {"tool": {"name": "f"}}},
            outputConfig={
                "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema}}}
            },
            simulate={"tokens": 3},
        )
    )
    assert (ask.max_output, ask.stop, ask.tool_choice) == (7, ("A",), "=f")
    assert ([tool.name for tool in ask.tools], ask.schema) == (["f"], {"type": "object"})
    assert ask.simulate == {"tokens": 3}
    assert parse(turns(toolConfig={**TOOLS, "toolChoice": {"any": {}}})).tool_choice == "required"


@pytest.mark.parametrize(
    ("fields", "think", "shown"),
    [
        ({}, None, None),
        (THINKS, True, True),
        ({"reasoning_config": {"type": "enabled", "budget_tokens": 1024}}, True, True),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, True, False),
        ({"thinking": {"type": "disabled"}}, False, None),
    ],
)
def test_thinking(fields: object, think: bool | None, shown: bool | None) -> None:
    ask = parse(turns(additionalModelRequestFields=fields))
    assert (ask.think, ask.shown) == (think, shown)


def test_what_is_to_be_cached() -> None:
    point = {"cachePoint": {"type": "default"}}
    long = {"cachePoint": {"type": "default", "ttl": "1h"}}
    ask = parse(turns([{"text": "c"}, point], system=[{"text": "a b"}, long]))
    assert [(mark.tokens, mark.ttl_s) for mark in ask.marks] == [(5, 3600), (9, 300)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "must start with a user message"),
        ({"messages": [{"role": "assistant", "content": []}]}, "must start with a user message"),
        ({"messages": [turns()["messages"][0]] * 2}, "must alternate"),
        ({"messages": [*turns()["messages"], {"role": "system", "content": []}]}, "'messages.1.role'"),
        ({"messages": [{"role": "user", "content": "x"}]}, "validation error"),
        (turns([{"text": " "}]), "is blank"),
        (turns([{"type": "text", "text": "x"}]), "exactly one known member"),
        (turns([{"unknown": 1}]), "exactly one known member"),
        (turns([RESULT], toolConfig=TOOLS), "Expected toolResult"),
        (turns(inferenceConfig={"maxTokens": 0}), "maxTokens"),
        (turns(inferenceConfig={"temperature": 2}), "temperature"),
        (turns(toolConfig={"tools": [{"toolSpec": {"name": "f"}}]}), "inputSchema"),
        (turns(outputConfig={"textFormat": {"structure": {}}}), "is not JSON"),
    ],
)
def test_what_is_refused(body: object, said: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(body)
    assert said in refused.value.message
    assert (refused.value.status, refused.value.kind) == (400, "ValidationException")


def test_a_body_that_is_no_json() -> None:
    with pytest.raises(Refused) as refused:
        parse_converse("m", b"{", SEALS, stream=False)
    assert refused.value.kind == "SerializationException"


def test_calls_and_results() -> None:
    with pytest.raises(Refused, match="toolConfig field must be defined"):
        loop(CALL, toolConfig=None)
    with pytest.raises(Refused, match="Ids: t1, t2"):
        loop(CALL, {"toolUse": {**CALL["toolUse"], "toolUseId": "t2"}})
    with pytest.raises(Refused, match=r"toolUse\.input is invalid"):
        loop({"toolUse": {**CALL["toolUse"], "input": "{}"}})
    with pytest.raises(Refused, match=r"content\.json is invalid"):
        loop(CALL, results=[{"toolResult": {"toolUseId": "t1", "content": [{"json": "x"}]}}])


def test_thoughts_come_back_as_they_were() -> None:
    veiled = {"reasoningContent": {"redactedContent": BLOB}}
    for said in ((THOUGHT, CALL), (veiled, CALL)):
        assert loop(*said, additionalModelRequestFields=THINKS).think
    with pytest.raises(Refused, match="Expected `thinking`"):
        loop(CALL, additionalModelRequestFields=THINKS)
    for wrong, word in (
        ({"reasoningText": {**SIGNED, "text": "oh"}}, "Invalid `signature`"),
        ({"reasoningText": {**SIGNED, "signature": Seals(2).seal(THINKING, "hm")}}, "Invalid `signature`"),
        ({"reasoningText": {"text": "hm"}}, "Field required"),
        ({"redactedContent": "AAAA"}, "Invalid `data`"),
        ({"redactedContent": "%"}, "Invalid `data`"),
    ):
        with pytest.raises(Refused, match=word):
            loop({"reasoningContent": wrong}, CALL)
