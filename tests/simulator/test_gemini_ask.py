import msgspec
import pytest

from simulated import contents
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.gemini_ask import THOUGHT, count_tokens, parse_embed, parse_generate
from waypost.simulator.seals import Seals

SEALS = Seals(1)
SIGNED = SEALS.wrap(THOUGHT, "x")
CALL = {"functionCall": {"name": "f", "args": {"b": "x y", "a": 1}}}
RESULT = {"functionResponse": {"name": "f", "response": {"sky": "very blue"}}}
THINKS = {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": -1}}


def parse(body: object) -> Ask:
    return parse_generate("sim-fast", msgspec.json.encode(body), SEALS, stream=False, sse=False)


def loop(*said: object, results: int = 1, **more: object) -> Ask:
    turns = [
        {"role": "user", "parts": [{"text": "hello"}]},
        {"role": "model", "parts": list(said)},
        {"role": "user", "parts": [RESULT] * results},
    ]
    return parse({"contents": turns, **more})


def test_prompt_tokens_by_the_documented_rule() -> None:
    parts = [
        {"text": "what is this"},
        {"inlineData": {"mimeType": "image/png", "data": ""}},
        {"inline_data": {"mime_type": "audio/wav", "data": ""}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "x"}},
    ]
    functions = {"functionDeclarations": [{"name": "f"}, {"name": "g"}]}
    ask = parse(contents(parts, systemInstruction={"parts": [{"text": "be brief"}]}, tools=[functions]))
    assert ask.prompt_tokens == 20 + 5 + (3 + 3 + 85 + 25 + 100)
    assert (ask.audio_input, ask.last_text) == (25, "what is this")
    # hello; the call with `{"a":1,"b":"x y"}`; `{"sky":"very blue"}`.
    assert loop(CALL).prompt_tokens == (3 + 1) + (3 + 5 + 2) + (3 + 2)


def test_fields_in_either_case() -> None:
    config = {
        "max_output_tokens": 7,
        "candidateCount": 2,
        "stopSequences": ["A"],
        "response_mime_type": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}},
    }
    ask = parse(contents(generation_config=config, simulate={"tokens": 3}))
    assert (ask.max_output, ask.choices, ask.stop, ask.simulate) == (7, 2, ("A",), {"tokens": 3})
    assert ask.schema == {"type": "object", "properties": {"a": {"type": "integer"}}}
    assert parse(contents(generationConfig={"responseMimeType": "application/json"})).schema == {}
    plain = {"responseMimeType": "application/json", "responseJsonSchema": {"$ref": "#/$defs/a"}}
    assert parse(contents(generationConfig=plain)).schema == {"$ref": "#/$defs/a"}


@pytest.mark.parametrize(
    ("config", "choice", "names"),
    [
        ({}, "auto", ["f", "g"]),
        ({"mode": "NONE"}, "none", ["f", "g"]),
        ({"mode": "ANY"}, "required", ["f", "g"]),
        ({"mode": "any", "allowed_function_names": ["g"]}, "required", ["g"]),
    ],
)
def test_tools(config: object, choice: str, names: list[str]) -> None:
    declared = [
        {"name": "f", "parameters": {"type": "OBJECT"}},
        {"name": "g", "parametersJsonSchema": {"type": "object", "additionalProperties": False}},
    ]
    tools = [{"function_declarations": declared}, {"googleSearch": {}}]
    ask = parse(contents(tools=tools, toolConfig={"functionCallingConfig": config}))
    assert (ask.tool_choice, [tool.name for tool in ask.tools]) == (choice, names)


