from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.golden import cases
from effort import examples
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import (
    ChatRequest,
    Media,
    Message,
    ResponseFormat,
    Sampling,
    Text,
    ToolCall,
    ToolResult,
)
from waypost.dialects.anthropic_messages.request import parse_fields, render_request
from waypost.dialects.fields import parse_body
from waypost.errors import InvalidRequest, Unrepresentable

HI = (Message("user", (Text("hi"),)),)


def parse(body: Any) -> ChatRequest:
    return parse_fields(parse_body(msgspec.json.encode(body)))


def render(request: ChatRequest) -> tuple[Any, tuple[str, ...]]:
    loss = Loss()
    return msgspec.json.decode(render_request(request, Quirks(), loss)), loss.names


@pytest.mark.parametrize("case", cases("anthropic_messages", "requests"))
def test_golden_round_trip(case: Any) -> None:
    assert render(parse(case["body"])) == (case["body"], ())


json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
words = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=5)
hint = st.sampled_from([{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}, {"type": "x"}, 7])
citation = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["char_location", "web_search_result_location", "new"])},
        optional={"cited_text": json, "title": json, "document_title": json, "url": json, "x": json},
    ),
    st.dictionaries(st.sampled_from(["type", "title"]), json, max_size=2),
)
text = st.fixed_dictionaries(
    {"type": st.just("text"), "text": words},
    optional={"cache_control": hint, "citations": st.lists(citation, max_size=2) | json, "x": json},
)
source = st.one_of(
    st.fixed_dictionaries({"type": st.just("url"), "url": words}),
    st.fixed_dictionaries({"type": st.just("file"), "file_id": words}),
    st.just({"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}),
    st.fixed_dictionaries({"type": st.just("text"), "media_type": st.just("text/plain"), "data": words}),
    st.dictionaries(st.sampled_from(["type", "url", "data"]), json, max_size=3),
)
media = st.fixed_dictionaries(
    {"type": st.sampled_from(["image", "document"]), "source": source},
    optional={"title": json, "context": json, "cache_control": hint},
)
# A document has to be of a kind that Anthropic takes; a picture sent as one is not what it sends back.
media = media.filter(lambda block: block["type"] == "image" or block["source"].get("type") != "base64")
call = st.fixed_dictionaries(
    {"type": st.just("tool_use"), "id": st.sampled_from(["a", "b-1"]), "name": words, "input": json},
    optional={"cache_control": hint, "caller": json},
)
result = st.fixed_dictionaries(
    {"type": st.just("tool_result"), "tool_use_id": st.sampled_from(["a", "b-1"])},
    optional={
        "content": words | st.lists(text | media | json, max_size=2),
        "is_error": json,
        "cache_control": hint,
        "x": json,
    },
)
thought = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("thinking"), "thinking": st.text(max_size=3)}, optional={"signature": json}
    ),
    st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": words}),
)
content = words | st.lists(text | media | call | result | thought | json, min_size=1, max_size=4)
turn = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system"]), "content": content}, optional={"x": json}
)
tool = st.one_of(
    st.fixed_dictionaries(
        {"name": words, "input_schema": st.dictionaries(words, json, max_size=2)},
        optional={"type": st.sampled_from(["custom", None, "bash_20250124"]), "strict": json, "x": json},
    ),
    json,
)
body = st.fixed_dictionaries(
    {"model": words, "max_tokens": st.integers(1, 9), "messages": st.lists(turn, min_size=1, max_size=4)},
    optional={
        "system": words | st.lists(text, max_size=2) | json,
        "tools": st.lists(tool, max_size=2) | json,
        "mcp_servers": st.lists(json, max_size=2),
        "tool_choice": st.fixed_dictionaries(
            {"type": st.sampled_from(["auto", "any", "tool", "none", "new"])},
            optional={"name": words, "disable_parallel_tool_use": st.booleans(), "x": json},
        )
        | json,
        "thinking": st.fixed_dictionaries(
            {"type": st.sampled_from(["enabled", "adaptive", "disabled", "between_tools"])},
            optional={
                "budget_tokens": st.integers(-1, 9),
                "display": st.sampled_from(["omitted", "x"]),
                "x": json,
            },
        )
        | json,
        "output_config": st.fixed_dictionaries(
            {},
            optional={
                "effort": st.sampled_from(["low", "max", "x"]),
                "format": st.just({"type": "json_schema", "schema": {}}) | json,
                "x": json,
            },
        )
        | json,
        "output_format": st.just({"type": "json_schema", "schema": {}}) | json,
        "metadata": st.fixed_dictionaries({}, optional={"user_id": json, "x": json}) | json,
        "service_tier": st.sampled_from(["auto", "standard_only", "x"]) | json,
        "stop_sequences": st.lists(st.text(max_size=2), max_size=2) | json,
        "temperature": st.floats(0, 2) | json,
        "top_k": st.integers(0, 9) | json,
        "stream": st.booleans() | st.none(),
        "container": json,
    },
)


