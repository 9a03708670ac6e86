from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.golden import cases
from waypost.core.asked import PathAsk
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Extras, Message, Opaque, Text, Thinking, ToolCall, ToolResult
from waypost.dialects.gemini_generate.ask import parse_ask
from waypost.dialects.gemini_generate.request import parse_request, render_request
from waypost.errors import InvalidRequest, Unrepresentable

PLAIN = Quirks()
HI = (Message("user", (Text("hi"),)),)


def read(body: Any, model: str = "m", stream: bool = False) -> ChatRequest:
    return parse_request(parse_ask(msgspec.json.encode(body), path=PathAsk(model, stream)))


def write(request: ChatRequest, quirks: Quirks = PLAIN) -> tuple[Any, tuple[str, ...]]:
    loss = Loss()
    return msgspec.json.decode(render_request(request, quirks, loss)), loss.names


@pytest.mark.parametrize("case", cases("gemini_generate", "requests"))
def test_golden_round_trip(case: Any) -> None:
    request = read(case["body"])
    assert write(request) == (case["body"], ())
    assert read(write(request)[0]) == request


def snaked(value: Any) -> Any:
    """The same message with every field in snake_case, but for free objects."""
    free = {"args", "response", "labels", "parametersJsonSchema", "responseJsonSchema", "properties"}
    if isinstance(value, list):
        return [snaked(each) for each in value]
    if isinstance(value, dict):
        return {
            "".join("_" + c.lower() if c.isupper() else c for c in name): each
            if name in free
            else snaked(each)
            for name, each in value.items()
        }
    return value


@pytest.mark.parametrize("case", cases("gemini_generate", "requests"))
def test_snake_case_is_read_as_the_same(case: Any) -> None:
    body = case["body"]
    opaque = (
        "executableCode",
        "speechConfig",
        "imageConfig",
        "googleMaps",
        "fileSearch",
        "urlContext",
        "videoMetadata",
        "VALIDATED",
    )
    text = msgspec.json.encode(body).decode()
    if any(name in text for name in opaque):
        return  # what is kept as it came is kept in its own spelling
    assert write(read(snaked(body)))[0] == write(read(body))[0]


json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
words = st.text(max_size=4)
objects = st.dictionaries(st.text(max_size=4), json, max_size=2)
signature = {"thoughtSignature": st.sampled_from(["c2ln", ""])}
part = st.one_of(
    st.fixed_dictionaries({"text": words}, optional={**signature, "thought": st.booleans(), "x": json}),
    st.fixed_dictionaries(
        {
            "functionCall": st.fixed_dictionaries(
                {"name": st.sampled_from(["f", "g"])}, optional={"id": words, "args": objects}
            )
        },
        optional=signature,
    ),
    st.fixed_dictionaries(
        {
            "functionResponse": st.fixed_dictionaries(
                {
                    "name": st.sampled_from(["f", "g"]),
                    "response": objects | words.map(lambda text: {"result": text}),
                },
                optional={"id": words, "parts": st.lists(json, max_size=2), "scheduling": json},
            )
        }
    ),
    st.fixed_dictionaries(
        {
            "inlineData": st.fixed_dictionaries(
                {"mimeType": words, "data": st.just("AA==")}, optional={"x": json}
            )
        },
        optional={**signature, "videoMetadata": json},
    ),
    st.fixed_dictionaries({"fileData": st.fixed_dictionaries({"fileUri": words})}),
    st.dictionaries(
        st.sampled_from(["text", "functionCall", "inlineData", "thought", "x"]), json, max_size=3
    ),
    json,
)
content = st.fixed_dictionaries(
    {"parts": st.lists(part, max_size=4)},
    optional={"role": st.sampled_from(["user", "model", "function"]), "x": json},
)
tool = st.one_of(
    st.fixed_dictionaries(
        {
            "functionDeclarations": st.lists(
                st.fixed_dictionaries(
                    {"name": words}, optional={"parameters": json, "parametersJsonSchema": objects, "x": json}
                ),
                max_size=2,
            )
        }
    ),
    st.just({"googleSearch": {}}),
    json,
)
config = st.dictionaries(
    st.sampled_from(
        [
            "temperature",
            "topK",
            "stopSequences",
            "responseMimeType",
            "responseSchema",
            "responseLogprobs",
            "logprobs",
            "thinkingConfig",
            "responseModalities",
            "x",
        ]
    ),
    json,
    max_size=4,
)
bodies = st.fixed_dictionaries(
    {"contents": st.lists(content, min_size=1, max_size=4)},
    optional={
        "systemInstruction": st.fixed_dictionaries({"parts": st.lists(part, max_size=2)}),
        "tools": st.lists(tool, max_size=3) | json,
        "toolConfig": json
        | st.fixed_dictionaries(
            {
                "functionCallingConfig": st.fixed_dictionaries(
                    {"mode": st.sampled_from(["AUTO", "ANY", "NONE"])}
                )
            }
        ),
        "generationConfig": config,
        "labels": objects,
        "cachedContent": words,
        "serviceTier": st.sampled_from(["flex", "unspecified", "later"]),
        "x": json,
    },
)


