import msgspec
import pytest

from simulated import chat
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.cohere_ask import MAX_EMBEDDED, PLAN, parse_chat, parse_embed, parse_rerank

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "very blue"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def parse(content: object = "hello there", **more: object) -> Ask:
    return parse_chat(msgspec.json.encode(chat("sim-fast", content=content, **more)))


def loop(*after: object) -> Ask:
    turns = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "tool_plan": "a b", "tool_calls": [CALL]},
    ]
    return parse(messages=[*turns, *after])


def test_prompt_tokens_by_the_documented_rule() -> None:
    parts = [{"type": "text", "text": "what is this"}, {"type": "image_url", "image_url": {"url": "data:x"}}]
    ask = parse(parts, tools=[TOOL], documents=["a b", {"data": {"text": "c d"}}])
    # The second document as `{"data":{"text":"c d"}}`.
    assert ask.prompt_tokens == 10 + 2 + 2 + (3 + 3 + 85)
    assert (ask.last_text, ask.preface) == ("what is this", PLAN)
    assert loop(RESULT).prompt_tokens == (3 + 1) + (3 + 2 + 5 + 2) + (3 + 2)
    thought = {"role": "assistant", "content": [{"type": "thinking", "thinking": "a b c"}]}
    document = {"role": "user", "content": [{"type": "document", "document": {"data": "x"}}]}
    assert parse(messages=[thought, document]).prompt_tokens == 6 + 103


def test_fields() -> None:
    form = {"type": "json_object", "json_schema": {"type": "object"}}
    ask = parse(
        tools=[TOOL],
        tool_choice="REQUIRED",
        max_tokens=7,
        stop_sequences=["A"],
        response_format=form,
        thinking={"type": "enabled", "token_budget": 100},
        simulate={"tokens": 3},
    )
    assert (ask.tool_choice, ask.max_output, ask.stop, ask.schema) == (
        "required",
        7,
        ("A",),
        {"type": "object"},
    )
    assert (ask.think, ask.shown, ask.simulate) == (True, True, {"tokens": 3})
    assert [tool.name for tool in ask.tools] == ["f"]
    assert parse(thinking={"type": "disabled"}).think is False
    assert parse(response_format={"type": "json_object"}).schema == {}
    assert parse(response_format={"type": "text"}).schema is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "must be valid json"),
        (b"{}", "missing required field `model`"),
        (b'{"model":"m","messages":[]}', "must not be empty"),
        (b'{"model":"m","messages":[{"role":"model"}]}', "unknown role"),
        (b'{"model":"m","messages":[{"role":"tool","tool_call_id":"c9"}]}', "'c9' not found"),
        (
            b'{"model":"m","messages":[{"role":"user"}],"tools":[{"type":"function"}]}',
            "function.name is required",
        ),
    ],
)
def test_what_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_chat(body)
    assert (refused.value.status, said in refused.value.message) == (400, True)


def test_every_call_has_its_result() -> None:
    for after in ([], [{"role": "user", "content": "x"}]):
        with pytest.raises(Refused, match="must have a corresponding tool result"):
            loop(*after)


def test_embeddings() -> None:
    def embed(**more: object) -> Ask:
        return parse_embed(msgspec.json.encode({"model": "sim-embed", "input_type": "search_query", **more}))

    ask = embed(texts=["a b", "c"], images=["data:x"], embedding_types=["int8"], output_dimension=4)
    assert (ask.inputs, ask.prompt_tokens, ask.dimensions) == ((b"a b", b"c", b"data:x"), 3 + 85, 4)
    mixed = embed(inputs=[{"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}])
    assert mixed.inputs == (b"a b",)
    for wrong in ({}, {"texts": ["x"] * (MAX_EMBEDDED + 1)}, {"texts": ["x"], "embedding_types": ["float8"]}):
        with pytest.raises(Refused):
            embed(**wrong)
    with pytest.raises(Refused, match="input_type"):
        parse_embed(b'{"model":"m","texts":["x"]}')


def test_ranks() -> None:
    body = {"query": "a b", "documents": ["c", {"text": "d e"}], "top_n": 1, "return_documents": True}
    ask = parse_rerank(msgspec.json.encode(body), 1)
    assert (ask.model, ask.prompt_tokens, ask.operation) == ("sim-rerank", 5, "rerank")
    assert ask.echo == {"documents": ["c", "d e"], "top_n": 1, "told": True, "version": 1}


@pytest.mark.parametrize("wrong", [{"documents": []}, {"documents": ["a"], "top_n": 0}])
def test_ranks_that_can_not_be(wrong: dict[str, object]) -> None:
    with pytest.raises(Refused):
        parse_rerank(msgspec.json.encode({"query": "a", **wrong}), 2)
