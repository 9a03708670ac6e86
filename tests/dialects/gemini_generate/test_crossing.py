from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.gemini_generate.fates import CARRIED, NAMED, REFUSED, ROWS, Row, text
from dialects.golden import sse
from waypost.core.asked import Asked, PathAsk, Stamp
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.response import Finish
from waypost.core.usage import Usage
from waypost.dialects.gemini_generate.codec import GENERATE
from waypost.dialects.gemini_generate.crossing import CROSSING
from waypost.dialects.lane import CrossLane, Lane, Lanes, SameLane
from waypost.dialects.openai_chat.codec import CHAT
from waypost.dialects.registry import DIALECTS
from waypost.errors import GatewayError, Rejected, Throttled, Unrepresentable

LANES = Lanes(DIALECTS)
STAMP = Stamp("exchange", 17)
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def lane(client: Any, target: str) -> Lane:
    found = LANES.find(client, (target,))
    assert isinstance(found, CrossLane)
    return found


TO_GEMINI = lane(CHAT, "gemini_generate")
TO_OPENAI = lane(GENERATE, "openai_chat")


def chat(**fields: Any) -> Asked:
    fields.setdefault("messages", [{"role": "user", "content": "hi"}])
    return CHAT.parse_ask(msgspec.json.encode({"model": "m", **fields}))


def gemini(stream: bool = False, query: bytes = b"alt=sse", **fields: Any) -> Asked:
    fields.setdefault("contents", [text("hi")])
    return GENERATE.parse_ask(msgspec.json.encode(fields), path=PathAsk("m", stream, query=query))


def to_gemini(model: str = "gemini-2.5-flash", **fields: Any) -> tuple[Any, tuple[str, ...]]:
    onward = TO_GEMINI.render_onward(chat(**fields), model, Quirks())
    return msgspec.json.decode(onward.body), onward.dropped


def to_openai(**fields: Any) -> tuple[Any, tuple[str, ...]]:
    onward = TO_OPENAI.render_onward(gemini(**fields), "gpt", Quirks())
    return msgspec.json.decode(onward.body), onward.dropped


def test_its_own_dialect_is_no_crossing() -> None:
    assert isinstance(LANES.find(GENERATE, ("openai_chat", "gemini_generate")), SameLane)


# --- OpenAI's clients at Google ---------------------------------------------------------------------------------


def test_openai_text_system_and_turns() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": [{"type": "text", "text": "c"}]},
    ]
    body, dropped = to_gemini(
        messages=messages, max_tokens=9, stop=["x"], temperature=0.5, seed=7, n=2, stream=True
    )
    assert dropped == ()
    assert body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "a"}]},
            {"role": "model", "parts": [{"text": "b"}]},
            {"role": "user", "parts": [{"text": "c"}]},
        ],
        "generationConfig": {
            "temperature": 0.5,
            "seed": 7,
            "stopSequences": ["x"],
            "maxOutputTokens": 9,
            "candidateCount": 2,
        },
    }


TOOL_LOOP = [
    {"role": "user", "content": "Weather in Oslo and Bergen?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}},
            {"id": "b", "type": "function", "function": {"name": "weather", "arguments": ""}},
        ],
    },
    {"role": "tool", "tool_call_id": "a", "content": "sun"},
    {"role": "tool", "tool_call_id": "b", "content": '{"sky":"rain"}'},
]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]


def test_openai_tools_with_parallel_calls_and_results() -> None:
    body, dropped = to_gemini("gemini-3-pro", messages=TOOL_LOOP, tools=TOOLS, tool_choice="required")
    assert dropped == ()
    assert body["tools"] == [{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": WEATHER}]}]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert body["contents"][1] == {
        "role": "model",
        "parts": [
            {
                "functionCall": {"id": "a", "name": "weather", "args": {"city": "Oslo"}},
                "thoughtSignature": "skip_thought_signature_validator",
            },
            {"functionCall": {"id": "b", "name": "weather", "args": {}}},
        ],
    }
    assert body["contents"][2] == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": "a", "name": "weather", "response": {"output": "sun"}}},
            {"functionResponse": {"id": "b", "name": "weather", "response": {"sky": "rain"}}},
        ],
    }


CHOICES = [
    ("auto", {"mode": "AUTO"}),
    ("none", {"mode": "NONE"}),
    ("required", {"mode": "ANY"}),
    (
        {"type": "function", "function": {"name": "weather"}},
        {"mode": "ANY", "allowedFunctionNames": ["weather"]},
    ),
]


