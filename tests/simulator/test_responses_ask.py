import msgspec
import pytest

from simulated import response
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.responses_ask import REASONING, parse_response
from waypost.simulator.seals import Seals

SEALS = Seals(1)
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "very blue"}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": SEALS.wrap(REASONING, "x")}
EARLIER = {"resp_1": [{"type": "message", "role": "user", "content": "a b"}]}


def parse(content: object = "hello there", **more: object) -> Ask:
    body = msgspec.json.encode(response("sim-fast", content=content, **more))
    return parse_response(body, SEALS, EARLIER.get, {"rs_known"}.__contains__)


def told(content: object = "x", **more: object) -> str:
    with pytest.raises(Refused) as refused:
        parse(content, **more)
    assert refused.value.status == 400
    return refused.value.message


def said(*parts: object, role: str = "user") -> dict[str, object]:
    return {"role": role, "content": list(parts)}


def test_prompt_tokens_by_the_documented_rule() -> None:
    assert parse().prompt_tokens == 5
    parts = [
        {"type": "input_text", "text": "what is this"},
        {"type": "input_image", "image_url": "data:x"},
        {"type": "input_file", "file_id": "x"},
        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
    ]
    ask = parse([said(*parts)], instructions="be brief", tools=[{"type": "function", "name": "f"}])
    assert ask.prompt_tokens == 10 + (3 + 2) + (3 + 3 + 85 + 100 + 25)
    assert (ask.audio_input, ask.last_text) == (25, "what is this")
    assert parse([CALL, RESULT]).prompt_tokens == (5 + 2) + (3 + 2)


def test_fields() -> None:
    custom = {"type": "custom", "name": "g"}
    ask = parse(
        tools=[
            {"type": "function", "name": "f", "parameters": {"type": "object"}},
            custom,
            {"type": "web_search"},
        ],
        tool_choice={"type": "function", "name": "f"},
        parallel_tool_calls=False,
        max_output_tokens=16,
        text={"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}},
        reasoning={"effort": "low", "summary": "auto"},
        include=["reasoning.encrypted_content"],
        store=False,
        stream_options={"include_obfuscation": False},
        simulate={"tokens": 3},
    )
    assert [(tool.name, tool.free) for tool in ask.tools] == [("f", False), ("g", True)]
    assert (ask.tool_choice, ask.parallel, ask.max_output, ask.obfuscate) == ("=f", False, 16, False)
    assert (ask.schema, ask.think, ask.shown) == ({"type": "object"}, True, True)
    assert (ask.echo["encrypt"], ask.echo["store"], ask.simulate) == (True, False, {"tokens": 3})
    assert parse(text={"format": {"type": "json_object"}}).schema == {}
    assert parse(text={"format": {"type": "text"}}).schema is None
    assert parse(reasoning={"effort": "none"}).think is False
    allowed = {"type": "allowed_tools", "mode": "required", "tools": []}
    assert [parse(tool_choice=choice).tool_choice for choice in ("none", allowed)] == ["none", "required"]


def test_an_earlier_response_comes_first() -> None:
    assert parse("c", previous_response_id="resp_1").prompt_tokens == (3 + 2) + (3 + 1)
    assert "not found" in told(previous_response_id="resp_2")


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        ("", {}, "Missing required parameter: 'input'"),
        ([], {}, "Missing required parameter: 'input'"),
        ("x", {"messages": []}, "Unknown parameter: 'messages'"),
        ("x", {"max_output_tokens": 15}, "Expected a value >= 16"),
        ("x", {"temperature": "x"}, "Invalid type"),
        ("x", {"tools": [{"type": "function", "function": {"name": "f"}}]}, "'tools[0].name'"),
        ("x", {"text": {"format": {"type": "json_schema"}}}, "'text.format.schema'"),
        ([said({"type": "text", "text": "x"})], {}, "Invalid value: 'text'"),
        ([said({"type": "input_text", "text": "x"}, role="assistant")], {}, "Invalid value: 'input_text'"),
        ([{"role": "tool", "content": "x"}], {}, "Invalid value: 'tool'"),
        ([{"role": "user"}], {}, "'input[0].content'"),
        ([CALL], {}, "No tool output found for function call c1"),
        ([RESULT], {}, "No tool call found"),
        ([CALL, {**RESULT, "type": "custom_tool_call_output"}], {}, "No tool call found"),
        ([{**CALL, "id": "call_1"}, RESULT], {}, "begins with 'fc'"),
        ([{"type": "reasoning", "id": "rs_2", "summary": []}], {}, "Item with id 'rs_2' not found"),
        ([{**THOUGHT, "encrypted_content": "AAAA"}], {}, "could not be verified"),
        ([{**THOUGHT, "encrypted_content": Seals(2).wrap(REASONING, "x")}], {}, "could not be verified"),
    ],
)
def test_what_is_refused(content: object, more: dict[str, object], message: str) -> None:
    assert message in told(content, **more)


def test_a_body_that_is_no_json() -> None:
    with pytest.raises(Refused):
        parse_response(b"{", SEALS, EARLIER.get, lambda _: False)
    with pytest.raises(Refused, match="Missing required parameter: 'model'"):
        parse_response(b"{}", SEALS, EARLIER.get, lambda _: False)


def test_reasoning_that_comes_back() -> None:
    known = {"type": "reasoning", "id": "rs_known", "summary": [{"type": "summary_text", "text": "a b"}]}
    assert parse([THOUGHT, {**CALL, "id": "fc_1"}, RESULT, known]).prompt_tokens == 7 + 5 + 2
