from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases
from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.openai_responses.reply import estimate_output, parse_reply, read_items, render_reply
from waypost.errors import Failed, Garbled, Rejected, Throttled


@pytest.mark.parametrize("case", cases("openai_responses", "responses"))
def test_golden(case: Any) -> None:
    reply = parse_reply(msgspec.json.encode(case["body"]))
    assert reply.usage == (None if case["usage"] is None else Usage(**case["usage"]))
    assert (reply.finish_reason, reply.tier) == (case["finish_reason"], case["tier"])
    shown = msgspec.json.decode(render_reply(reply, 120_000))
    assert shown.pop("usage") == {**(case["body"].get("usage") or {}), "cost": 0.00012}
    assert shown == {key: value for key, value in case["body"].items() if key != "usage"}


def test_everything_but_the_cost_is_verbatim() -> None:
    body = b'{"output":[ {"x": 1.50, "text":"\\u00e9"} ],"usage":{"input_tokens":1},"z":1E2}'
    assert render_reply(parse_reply(body), None) == body.replace(b'":1}', b'":1,"cost":null}')


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b'{"a":', b'{"a":"\xff"}', b"[" * 100_000])
def test_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        parse_reply(body)


def test_a_failure_inside_a_200() -> None:
    with pytest.raises(Throttled):
        parse_reply(b'{"status":"failed","output":[],"error":{"code":"rate_limit_exceeded","message":"m"}}')
    with pytest.raises(Rejected):
        parse_reply(b'{"status":"failed","output":[],"error":{"code":"invalid_prompt","message":"m"}}')
    with pytest.raises(Failed):
        parse_reply(b'{"error":{"message":"no"}}')
    assert parse_reply(b'{"error":null,"output":[]}').finish_reason is None


def test_estimated_counts_are_shown_and_marked() -> None:
    reply = parse_reply(
        b'{"output":[{"type":"message","content":[{"type":"output_text","text":"12345678"},{"type":"refusal",'
        b'"refusal":"1234"},{"text":7}]},{"type":"function_call","arguments":"123"},{"summary":[]},7]}'
    )
    usage = estimate_output(Asked("m", False, {}, input_estimate=9), reply)
    assert usage == Usage(input=9, output=4, source="estimated")
    shown = msgspec.json.decode(render_reply(msgspec.structs.replace(reply, usage=usage), 5_000_000_000))
    assert (shown["usage"]["output_tokens"], shown["usage"]["estimated"]) == (4, True)
    assert read_items(msgspec.Raw(b"7")) == []
