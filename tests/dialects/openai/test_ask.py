from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases
from waypost.core.quirks import Quirks
from waypost.dialects.fields import parse_body
from waypost.dialects.openai.ask import read_stream_usage, render_onward
from waypost.dialects.openai_chat.ask import parse_ask
from waypost.errors import InvalidRequest


def onward(body: bytes, quirks: Quirks = Quirks()) -> dict[str, Any]:  # noqa: B008
    sent: dict[str, Any] = msgspec.json.decode(render_onward(parse_ask(body), "target", quirks))
    return sent


@pytest.mark.parametrize("case", cases("openai_chat", "requests"))
def test_only_the_model_and_the_usage_switch_change(case: Any) -> None:
    body = case["body"]
    expected = {**body, "model": "target"}
    if body.get("stream"):
        expected["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    assert onward(msgspec.json.encode(body)) == expected


def test_values_are_copied_byte_by_byte() -> None:
    body = (
        b'{"model":"a","messages":[ {"role":"user","content":"\\u00e9 \xc3\xa9 1.0e2"} ],'
        b'"x":1.50,"y":12345678901234567890}'
    )
    assert render_onward(parse_ask(body), "a", Quirks()) == body


def test_what_was_checked_is_what_is_sent() -> None:
    body = (
        b'{"model":"a","messages":[1],"model":"b","n":5,"n":1,"stream":false,"stream":true,'
        b'"stream_options":{"include_usage":true,"include_usage":false,"x":1}}'
    )
    asked = parse_ask(body)
    assert (asked.model, asked.choices, asked.stream, asked.wants_usage) == ("b", 1, True, False)
    sent = render_onward(asked, "t", Quirks())
    assert sent == (
        b'{"model":"t","messages":[1],"n":1,"stream":true,"stream_options":{"include_usage":true,"x":1}}'
    )


def test_quirks() -> None:
    body = b'{"model":"a","messages":[1],"stream":true,"max_tokens":5,"user":"u"}'
    quirks = Quirks(drop=("user", "absent"), max_tokens_field="max_completion_tokens", stream_usage=False)
    assert onward(body, quirks) == {
        "model": "target",
        "messages": [1],
        "stream": True,
        "max_completion_tokens": 5,
    }
    both = b'{"model":"a","messages":[1],"max_tokens":5,"max_completion_tokens":9}'
    assert onward(both, Quirks(max_tokens_field="max_tokens")) == {
        "model": "target",
        "messages": [1],
        "max_tokens": 5,
    }


def test_a_null_stream_options_is_filled() -> None:
    body = b'{"model":"a","messages":[1],"stream":true,"stream_options":null}'
    assert onward(body)["stream_options"] == {"include_usage": True}


def test_rendering_does_not_change_what_was_asked() -> None:
    asked = parse_ask(b'{"model":"a","messages":[1],"stream":true,"max_tokens":1}')
    first = render_onward(asked, "t", Quirks(drop=("max_tokens",)))
    assert b"max_tokens" not in first
    assert b"max_tokens" in render_onward(asked, "t", Quirks())


def test_include_usage_can_not_be_taken_back_in_another_spelling() -> None:
    body = b'{"stream_options":{"include_usage":true,"Include_Usage":false}}'
    with pytest.raises(InvalidRequest):
        read_stream_usage(parse_body(body), stream=True)
