import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.simulator.ask import Refused
from waypost.simulator.openai_ask import parse_chat, parse_completions, parse_embeddings


def body(**fields: object) -> bytes:
    return msgspec.json.encode({"model": "sim-fast", **fields})


def said(*contents: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": content} for content in contents]


def test_prompt_tokens_by_the_documented_rule() -> None:
    messages: list[dict[str, object]] = [
        {"role": "system", "content": "be  very brief"},  # 3 + 3
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what is this"},
                {"type": "image_url", "image_url": {"url": "data:x"}},
                {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
                {"type": "file", "file": {"file_id": "x"}},
            ],
        },  # 3 + 3 + 85 + 25 + 100
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
            ],
        },  # 3 + 5 + 2
    ]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]  # 10
    ask = parse_chat(body(messages=messages, tools=tools))
    assert ask.prompt_tokens == 6 + 216 + 10 + 10
    assert ask.audio_input == 25
    assert ask.last_text == "what is this"


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8")), min_size=1, max_size=5))
def test_words_and_three_per_message(texts: list[str]) -> None:
    assert parse_chat(body(messages=said(*texts))).prompt_tokens == sum(
        3 + len(text.split()) for text in texts
    )


def test_fields() -> None:
    ask = parse_chat(
        body(
            messages=said("x"),
            stream=True,
            stream_options={"include_usage": True, "include_obfuscation": False},
            n=2,
            max_tokens=5,
            max_completion_tokens=7,
            tool_choice={"type": "function", "function": {"name": "f"}},
            parallel_tool_calls=False,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "s", "schema": {"type": "object"}},
            },
            logprobs=True,
            top_logprobs=3,
            service_tier="flex",
        )
    )
    assert (ask.stream, ask.wants_usage, ask.obfuscate, ask.choices, ask.max_output) == (
        True,
        True,
        False,
        2,
        7,
    )
    assert (ask.tool_choice, ask.parallel, ask.schema) == ("=f", False, {"type": "object"})
    assert (ask.top_logprobs, ask.tier) == (3, "flex")


def test_completions_prompts() -> None:
    assert parse_completions(body(prompt=["a b", "c"], n=2)).choices == 4
    assert parse_completions(body(prompt=["a b", "c"])).prompt_tokens == 3
    assert parse_completions(body(prompt=[5, 6, 7])).prompt_tokens == 3
    assert parse_completions(body(prompt=[[5, 6], [7]])).prompt_tokens == 3


def test_embedding_inputs() -> None:
    ask = parse_embeddings(body(input=["a b", "c"], encoding_format="base64", dimensions=4))
    assert (ask.inputs, ask.prompt_tokens, ask.base64, ask.dimensions) == ((b"a b", b"c"), 3, True, 4)
    assert parse_embeddings(body(input=[[1, 2], [3]])).inputs == (b"1 2", b"3")


def test_too_many_inputs_are_refused() -> None:
    assert len(parse_embeddings(body(input=["x"] * 2048)).inputs) == 2048
    with pytest.raises(Refused):
        parse_embeddings(body(input=["x"] * 2049))


@pytest.mark.parametrize(
    ("made", "param"),
    [
        (b"{", None),
        (b"", None),
        (b"[]", None),
        (b"{}", "model"),
        (body(messages=[]), "messages"),
        (body(messages=said(5)), "messages[0].content"),
        (body(messages=said("x"), n=0), "n"),
        (body(messages=said("x"), max_tokens=0), "max_tokens"),
    ],
)
def test_refusals_name_the_field(made: bytes, param: str | None) -> None:
    with pytest.raises(Refused) as refused:
        parse_chat(made)
    assert (refused.value.status, refused.value.param) == (400, param)
