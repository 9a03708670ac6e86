import msgspec
import pytest

from simulated import messages
from waypost.simulator.anthropic_ask import REDACTED, THINKING, parse_messages
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.seals import Seals

SEALS = Seals(1)
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": SEALS.seal(THINKING, "hm")}
VEILED = {"type": "redacted_thinking", "data": SEALS.wrap(REDACTED, "x")}
CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {"b": "x y", "a": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "it is sunny"}]}
THINKS = {"type": "enabled", "budget_tokens": 1024}
TOOL = {"name": "f", "input_schema": {"type": "object"}}


def parse(**fields: object) -> Ask:
    body = messages("sim-fast", **fields)
    return parse_messages(msgspec.json.encode({k: v for k, v in body.items() if v is not None}), SEALS)


def loop(*said: object, results: tuple[object, ...] = (RESULT,), **more: object) -> Ask:
    turns = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": list(said)},
        {"role": "user", "content": list(results)},
    ]
    return parse(messages=turns, tools=[TOOL], **more)


def told(**fields: object) -> str:
    with pytest.raises(Refused) as refused:
        parse(**fields)
    assert refused.value.status == 400
    return refused.value.message


def test_prompt_tokens_by_the_documented_rule() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://x"}}
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
    content = [{"type": "text", "text": "what is this"}, image, document]
    ask = parse(content=content, system="be  very brief", tools=[TOOL])
    assert ask.prompt_tokens == 10 + (3 + 3) + (3 + 3 + 85 + 100)
    assert ask.last_text == "what is this"
    # 10 for the tool; hello; thought and call with `{"a":1,"b":"x y"}`; result.
    assert loop(THOUGHT, VEILED, CALL).prompt_tokens == 10 + (3 + 1) + (3 + 1 + 0 + 5 + 2) + (3 + 3)


def test_fields() -> None:
    ask = parse(
        stream=True,
        stop_sequences=["A", "B"],
        tools=[TOOL, {"type": "web_search_20250305", "name": "web_search"}],
        tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}},
        simulate={"tokens": 3},
    )
    assert (ask.stream, ask.stop, ask.tool_choice, ask.parallel) == (True, ("A", "B"), "=f", False)
    assert [tool.name for tool in ask.tools] == ["f"]
    assert (ask.schema, ask.simulate, ask.max_output) == ({"type": "object"}, {"tokens": 3}, 4096)
    assert [parse(tool_choice={"type": kind}).tool_choice for kind in ("auto", "any", "none")] == [
        "auto",
        "required",
        "none",
    ]


@pytest.mark.parametrize(
    ("thinking", "think", "shown"),
    [
        (None, None, None),
        ({"type": "disabled"}, False, None),
        (THINKS, True, True),
        ({"type": "adaptive", "display": "omitted"}, True, False),
    ],
)
def test_thinking(thinking: object, think: bool | None, shown: bool | None) -> None:
    ask = parse(thinking=thinking)
    assert (ask.think, ask.shown) == (think, shown)


def test_what_is_to_be_cached() -> None:
    control = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    ask = parse(
        system=[{"type": "text", "text": "a b", **control}],
        content=[{"type": "text", "text": "c", "cache_control": {"type": "ephemeral"}}],
    )
    assert [(mark.tokens, mark.ttl_s) for mark in ask.marks] == [(5, 3600), (9, 300)]
    other = parse(system=[{"type": "text", "text": "a b", **control}], content="d")
    assert other.marks == ask.marks[:1]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "max_tokens: must be"),
        ({"messages": []}, "messages: at least one"),
        ({"temperature": 1.5}, "temperature: range"),
        ({"frequency_penalty": 1}, "frequency_penalty: Extra inputs are not permitted"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"content": "x"}]}, "messages.0.role: Field required"),
        ({"content": ""}, "text content blocks must be non-empty"),
        ({"content": [{"text": "x"}]}, "messages.0.content.0.type"),
        ({"content": [RESULT]}, "unexpected `tool_use_id`"),
        ({"messages": [{"role": "assistant", "content": [CALL]}]}, "without `tool_result`"),
        ({"tools": [{"name": "f"}]}, "tools.0.custom.input_schema"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10}}, "budget_tokens"),
        ({"thinking": THINKS, "max_tokens": 1024}, "`max_tokens` must be greater"),
        ({"thinking": THINKS, "tool_choice": {"type": "any"}}, "tool_choice forces tool use"),
        ({"thinking": THINKS, "temperature": 0.5}, "`temperature` may only be set to 1"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
        ({"top_k": "x"}, "top_k"),
        ({"anthropic_version": "x"}, "anthropic_version: Extra inputs"),
    ],
)
def test_what_is_refused(fields: dict[str, object], said: str) -> None:
    assert said in told(**fields)


def test_a_body_that_is_no_json() -> None:
    with pytest.raises(Refused, match="model: Field required"):
        parse_messages(b'{"messages":[],"max_tokens":1}', SEALS)
    with pytest.raises(Refused):
        parse_messages(b"{", SEALS)


def test_thoughts_come_back_as_they_were() -> None:
    assert loop(THOUGHT, CALL, thinking=THINKS).think
    assert loop(VEILED, CALL, thinking=THINKS).think
    assert loop(CALL).prompt_tokens
    for said, word in (
        ((CALL,), "Expected `thinking`"),
        (({**THOUGHT, "signature": "A" + str(THOUGHT["signature"])[1:]}, CALL), "Invalid `signature`"),
        (({**THOUGHT, "thinking": "oh"}, CALL), "Invalid `signature`"),
        (({"type": "thinking", "thinking": "hm"}, CALL), "signature: Field required"),
        (({**VEILED, "data": "AAAA"}, CALL), "Invalid `data`"),
    ):
        with pytest.raises(Refused, match=word):
            loop(*said, thinking=THINKS)
    with pytest.raises(Refused, match="Invalid `signature`"):
        loop({**THOUGHT, "signature": Seals(2).seal(THINKING, "hm")}, CALL)


def test_every_call_needs_its_result() -> None:
    with pytest.raises(Refused, match="without `tool_result` blocks immediately after: t2"):
        loop(CALL, {**CALL, "id": "t2"})
