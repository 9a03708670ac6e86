from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.asked import Asked, PathAsk, Stamp
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Message, Text
from waypost.core.usage import Usage
from waypost.dialects.continuing import GO_ON, ContinuedLane, ContinuingLane, can_continue, continued
from waypost.dialects.dialect import Dialect
from waypost.dialects.json_limits import DEFAULT
from waypost.dialects.lane import Lanes
from waypost.dialects.registry import DIALECTS
from waypost.dialects.seam import ContinuingRelay, Seam

CHAT, MESSAGES = DIALECTS["openai_chat"], DIALECTS["anthropic_messages"]
SEAM = Seam("a/m", "b/n", Usage(input=5, output=4, source="partial"), 45)
BODY: dict[str, object] = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
CLAUDE = {**BODY, "max_tokens": 50}
TARGETS = [name for name, dialect in sorted(DIALECTS.items()) if dialect.codec is not None]


def asked(body: dict[str, object], dialect: Dialect = CHAT, path: PathAsk | None = None) -> Asked:
    return dialect.parse_ask(msgspec.json.encode(body), DEFAULT, path or PathAsk())


@pytest.mark.parametrize(
    ("more", "possible"),
    [
        ({}, True),
        ({"n": 1, "response_format": {"type": "text"}, "tools": []}, True),
        ({"modalities": ["text"]}, True),
        ({"stream": False}, False),
        ({"n": 2}, False),
        ({"response_format": {"type": "json_object"}}, False),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}}, False),
        ({"logprobs": True}, False),
        ({"modalities": ["text", "audio"], "audio": {"voice": "a", "format": "wav"}}, False),
        ({"messages": [{"role": "nobody", "content": "Hi"}]}, False),
    ],
)
def test_only_one_plain_answer_in_words(more: dict[str, object], possible: bool) -> None:
    assert can_continue(CHAT, asked({**BODY, **more})) is possible


def test_a_format_without_chats_is_left_alone() -> None:
    assert not can_continue(DIALECTS["openai_completions"], asked(BODY))


def test_the_request_goes_as_it_would_have_gone() -> None:
    plain = Lanes(DIALECTS).find(CHAT, ("openai_chat",))
    assert plain is not None
    lane = ContinuingLane(CHAT, plain)
    body = {**BODY, "brand_new_field": {"x": 1}}
    assert lane.render_onward(asked(body), "m", Quirks()) == plain.render_onward(asked(body), "m", Quirks())
    assert (lane.target, lane.forwarded, lane.passed) == (plain.target, plain.forwarded, plain.passed)
    assert isinstance(lane.stream_relay(asked(body), lambda *_: 0, Stamp("x", 1)), ContinuingRelay)


def relay_with(text: str) -> ContinuingRelay:
    plain = Lanes(DIALECTS).find(CHAT, ("openai_chat",))
    assert plain is not None
    relay = ContinuingLane(CHAT, plain).stream_relay(asked(BODY), lambda *_: 0, Stamp("x", 1))
    assert isinstance(relay, ContinuingRelay)
    delta = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
    relay.feed(b"data: " + msgspec.json.encode({"id": "c", "model": "m", **delta}) + b"\n\n")
    return relay


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_told_what_was_said_and_asked_for_the_rest(target: str) -> None:
    """It reads a conversation that ends with a user's turn: none is sent a prefill."""
    dialect = DIALECTS[target]
    assert CHAT.codec is not None
    assert dialect.codec is not None
    lane = ContinuedLane(CHAT.codec, dialect, dialect.codec, relay_with("Oslo is"), SEAM)
    body = lane.render_onward(asked(BODY), "m", Quirks()).body

    text = body.decode()
    assert text.index("Hi") < text.index("Oslo is") < text.index("Your last message was cut off")
    assert text.count("Oslo is") == 1


def test_the_relay_is_the_one_that_has_written_so_far() -> None:
    relay = relay_with("Oslo is")
    assert CHAT.codec is not None
    assert MESSAGES.codec is not None
    lane = ContinuedLane(CHAT.codec, MESSAGES, MESSAGES.codec, relay, SEAM)
    assert lane.stream_relay(asked(BODY), lambda *_: 0, Stamp("x", 1)) is relay
    assert not relay.committed


def request(**changes: Any) -> ChatRequest:
    made = ChatRequest("m", (Message("user", (Text("Hi"),)),), max_output=100)
    return msgspec.structs.replace(made, **changes)


def test_the_rest_has_the_rest_of_the_limit() -> None:
    asked_for = continued(request(), "Oslo is", 30)
    assert [message.role for message in asked_for.messages] == ["user", "assistant", "user"]
    assert asked_for.messages[1].parts == (Text("Oslo is"),)
    assert asked_for.messages[2].parts == (Text(GO_ON),)
    assert asked_for.max_output == 70
    assert continued(request(), "Oslo is", 500).max_output == 1
    assert continued(request(max_output=None), "Oslo is", 30).max_output is None


@pytest.mark.parametrize("changes", [{"thinking_budget": 60}, {"effort": "high"}])
def test_with_reasoning_the_limit_stays(changes: dict[str, object]) -> None:
    assert continued(request(**changes), "Oslo is", 30).max_output == 100


@pytest.mark.parametrize("said", ["", " \n"])
def test_where_nothing_was_said_the_answer_is_asked_for_again(said: str) -> None:
    assert continued(request(), said, 30) == request()
