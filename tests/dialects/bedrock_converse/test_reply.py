from __future__ import annotations

import msgspec
import pytest

from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.bedrock_converse.reply import estimate_output, parse_reply, render_reply
from waypost.errors import Garbled, Throttled

BODY = (
    b'{"output":{"message":{"role":"assistant","content":[{"text":"Hello there"}]}},"stopReason":"end_turn",'
    b'"usage":{"inputTokens":3,"outputTokens":2,"totalTokens":5},"metrics":{"latencyMs":1},'
    b'"serviceTier":{"type":"flex"},"new":1.50}'
)


def test_what_the_meter_reads() -> None:
    reply = parse_reply(BODY)
    assert (reply.usage, reply.tier, reply.finish_reason) == (Usage(input=3, output=2), "flex", "end_turn")
    shown = render_reply(reply, 5)
    assert b'"new":1.50' in shown
    assert b'"totalTokens":5,"cost":0.000000005}' in shown


def test_counts_of_ours_are_marked() -> None:
    reply = parse_reply(BODY.replace(b'"usage"', b'"x"'))
    assert reply.usage is None
    usage = estimate_output(Asked("m", False, {}, input_estimate=4), reply)
    assert usage == Usage(input=4, output=6, source="estimated")
    shown = msgspec.json.decode(render_reply(msgspec.structs.replace(reply, usage=usage), None))
    assert shown["usage"] == {
        "inputTokens": 4,
        "outputTokens": 6,
        "totalTokens": 10,
        "estimated": True,
        "cost": None,
    }


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"\xff"])
def test_garbage(body: bytes) -> None:
    with pytest.raises(Garbled):
        parse_reply(body)


def test_an_error_inside_a_200() -> None:
    with pytest.raises(Throttled):
        parse_reply(b'{"__type":"ThrottlingException","message":"slow"}')
