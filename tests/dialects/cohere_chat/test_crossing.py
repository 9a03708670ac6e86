"""Between OpenAI's chat and Cohere's, which only targets speak."""

from __future__ import annotations

import msgspec
import pytest

from dialects.golden import cases, sse
from waypost.core.asked import Stamp
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Message, Text
from waypost.core.response import ChatResponse
from waypost.core.usage import Usage
from waypost.dialects.cohere_chat.codec import COHERE_CHAT
from waypost.dialects.lane import CrossLane
from waypost.dialects.openai_chat.codec import CHAT
from waypost.errors import Bug, Rejected

assert CHAT.codec is not None
assert COHERE_CHAT.codec is not None
CODEC = COHERE_CHAT.codec
LANE = CrossLane(CHAT.codec, COHERE_CHAT, CODEC)
STAMP = Stamp("x", 17)
ASKED = CHAT.parse_ask(b'{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}')


def test_an_answer_to_a_client_of_openai() -> None:
    [case] = [case.values[0] for case in cases("cohere_chat", "responses") if case.id == "tools"]
    reply = LANE.parse_reply(msgspec.json.encode(case["body"]))
    assert reply.finish_reason == "tools"
    shown = msgspec.json.decode(LANE.render_reply(ASKED, reply, 5, STAMP))
    message = shown["choices"][0]["message"]
    assert message["reasoning_content"] == "I will search for the weather."
    assert [call["function"]["arguments"] for call in message["tool_calls"]] == [
        '{"location":"Toronto"}',
        '{"location":"Oslo"}',
    ]
    assert shown["usage"]["prompt_tokens"] == 5


def test_a_stream_to_a_client_of_openai() -> None:
    [case] = [case.values[0] for case in cases("cohere_chat", "streams") if case.id == "plain"]
    relay = LANE.stream_relay(ASKED, lambda usage, tier: 5, STAMP)
    shown = relay.feed(sse(case["events"]))
    assert shown.endswith(b"data: [DONE]\n\n")
    assert relay.usage == Usage(input=5, output=418, cache_read=2)


def test_errors_lose_their_form() -> None:
    error = LANE.parse_error(404, [], b'{"message":"model \'x\' not found"}')
    assert isinstance(error, Rejected)
    assert (error.status, error.body) == (404, None)


def test_no_client_is_answered_in_it() -> None:
    for step in (
        lambda: CODEC.parse_request(ASKED),
        lambda: CODEC.render_response(ChatResponse("", "", ()), ASKED, None, STAMP),
        lambda: CODEC.stream_renderer(ASKED, STAMP),
    ):
        with pytest.raises(Bug):
            step()


def test_its_names() -> None:
    loss = Loss()
    body = CODEC.render_request(
        ChatRequest("m", (Message("user", (Text("x"),)),), max_output=3), Quirks(), loss
    )
    assert msgspec.json.decode(body)[CODEC.names["max_output"]] == 3
    assert not CODEC.neutral