@settings(deadline=None)
@given(bodies)
def test_what_is_rendered_is_read_as_the_same(body: Any) -> None:
    request = read(body)
    again, names = write(request)
    assert read(again) == request
    assert write(read(again)) == (again, names)


def test_what_the_core_sees() -> None:
    body = {
        "contents": [
            {"role": "user", "parts": [{"text": "go"}]},
            {
                "role": "model",
                "parts": [
                    {"functionCall": {"name": "look", "args": {"a": 1}}, "thoughtSignature": "c2ln"},
                    {"functionCall": {"name": "look"}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "look", "response": {"result": "first"}}},
                    {"functionResponse": {"name": "look", "response": {"error": "second"}}},
                ],
            },
        ],
        "generationConfig": {"thinkingConfig": {"thinkingLevel": "low", "includeThoughts": True}},
        "serviceTier": "standard",
    }
    request = read(body, "models/gemini-3-pro", stream=True)
    assert (request.model, request.stream, request.wants_usage) == ("gemini-3-pro", True, True)
    assert (request.effort, request.show_thinking, request.tier) == ("low", True, "default")
    first, second = request.messages[1].parts
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert (first.call_id, first.arguments, first.signature) == ("call_1_0", '{"a":1}', "c2ln")
    assert (second.call_id, second.arguments) == ("call_1_1", "{}")
    results = [part for message in request.messages[2:] for part in message.parts]
    assert [
        (part.call_id, part.is_error, part.parts) for part in results if isinstance(part, ToolResult)
    ] == [("call_1_0", False, (Text("first"),)), ("call_1_1", True, (Text("second"),))]


def test_settings_of_others_that_google_has_no_word_for_are_named() -> None:
    request = ChatRequest(
        "gemini-2.5-flash",
        HI,
        parallel_tool_calls=False,
        user="u",
        tier="scale",
        verbosity="low",
        cache_key="k",
        metadata={"Not a label": "x"},
    )
    assert write(request) == (
        {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
        ("metadata", "tier", "user", "verbosity", "cache_key", "parallel_tool_calls"),
    )
    quiet = ChatRequest("m", HI, parallel_tool_calls=True, tier="auto", wants_usage=True, stream=True)
    assert write(quiet)[1] == ()


@pytest.mark.parametrize(
    ("tier", "word"), [("default", "standard"), ("flex", "flex"), ("priority", "priority")]
)
def test_tiers(tier: str, word: str) -> None:
    assert write(ChatRequest("m", HI, tier=tier))[0]["serviceTier"] == word


def test_labels() -> None:
    assert write(ChatRequest("m", HI, metadata={"team": "a-1"}))[0]["labels"] == {"team": "a-1"}


def test_what_the_provider_refuses_is_dropped_and_named() -> None:
    body = {
        "contents": [{"parts": [{"text": "a"}]}],
        "labels": {"a": "b"},
        "generationConfig": {"seed": 1, "topK": 2, "thinkingConfig": {"thinkingBudget": 5}},
    }
    quirks = Quirks(
        drop=(
            "labels",
            "generation_config.seed",
            "generationConfig.thinkingConfig.thinkingBudget",
            "generationConfig.absent",
            "absent.x",
        )
    )
    shown, names = write(read(body), quirks)
    assert shown["generationConfig"] == {"topK": 2, "thinkingConfig": {}}
    assert "labels" not in shown
    assert names == ("metadata", "seed", "thinking_budget")


def test_extras_of_others_stay_out() -> None:
    odd = Extras("openai_chat", {"odd": msgspec.Raw(b"1")})
    request = ChatRequest("m", (Message("user", (Text("a", extras=odd),), odd),), extras=odd)
    assert write(request)[0] == {"contents": [{"role": "user", "parts": [{"text": "a"}]}]}


def test_thinking_that_can_not_be_sent_is_named() -> None:
    hidden = Thinking("", "x", maker="openai-responses-v1", redacted=True)
    request = ChatRequest("m", (*HI, Message("assistant", (hidden, Text("a")))))
    assert write(request)[1] == ("messages[1].thinking",)


def test_refused() -> None:
    with pytest.raises(InvalidRequest):
        read({"contents": [7]})
    with pytest.raises(Unrepresentable) as caught:
        write(ChatRequest("m", HI, tools=(Opaque("openai_chat", msgspec.Raw(b"{}"), "tools"),)))
    assert caught.value.param == "tools[0]"
