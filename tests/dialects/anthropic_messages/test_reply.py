from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases
from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.anthropic_messages.reply import content_size, estimate_output, parse_reply, render_reply
from waypost.errors import Garbled, Throttled

ASKED = Asked("m", False, {}, input_estimate=7)


@pytest.mark.parametrize("case", cases("anthropic_messages", "responses"))
def test_an_answer_passes_with_its_cost(case: Any) -> None:
    reply = parse_reply(msgspec.json.encode(case["body"]))
    shown = msgspec.json.decode(render_reply(reply, 1500))
    assert shown["usage"].pop("cost") == 0.0000015
    assert shown == case["body"]
    assert reply.finish_reason == case["body"]["stop_reason"]
    assert reply.tier == case["body"]["usage"]["service_tier"]
    assert reply.usage is not None
    assert reply.usage.output == case["body"]["usage"]["output_tokens"]


def test_counts_of_our_own_are_marked() -> None:
    reply = parse_reply(b'{"content":[{"type":"text","text":"hello"}]}')
    assert reply.usage is None
    usage = estimate_output(ASKED, reply)
    assert usage == Usage(input=7, output=2, source="estimated")
    shown = msgspec.json.decode(render_reply(msgspec.structs.replace(reply, usage=usage), None))["usage"]
    assert (shown["output_tokens"], shown["estimated"], shown["cost"]) == (2, True, None)


def test_content_that_is_none_counts_nothing() -> None:
    assert estimate_output(ASKED, parse_reply(b'{"content":7}')).output == 0
    assert content_size(msgspec.Raw(b'{"type":"text","text":"","citations":null}')) == 0
    assert content_size(msgspec.Raw(b"12")) == 2


def test_an_error_inside_a_200() -> None:
    with pytest.raises(Throttled):
        parse_reply(b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}')
    with pytest.raises(Garbled):
        parse_reply(b"[]")