@settings(deadline=None, max_examples=examples(300))
@given(body)
def test_what_was_parsed_renders_and_parses_the_same(body: Any) -> None:
    request = parse(body)
    shown, lost = render(request)
    assert lost == ()
    assert parse(shown) == request
    assert render(parse(shown)) == (shown, ())


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (["x"], "messages[0]"),
        ([{"role": "tool", "content": "x"}], "messages[0].role"),
        ([{"content": "x"}], "messages[0].role"),
        ([{"role": "user", "content": "x"}, {"role": "user"}], "messages[1].content"),
        ([{"role": "user", "content": 7}], "messages[0].content"),
    ],
)
def test_what_is_no_message(messages: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse({"model": "m", "messages": messages})
    assert caught.value.param == param


def test_what_the_core_sees() -> None:
    request = parse(
        next(c.values[0]["body"] for c in cases("anthropic_messages", "requests") if c.id == "sampling")
    )
    assert request.sampling == Sampling(temperature=0.5, top_p=0.9, top_k=40, stop=("END", "\n\nHuman:"))
    assert (request.user, request.tier, request.max_output) == ("u-1", "default", 1024)
    assert request.stream
    assert request.wants_usage


def test_a_request_of_another_dialect_is_complete() -> None:
    shown, lost = render(ChatRequest("claude-sonnet-4-5", HI))
    assert shown == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }
    assert lost == ()


def test_settings_without_a_word_are_named() -> None:
    request = ChatRequest(
        "m",
        HI,
        sampling=Sampling(frequency_penalty=1, presence_penalty=1, seed=0),
        choices=2,
        tier="flex",
        top_logprobs=0,
        metadata={"a": "b"},
        verbosity="low",
        cache_key="k",
        modalities=("text", "audio"),
        response_format=ResponseFormat("json_object"),
        show_thinking=True,
    )
    shown, lost = render(request)
    assert shown.keys() == {"model", "max_tokens", "messages"}
    assert set(lost) == {
        "frequency_penalty", "presence_penalty", "seed", "choices", "tier", "top_logprobs", "metadata", "verbosity",
        "cache_key", "modalities", "response_format", "show_thinking",
    }  # fmt: skip


def test_settings_that_say_nothing_are_not_named() -> None:
    request = ChatRequest(
        "m",
        HI,
        sampling=Sampling(frequency_penalty=0, presence_penalty=0, top_p=1),
        modalities=("text",),
        metadata={},
        response_format=ResponseFormat("text"),
    )
    assert render(request)[1] == ()
    assert "top_p" not in render(request)[0]


@pytest.mark.parametrize(
    ("model", "sampling", "sent", "lost"),
    [
        ("claude-sonnet-4-5", Sampling(temperature=1.5), {"temperature": 1.0}, ("temperature",)),
        ("claude-sonnet-4-5", Sampling(temperature=0.5, top_p=1), {"temperature": 0.5}, ()),
        ("claude-opus-4-7", Sampling(temperature=0.5, top_k=3), {}, ("temperature", "top_k")),
        ("claude-opus-5-5", Sampling(temperature=1, top_p=1), {}, ()),
        ("claude-sonnet-4-5", Sampling(stop=("a", " ")), {"stop_sequences": ["a"]}, ("stop",)),
    ],
)
def test_sampling(model: str, sampling: Sampling, sent: Any, lost: tuple[str, ...]) -> None:
    shown, names = render(ChatRequest(model, HI, sampling=sampling))
    assert {n: v for n, v in shown.items() if n not in ("model", "max_tokens", "messages")} == sent
    assert names == lost


def test_a_schema_loses_its_name() -> None:
    wanted = ResponseFormat("json_schema", "n", "d", msgspec.Raw(b'{"type":"object"}'), True)
    shown, lost = render(ChatRequest("m", HI, response_format=wanted))
    closed = {"type": "object", "additionalProperties": False}
    assert shown["output_config"] == {"format": {"type": "json_schema", "schema": closed}}
    assert lost == ("response_format.name", "response_format.description")


def test_media_of_the_model_are_refused() -> None:
    picture = Media("image", data="iVBORw0KGgo=", mime="image/png")
    with pytest.raises(Unrepresentable) as caught:
        render(ChatRequest("m", (*HI, Message("assistant", (picture,)))))
    assert caught.value.param == "messages[1].content[0]"


def test_an_error_that_says_nothing_is_no_error_to_anthropic() -> None:
    turn = Message("assistant", (ToolCall("c", "f", "{}"),))
    shown, lost = render(ChatRequest("m", (*HI, turn, Message("tool", (ToolResult("c", (), True),)))))
    assert shown["messages"][2]["content"] == [{"type": "tool_result", "tool_use_id": "c"}]
    assert lost == ("messages[2].is_error",)


def test_a_provider_may_refuse_a_field() -> None:
    loss = Loss()
    request = ChatRequest("m", HI, tier="auto", user="u")
    shown = msgspec.json.decode(
        render_request(request, Quirks(drop=("service_tier", "metadata", "top_k")), loss)
    )
    assert shown.keys() == {"model", "max_tokens", "messages"}
    assert loss.names == ("tier", "user")


def test_a_system_prompt_alone_is_no_request() -> None:
    with pytest.raises(Unrepresentable) as caught:
        render(ChatRequest("m", (Message("system", (Text("x"),)),)))
    assert caught.value.param == "messages"
