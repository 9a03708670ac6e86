from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dialects.golden import cases
from effort import examples
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Message, ResponseFormat, Sampling, Text, ToolChoice
from waypost.dialects.fields import parse_object
from waypost.dialects.openai_responses.request import parse_fields, render_request
from waypost.errors import InvalidRequest

from .bare import bare_parts


def parse(body: Any) -> ChatRequest:
    return parse_fields(parse_object(msgspec.json.encode(body)))


def render(request: ChatRequest, loss: Loss | None = None, quirks: Quirks = Quirks()) -> Any:  # noqa: B008
    return msgspec.json.decode(render_request(request, quirks, loss if loss is not None else Loss()))


@pytest.mark.parametrize("case", cases("openai_responses", "requests"))
def test_golden_round_trip(case: Any) -> None:
    request = parse(case["body"])
    loss = Loss()
    assert render(request, loss) == case["body"]
    assert loss.names == ()
    assert parse(render(request)) == request


json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
odd = st.dictionaries(st.sampled_from(["x", "id", "status", "phase", "text.y", "content"]), json, max_size=2)


def typed(kind: str, required: dict[str, Any], **optional: Any) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"type": st.just(kind), **required}, optional=optional)


texts = st.text(max_size=5)
input_part = st.one_of(
    typed(
        "input_text",
        {"text": texts},
        prompt_cache_breakpoint=st.sampled_from(
            [{"mode": "explicit"}, {"mode": "explicit", "ttl": "30m"}, 7]
        ),
        x=json,
    ),
    typed(
        "input_image",
        {"image_url": st.sampled_from(["https://e.org/a", "data:image/png;base64,AA==", "data:,x"]) | json},
        detail=st.sampled_from(["low", None]),
        file_id=texts | st.none(),
    ),
    typed(
        "input_file",
        {},
        file_data=st.sampled_from(["data:a/b;base64,AA", "AA"]),
        file_id=texts,
        file_url=texts,
        filename=texts | json,
    ),
    typed("input_audio", {"input_audio": st.just({"data": "AA", "format": "wav"}) | json}),
    json,
)
citation = typed("url_citation", {"url": texts, "title": texts, "start_index": st.integers(0, 5)}, x=json)
output_part = st.one_of(
    typed(
        "output_text",
        {"text": texts},
        annotations=st.lists(citation | json, max_size=2) | json,
        logprobs=json,
    ),
    typed("refusal", {"refusal": texts}, x=json),
    typed("input_text", {"text": texts}),
    json,
)
summary = st.lists(typed("summary_text", {"text": texts}) | json, max_size=2) | json
content = st.lists(typed("reasoning_text", {"text": texts}) | json, max_size=2) | json
item = st.one_of(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "system", "developer"]),
            "content": texts | st.lists(input_part, max_size=3),
        },
        optional={"type": st.just("message"), "id": json, "status": json, "x": json},
    ),
    st.fixed_dictionaries(
        {"role": st.just("assistant"), "content": texts | st.lists(output_part, max_size=3)},
        optional={"type": st.just("message"), "id": json, "status": json, "phase": json, "x": json},
    ),
    typed(
        "function_call", {"call_id": texts, "name": texts, "arguments": texts}, id=json, status=json, x=json
    ),
    typed("custom_tool_call", {"call_id": texts, "name": texts, "input": texts}, id=json, x=json),
    typed(
        "function_call_output",
        {"call_id": texts, "output": texts | st.lists(input_part, max_size=2)},
        id=json,
        name=texts | json,
        x=json,
    ),
    typed("custom_tool_call_output", {"call_id": texts, "output": texts | st.lists(input_part, max_size=2)}),
    typed("reasoning", {"summary": summary}, content=content, id=json, status=json, x=json),
    typed("reasoning", {"summary": summary, "encrypted_content": st.text("AB", min_size=1)}, content=content),
    typed("web_search_call", {}, action=json),
    typed("item_reference", {"id": texts}),
)
tool = st.one_of(
    typed(
        "function",
        {"name": texts},
        description=texts | json,
        parameters=json,
        strict=st.booleans() | json,
        x=json,
    ),
    typed("custom", {"name": texts}, description=texts, format=json),
    typed("web_search", {}, x=json),
    json,
)
choice = st.one_of(
    st.sampled_from(
        ["auto", "none", "required", {"type": "function", "name": "a"}, {"type": "custom", "name": "a"}]
    ),
    typed("allowed_tools", {"mode": st.sampled_from(["auto", "x"]), "tools": st.lists(tool, max_size=2)}),
    json,
)
number = st.integers(-3, 3) | st.floats(-2, 2) | json
body = st.fixed_dictionaries(
    {"model": st.text(min_size=1, max_size=4), "input": texts | st.lists(item, min_size=1, max_size=4)},
    optional={
        "instructions": texts | json,
        "tools": st.lists(tool, max_size=2) | json,
        "tool_choice": choice,
        "parallel_tool_calls": json,
        "text": st.fixed_dictionaries(
            {},
            optional={
                "format": typed("json_schema", {"name": texts, "schema": json}, strict=json, x=json) | json,
                "verbosity": st.sampled_from(["low", "odd", None]),
                "x": json,
            },
        )
        | json,
        "reasoning": st.fixed_dictionaries(
            {},
            optional={
                "effort": st.sampled_from(["low", "max", "odd", None]),
                "summary": st.sampled_from(["auto", "detailed", "odd", None]),
                "generate_summary": st.sampled_from(["auto", None]),
                "context": json,
            },
        )
        | json,
        "include": st.lists(
            st.sampled_from(["message.output_text.logprobs", "reasoning.encrypted_content", "x"]), max_size=2
        )
        | json,
        "max_output_tokens": number,
        "temperature": number,
        "top_p": number,
        "top_logprobs": number,
        "metadata": st.dictionaries(texts, texts, max_size=2) | json,
        "user": texts | json,
        "safety_identifier": texts | json,
        "prompt_cache_key": json,
        "service_tier": json,
        "store": json,
        "stream": json,
        "previous_response_id": json,
        "x_vendor": json,
    },
)