@pytest.mark.parametrize(("choice", "calling"), CHOICES)
def test_every_choice_of_tools_in_both_directions(choice: Any, calling: Any) -> None:
    body, _ = to_gemini(tools=TOOLS, tool_choice=choice)
    assert body["toolConfig"] == {"functionCallingConfig": calling}
    back, dropped = to_openai(tools=body["tools"], toolConfig=body["toolConfig"])
    assert (back["tool_choice"], back["tools"], dropped) == (choice, TOOLS, ())


def test_openai_media() -> None:
    content = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://e.org/a.jpg"}},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}},
    ]
    body, dropped = to_gemini("gemini-3-pro", messages=[{"role": "user", "content": content}])
    assert dropped == ()
    assert body["contents"][0]["parts"] == [
        {
            "inlineData": {"mimeType": "image/png", "data": "AA=="},
            "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"},
        },
        {"fileData": {"fileUri": "https://e.org/a.jpg", "mimeType": "image/jpeg"}},
        {"inlineData": {"mimeType": "audio/wav", "data": "AA=="}},
        {"inlineData": {"mimeType": "application/pdf", "data": "AA==", "displayName": "a.pdf"}},
    ]
    with pytest.raises(Unrepresentable) as caught:
        to_gemini(messages=[{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}])
    assert caught.value.param == "messages[0].content[0]"


def test_openai_json_answers_and_effort() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "reply", "schema": WEATHER, "strict": True}}
    body, dropped = to_gemini(response_format=wanted, reasoning_effort="low", user="u", service_tier="flex")
    assert body["generationConfig"]["responseMimeType"] == "application/json"
    assert body["generationConfig"]["responseJsonSchema"] == {**WEATHER, "title": "reply"}
    assert body["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 3276}
    assert "user" in dropped


def test_openai_reads_an_answer_of_gemini() -> None:
    reply = TO_GEMINI.parse_reply(
        msgspec.json.encode(
            {
                "candidates": [
                    {
                        "content": {
                            "parts": [
                                {"text": "hm", "thought": True},
                                {"text": "Oslo.", "thoughtSignature": "c2ln"},
                                {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}},
                            ],
                            "role": "model",
                        },
                        "finishReason": "STOP",
                        "index": 0,
                    }
                ],
                "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 3, "thoughtsTokenCount": 4},
                "modelVersion": "gemini-2.5-flash",
                "responseId": "r1",
            }
        )
    )
    assert reply.usage == Usage(input=5, output=7, reasoning=4)
    assert reply.finish_reason == Finish.TOOLS.value
    shown = msgspec.json.decode(TO_GEMINI.render_reply(chat(), reply, 5, STAMP))
    choice = shown["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "Oslo."
    assert choice["message"]["reasoning_content"] == "hm"
    [call] = choice["message"]["tool_calls"]
    assert (call["id"], call["function"]) == (
        "call_r1_0_0",
        {"name": "weather", "arguments": '{"city":"Oslo"}'},
    )
    assert shown["usage"]["completion_tokens"] == 7


def test_openai_reads_a_stream_of_gemini() -> None:
    relay = TO_GEMINI.stream_relay(chat(stream=True, stream_options={"include_usage": True}), price, STAMP)
    out = relay.feed(
        sse(
            [
                {"candidates": [{"content": {"parts": [{"text": "Hel"}]}}], "responseId": "r1"},
                {
                    "candidates": [{"content": {"parts": [{"text": "lo"}]}, "finishReason": "MAX_TOKENS"}],
                    "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2},
                },
            ]
        )
    )
    assert relay.committed
    assert not relay.finished
    out += relay.end()
    assert (relay.finished, relay.failure, relay.finish_reason) == (True, None, "length")
    assert relay.usage == Usage(input=5, output=2)
    assert b'"content":"Hel"' in out
    assert b'"finish_reason":"length"' in out
    assert out.endswith(b"data: [DONE]\n\n")


def price(usage: Usage, tier: str | None) -> int | None:
    return 5


# --- Google's clients at OpenAI ---------------------------------------------------------------------------------


def test_gemini_text_system_and_turns() -> None:
    body, dropped = to_openai(
        system_instruction={"parts": [{"text": "Be brief."}]},
        contents=[text("a"), {"role": "model", "parts": [{"text": "b"}]}, text("c")],
        generation_config={"max_output_tokens": 9, "stop_sequences": ["x", "y"], "temperature": 0.5},
    )
    assert dropped == ()
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert (body["stop"], body["temperature"]) == (["x", "y"], 0.5)
    assert body.get("max_completion_tokens", body.get("max_tokens")) == 9
    assert "stream" not in body
    assert "stream_options" not in body


def test_gemini_tools_without_ids() -> None:
    call = {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}, "thoughtSignature": "c2ln"}
    second = {"functionCall": {"name": "weather", "args": {"city": "Bergen"}}}
    results = [
        {"functionResponse": {"name": "weather", "response": {"result": "sun"}}},
        {"functionResponse": {"name": "weather", "response": {"sky": "rain"}}},
    ]
    body, dropped = to_openai(
        contents=[text("go"), {"role": "model", "parts": [call, second]}, {"role": "user", "parts": results}],
        tools=[
            {
                "functionDeclarations": [
                    {
                        "name": "weather",
                        "parameters": {
                            "type": "OBJECT",
                            "properties": {"city": {"type": "STRING"}},
                            "required": ["city"],
                        },
                    }
                ]
            }
        ],
    )
    assert dropped == ()
    assert body["tools"] == TOOLS
    assistant, first, last = body["messages"][1:]
    assert [each["id"] for each in assistant["tool_calls"]] == ["call_1_0", "call_1_1"]
    assert (first["tool_call_id"], last["tool_call_id"]) == ("call_1_0", "call_1_1")
    assert '{"sky":"rain"}' in msgspec.json.encode(last).decode().replace("\\", "")


