from __future__ import annotations

import msgspec
import pytest

from waypost.core.asked import Asked
from waypost.core.quirks import Quirks
from waypost.core.usage import Units, Usage
from waypost.dialects.cohere.dialect import CohereDialect, text_of
from waypost.dialects.cohere_chat.ask import parse_ask
from waypost.errors import Failed, Garbled

CHAT = CohereDialect("x", "chat", "/x", parse_ask)
RERANK = CohereDialect("y", "rerank", "/y", parse_ask)
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"seed":7}'


def test_what_goes_on() -> None:
    onward = CHAT.render_onward(CHAT.parse_ask(BODY), "target", Quirks(drop=("seed", "k")))
    assert b'"model":"target"' in onward.body
    assert onward.dropped == ("seed",)


def test_counts_of_chat_and_of_others() -> None:
    reply = CHAT.parse_reply(b'{"message":{},"usage":{"tokens":{"input_tokens":3,"output_tokens":1}}}')
    assert reply.usage == Usage(input=3, output=1)
    assert b'"cost":0.000000005' in CHAT.render_reply(reply, 5)
    reply = RERANK.parse_reply(b'{"results":[],"meta":{"billed_units":{"search_units":1}}}')
    assert reply.usage == Usage(units=Units(searches=1))
    shown = msgspec.json.decode(RERANK.render_reply(reply, 2_000_000))
    assert shown["meta"] == {"billed_units": {"search_units": 1}, "cost": 0.002}


def test_estimates() -> None:
    asked = Asked("m", False, {}, input_estimate=4)
    reply = CHAT.parse_reply(b'{"message":{"role":"assistant","content":"12345678"}}')
    assert CHAT.estimate_output(asked, reply) == Usage(input=4, output=2, source="estimated")
    assert RERANK.estimate_output(asked, reply) == Usage(input=4, source="estimated")


def test_what_is_no_answer() -> None:
    with pytest.raises(Garbled):
        CHAT.parse_reply(b"<html>")
    with pytest.raises(Failed):
        RERANK.parse_reply(b'{"detail":"no"}')


def test_missing_fields_are_null() -> None:
    assert text_of(None) == b"null"
    assert text_of(msgspec.Raw(b"1")) == b"1"
