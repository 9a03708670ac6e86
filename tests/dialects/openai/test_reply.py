from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases, counts_of
from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.openai.reply import estimate_output, parse_reply, render_reply
from waypost.errors import Failed, Garbled, Throttled


@pytest.mark.parametrize("case", cases("openai_chat", "responses"))
def test_golden(case: Any) -> None:
    reply = parse_reply(msgspec.json.encode(case["body"]))
    assert counts_of(reply.usage) == case["usage"]
    assert (reply.finish_reason, reply.tier) == (case["finish_reason"], case["tier"])
    shown = msgspec.json.decode(render_reply(reply, 120_000))
    assert shown.pop("usage") == {**(case["body"].get("usage") or {}), "cost": 0.00012}
    assert shown == {key: value for key, value in case["body"].items() if key != "usage"}


def test_everything_but_the_cost_is_verbatim() -> None:
    body = b'{"choices":[ {"x": 1.50, "message":{"content":"\\u00e9"}} ],"usage":{"prompt_tokens":1},"z":1E2}'
    assert render_reply(parse_reply(body), None) == body.replace(b'":1}', b'":1,"cost":null}')


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b'{"a":', b'{"a":"\xff"}', b"[" * 100_000])
def test_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        parse_reply(body)


def test_an_error_object_where_an_answer_belongs() -> None:
    with pytest.raises(Failed):
        parse_reply(b'{"error":{"message":"no"}}')
    with pytest.raises(Throttled):
        parse_reply(b'{"error":{"message":"no","code":429},"user_id":"x"}')
    assert parse_reply(b'{"error":null,"choices":[]}').finish_reason is None


def test_estimated_counts_are_shown_and_marked() -> None:
    reply = parse_reply(
        b'{"choices":[{"message":{"role":"assistant","content":"12345678"}},{"text":"1234"}]}'
    )
    usage = estimate_output(Asked("m", False, {}, input_estimate=9), reply)
    assert usage == Usage(input=9, output=3, source="estimated")
    shown = msgspec.json.decode(render_reply(msgspec.structs.replace(reply, usage=usage), 5_000_000_000))
    assert shown["usage"] == {
        "prompt_tokens": 9,
        "completion_tokens": 3,
        "total_tokens": 12,
        "estimated": True,
        "cost": 5,
    }


@pytest.mark.parametrize(
    "choices", [b"7", b"[]", b'[{"message":3}]', b'[{"message":{"content":null}}]', b"[1]"]
)
def test_strange_choices_are_estimated_too(choices: bytes) -> None:
    reply = parse_reply(b'{"choices":%b}' % choices)
    assert estimate_output(Asked("m", False, {}), reply).output in (0, 1)