def test_gemini_media_and_schema() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    body, dropped = to_openai(
        contents=[{"role": "user", "parts": [picture, {"text": "what?"}]}],
        generationConfig={"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"}},
    )
    assert dropped == ()
    [image, words] = body["messages"][0]["content"]
    assert image["image_url"]["url"] == "data:image/png;base64,AA=="
    assert words["text"] == "what?"
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_gemini_reads_an_answer_of_openai() -> None:
    message = {
        "role": "assistant",
        "content": "a",
        "reasoning_content": "hm",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    reply = TO_OPENAI.parse_reply(
        msgspec.json.encode(
            {
                "id": "r",
                "model": "gpt",
                "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
                "usage": {
                    "prompt_tokens": 5,
                    "completion_tokens": 7,
                    "completion_tokens_details": {"reasoning_tokens": 4},
                },
            }
        )
    )
    shown = msgspec.json.decode(TO_OPENAI.render_reply(gemini(), reply, 5, STAMP))
    assert shown["candidates"][0] == {
        "content": {
            "parts": [
                {"text": "hm", "thought": True},
                {"text": "a"},
                {"functionCall": {"id": "c", "name": "f", "args": {}}},
            ],
            "role": "model",
        },
        "index": 0,
        "finishReason": "STOP",
    }
    assert shown["usageMetadata"]["candidatesTokenCount"] == 3
    assert shown["usageMetadata"]["thoughtsTokenCount"] == 4


def openai_stream(*deltas: Any) -> bytes:
    chunks = [
        {"id": "r", "model": "gpt", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in deltas
    ]
    return sse([*chunks, "[DONE]"])


@pytest.mark.parametrize("query", [b"alt=sse", b""])
def test_gemini_reads_a_stream_of_openai(query: bytes) -> None:
    first = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a"'}}
    more = {"index": 0, "function": {"arguments": ":1}"}}
    relay = TO_OPENAI.stream_relay(gemini(True, query), price, STAMP)
    out = relay.feed(
        openai_stream(
            ({"content": "a"}, None),
            ({"tool_calls": [first]}, None),
            ({"tool_calls": [more]}, None),
            ({}, "tool_calls"),
        )
    )
    assert relay.finished
    events = (
        [msgspec.json.decode(each[6:]) for each in out.split(b"\n\n") if each]
        if query
        else msgspec.json.decode(out)
    )
    parts = [
        part
        for event in events
        for candidate in event["candidates"]
        for part in candidate.get("content", {"parts": []})["parts"]
    ]
    call = {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}}
    assert parts == [{"text": "a"}, call, {"text": ""}]
    assert events[-1]["candidates"][0]["finishReason"] == "STOP"
    assert events[-1]["usageMetadata"]["cost"] == 0.000000005


# --- signatures over a tool loop --------------------------------------------------------------------------------


def test_signatures_come_back_to_google_and_go_to_nobody_else() -> None:
    loop = [
        text("go"),
        {
            "role": "model",
            "parts": [
                {"text": "hm", "thought": True},
                {"functionCall": {"id": "c", "name": "f", "args": {}}, "thoughtSignature": "Q0FMTA=="},
            ],
        },
        {"role": "user", "parts": [{"functionResponse": {"id": "c", "name": "f", "response": {}}}]},
    ]
    request = CROSSING.parse_request(gemini(contents=loop))
    own = msgspec.structs.replace(request, model="gemini-3-pro", extras=None)
    back = msgspec.json.decode(CROSSING.render_request(own, Quirks(), Loss()))
    assert back["contents"][1]["parts"][1]["thoughtSignature"] == "Q0FMTA=="
    body, _ = to_openai(contents=loop)
    assistant = body["messages"][1]
    assert assistant["tool_calls"][0]["id"] == "c"


# --- errors -----------------------------------------------------------------------------------------------------


def test_errors_lose_their_form_and_keep_their_words() -> None:
    refused = TO_GEMINI.parse_error(400, [], b'{"error":{"code":400,"message":"no such thing","status":"X"}}')
    assert isinstance(refused, Rejected)
    assert (refused.status, refused.body) == (400, None)
    assert b"no such thing" in CHAT.render_error(refused)
    slow = TO_OPENAI.parse_error(429, [(b"retry-after", b"3")], b'{"error":{"message":"slow"}}')
    assert isinstance(slow, Throttled)
    assert msgspec.json.decode(GENERATE.render_error(slow))["error"]["status"] == "RESOURCE_EXHAUSTED"


def test_a_failure_in_the_middle_is_told_in_the_client_s_form() -> None:
    relay = TO_OPENAI.stream_relay(gemini(True, b""), price, STAMP)
    out = relay.feed(
        sse(
            [
                {"id": "r", "model": "m", "choices": [{"index": 0, "delta": {"content": "a"}}]},
                {"error": {"message": "gone", "type": "server_error"}},
            ]
        )
    )
    assert isinstance(relay.failure, GatewayError)
    out += relay.fail(relay.failure)
    [first, last] = msgspec.json.decode(out)
    assert first["candidates"][0]["content"]["parts"] == [{"text": "a"}]
    assert "gone" in last["error"]["message"]


# --- every field ------------------------------------------------------------------------------------------------


def _id(row: Row) -> str:
    return f"{row.owner}.{row.field}"


@pytest.mark.parametrize("row", [row for row in ROWS if row.fate == CARRIED], ids=_id)
def test_carried(row: Row) -> None:
    request = CROSSING.parse_request(gemini(**row.body))
    plain = CROSSING.parse_request(gemini(contents=[text("hi")]))
    assert msgspec.structs.replace(request, extras=None) != msgspec.structs.replace(plain, extras=None)
    assert request.extras == plain.extras, "nothing of it is left over"


@pytest.mark.parametrize("row", [row for row in ROWS if row.fate == NAMED], ids=_id)
def test_named(row: Row) -> None:
    _, dropped = to_openai(**row.body)
    assert row.told in dropped


@pytest.mark.parametrize("row", [row for row in ROWS if row.fate == REFUSED], ids=_id)
def test_refused(row: Row) -> None:
    with pytest.raises(Unrepresentable) as caught:
        to_openai(**row.body)
    assert caught.value.param == row.told


def test_every_row_has_a_fate() -> None:
    assert all(row.fate in (CARRIED, NAMED, REFUSED) or row.why for row in ROWS)
    assert len({(row.owner, row.field) for row in ROWS}) == len(ROWS)


def test_what_says_nothing_is_no_loss() -> None:
    _, dropped = to_openai(
        safetySettings=[],
        tools=[],
        serviceTier="unspecified",
        labels={},
        generationConfig={"candidateCount": 1, "responseModalities": [], "mediaResolution": None},
    )
    assert dropped == ()


def test_the_names_of_settings_are_google_s() -> None:
    _, dropped = to_openai(generationConfig={"topK": 5, "speechConfig": {"languageCode": "de"}})
    assert "generationConfig.speechConfig" in dropped
    assert not any("_" in name for name in dropped)