@settings(deadline=None, max_examples=examples(300))
@given(body)
@example(
    {
        "model": "m",
        "input": [{"type": "function_call", "call_id": "", "name": "", "arguments": ""}],
        "tools": [{"type": "custom", "name": ""}],
    }
)
@example(
    {
        "model": "m",
        "input": "",
        "tools": [{"type": "custom", "name": "a"}],
        "tool_choice": {"type": "function", "name": "a"},
    }
)
def test_the_round_trip_is_the_identity(wire: Any) -> None:
    request = parse(wire)
    assert render(request) == wire
    assert parse(render(request)) == request


def test_what_the_core_sees() -> None:
    request = parse(
        {
            "model": "m",
            "instructions": "Be short.",
            "input": "Hi",
            "max_output_tokens": 9,
            "temperature": 0.5,
            "reasoning": {"effort": "low", "summary": "detailed"},
            "text": {"format": {"type": "json_object"}, "verbosity": "high"},
            "tool_choice": "required",
            "top_logprobs": 2,
            "safety_identifier": "h1",
            "service_tier": "flex",
            "prompt_cache_key": "k",
            "metadata": {"a": "b"},
            "stream": True,
        }
    )
    assert request.messages == (Message("system", (Text("Be short."),)), Message("user", (Text("Hi"),)))
    assert (request.max_output, request.sampling) == (9, Sampling(temperature=0.5))
    assert (request.effort, request.show_thinking) == ("low", True)
    assert (request.response_format, request.verbosity) == (ResponseFormat("json_object"), "high")
    assert (request.tool_choice, request.top_logprobs) == (ToolChoice("required"), 2)
    assert (request.user, request.tier, request.cache_key) == ("h1", "flex", "k")
    assert (request.metadata, request.stream, request.wants_usage) == ({"a": "b"}, True, True)
    assert request.extras is not None
    assert request.extras.fields == {}


def test_everything_of_another_dialect_is_said_or_named() -> None:
    loss = Loss()
    request = ChatRequest(
        "m",
        (Message("user", (Text("Hi"),)),),
        tool_choice=ToolChoice("one", "f"),
        parallel_tool_calls=False,
        response_format=ResponseFormat("json_schema", "n", None, msgspec.Raw(b"{}"), True),
        sampling=Sampling(0.5, 0.9, 40, 0.1, 0.2, 7, ("x",)),
        max_output=9,
        thinking_budget=4,
        show_thinking=True,
        choices=2,
        stream=True,
        user="u",
        tier="flex",
        top_logprobs=0,
        metadata={"a": "b"},
        verbosity="low",
        cache_key="k",
        modalities=("text", "audio"),
    )
    assert render(request, loss) == {
        "model": "m",
        "input": [{"role": "user", "content": "Hi"}],
        "tool_choice": {"type": "function", "name": "f"},
        "parallel_tool_calls": False,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "text": {
            "format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True},
            "verbosity": "low",
        },
        "temperature": 0.5,
        "top_p": 0.9,
        "max_output_tokens": 16,
        "stream": True,
        "service_tier": "flex",
        "metadata": {"a": "b"},
        "prompt_cache_key": "k",
        "user": "u",
        "store": False,
        "top_logprobs": 0,
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
    }
    assert loss.names == (
        "max_output",
        "top_k",
        "frequency_penalty",
        "presence_penalty",
        "seed",
        "stop",
        "choices",
        "modalities",
    )


def test_a_targets_quirks_are_obeyed_and_named() -> None:
    loss = Loss()
    request = ChatRequest("m", (Message("user", (Text("Hi"),)),), user="u")
    assert render(request, loss, Quirks(drop=("user", "store", "metadata"))) == {
        "model": "m",
        "input": [{"role": "user", "content": "Hi"}],
    }
    assert loss.names == ("user", "store")


def test_bad_input_is_named() -> None:
    for wire in ({"model": "m", "input": 7}, {"model": "m", "input": [7]}):
        with pytest.raises(InvalidRequest) as caught:
            parse(wire)
        assert (caught.value.param or "").startswith("input")


def test_a_request_that_goes_on_needs_no_input() -> None:
    wire = {"model": "m", "previous_response_id": "resp_1"}
    assert parse(wire).messages == ()
    assert render(parse(wire)) == wire


def test_instructions_come_first() -> None:
    request = parse({"model": "m", "instructions": "A", "input": [{"role": "system", "content": "B"}]})
    assert [bare_parts(message.parts) for message in request.messages] == [[Text("A")], [Text("B")]]