@pytest.mark.parametrize(
    ("thinking", "think", "shown"),
    [
        ({}, None, None),
        ({"thinkingBudget": 0}, False, None),
        ({"thinking_level": "HIGH"}, True, None),
        ({"includeThoughts": True}, True, True),
        ({"includeThoughts": False}, None, None),
    ],
)
def test_thinking(thinking: object, think: bool | None, shown: bool | None) -> None:
    ask = parse(contents(generationConfig={"thinkingConfig": thinking}))
    assert (ask.think, ask.shown) == (think, shown)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "Root element"),
        ({}, "contents is not specified"),
        (contents(messages=[]), 'Unknown name "messages"'),
        (contents(generationConfig={"max_tokens": 3}), 'Unknown name "maxTokens"'),
        (contents(generationConfig={"candidateCount": 9}), "candidate_count"),
        (contents(generationConfig={"seed": "x"}), "Invalid value"),
        (contents(generationConfig={"responseSchema": {"type": "OBJECT"}}), "mime type"),
        ({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, "valid role"),
        ({"contents": [{"role": "user", "parts": []}]}, "parts must not be empty"),
        (contents([{"thought": True}]), "oneof field 'data'"),
        (contents([RESULT]), "number of function response parts"),
        (contents([{"functionCall": {"name": "f", "args": "x"}}]), "protobuf.Struct"),
        (contents([{"functionCall": {"args": {}}}]), "Name cannot be empty"),
        (contents(tools=[{"functionDeclarations": [{"name": ""}]}]), "Invalid function name"),
        (
            contents(
                tools=[
                    {"functionDeclarations": [{"name": "f", "parameters": {"additionalProperties": False}}]}
                ]
            ),
            'Unknown name "additionalProperties"',
        ),
    ],
)
def test_what_is_refused(body: object, said: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(body)
    assert said in refused.value.message
    assert refused.value.status == 400


def test_a_body_that_is_no_json() -> None:
    with pytest.raises(Refused):
        parse_generate("m", b"{", SEALS, stream=False, sse=False)


def test_calls_and_results_come_in_equal_numbers() -> None:
    with pytest.raises(Refused, match="equal to the number"):
        loop(CALL, CALL)
    assert loop(CALL, CALL, results=2).prompt_tokens


def test_a_streamed_answer_may_come_back_by_the_event() -> None:
    turns = [
        {"role": "user", "parts": [{"text": "hello"}]},
        {"role": "model", "parts": [CALL]},
        {"role": "model", "parts": [CALL]},
        {"role": "model", "parts": [{"text": ""}]},
        {"role": "user", "parts": [RESULT, RESULT]},
    ]
    assert parse({"contents": turns}).last_text == "hello"


def test_signatures_come_back_as_they_were() -> None:
    signed = {**CALL, "thoughtSignature": SIGNED}
    assert loop(signed, CALL, results=2, generationConfig=THINKS).think
    assert loop(
        {**CALL, "thoughtSignature": "skip_thought_signature_validator"}, generationConfig=THINKS
    ).think
    assert loop(CALL).think is None
    with pytest.raises(Refused, match="missing a thought_signature"):
        loop(CALL, generationConfig=THINKS)
    for changed in ("B" + SIGNED[1:], Seals(2).wrap(THOUGHT, "x"), 3, ""):
        with pytest.raises(Refused, match="Corrupted"):
            loop({**CALL, "thoughtSignature": changed})


def test_an_older_turn_needs_no_signature() -> None:
    turns = [
        {"role": "user", "parts": [{"text": "a"}]},
        {"role": "model", "parts": [CALL]},
        {"role": "user", "parts": [RESULT]},
        {"role": "model", "parts": [{"text": "b"}]},
        {"role": "user", "parts": [{"text": "c"}]},
    ]
    assert parse({"contents": turns, "generationConfig": THINKS}).last_text == "c"


def test_counting_and_embedding() -> None:
    body = msgspec.json.encode(contents("a b c"))
    assert count_tokens(body, SEALS) == 6
    whole = {"generateContentRequest": contents("a b", systemInstruction={"parts": [{"text": "c"}]})}
    assert count_tokens(msgspec.json.encode(whole), SEALS) == 9
    one = {"content": {"parts": [{"text": "a b"}]}, "output_dimensionality": 4, "taskType": "RETRIEVAL_QUERY"}
    ask = parse_embed("sim-embed", msgspec.json.encode(one), batch=False)
    assert (ask.inputs, ask.dimensions, ask.prompt_tokens) == ((b"a b",), 4, 2)
    both = parse_embed("sim-embed", msgspec.json.encode({"requests": [one, one]}), batch=True)
    assert both.inputs == (b"a b", b"a b")
    with pytest.raises(Refused):
        parse_embed("sim-embed", b'{"requests":[]}', batch=True)
