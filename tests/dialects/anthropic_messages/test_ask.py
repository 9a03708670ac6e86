from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases
from waypost.core.quirks import Quirks
from waypost.dialects.anthropic_messages.ask import parse_ask, parse_count, render_onward
from waypost.errors import InvalidRequest

HI = b'"messages":[{"role":"user","content":"hi"}]'


@pytest.mark.parametrize("case", cases("anthropic_messages", "requests"))
def test_everything_passes_but_the_model(case: Any) -> None:
    asked = parse_ask(msgspec.json.encode(case["body"]))
    sent = msgspec.json.decode(render_onward(asked, "other", Quirks())[0])
    assert sent == case["body"] | {"model": "other"}


def test_what_is_read() -> None:
    asked = parse_ask(b'{"model":"m","stream":true,"max_tokens":9,"service_tier":"auto",%b}' % HI)
    assert (asked.model, asked.stream, asked.wants_usage) == ("m", True, True)
    assert (asked.max_output, asked.choices, asked.tier) == (9, 1, "auto")
    assert asked.input_estimate >= 10


def test_fast_mode_is_a_tier() -> None:
    asked = parse_ask(b'{"model":"m","speed":"fast","service_tier":"auto",%b}' % HI)
    assert asked.tier == "fast"
    assert parse_ask(b'{"model":"m","speed":"standard",%b}' % HI).tier is None


def test_the_limit_may_be_missing_or_nothing() -> None:
    assert parse_ask(b'{"model":"m",%b}' % HI).max_output is None
    assert parse_ask(b'{"model":"m","max_tokens":0,%b}' % HI).max_output == 0


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        (b'"model":7,%b' % HI, "model"),
        (b'"model":"",%b' % HI, "model"),
        (b'"model":"m"', "messages"),
        (b'"model":"m","messages":[ ]', "messages"),
        (b'"model":"m","messages":"hi"', "messages"),
        (b'"model":"m","max_tokens":-1,%b' % HI, "max_tokens"),
        (b'"model":"m","stream":"yes",%b' % HI, "stream"),
        (b'"model":"m","speed":1,%b' % HI, "speed"),
        (b'"model":"m","Max_Tokens":1,%b' % HI, "Max_Tokens"),
        (b'"model":"m","System":"x",%b' % HI, "System"),
    ],
)
def test_what_is_refused(fields: bytes, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_ask(b"{%b}" % fields)
    assert caught.value.param == param


def test_a_count_generates_nothing() -> None:
    asked = parse_count(b'{"model":"m","system":"be brief",%b}' % HI)
    assert (asked.choices, asked.max_output, asked.stream) == (0, None, False)
    assert asked.input_estimate > parse_count(b'{"model":"m",%b}' % HI).input_estimate


def test_a_provider_may_refuse_a_field() -> None:
    asked = parse_ask(b'{"model":"m","top_k":4,%b}' % HI)
    assert b"top_k" not in render_onward(asked, "m", Quirks(drop=("top_k", "seed")))[0]
