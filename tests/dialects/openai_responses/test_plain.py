"""What is read in one step, and what is left to the general way. That both make the same of it:
`tests/dialects/test_plain.py`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.nearly import USUAL
from waypost.core.request import ChatRequest, Extras, Message, Text
from waypost.dialects.fields import parse_object
from waypost.dialects.openai_responses.plain import parse_plain


def parsed(**change: Any) -> ChatRequest | None:
    return parse_plain(parse_object(msgspec.json.encode(USUAL["openai_responses"] | change)))


@pytest.mark.parametrize(
    ("given", "form"),
    [("Hi", "own instructions string"), ([{"role": "user", "content": "Hi"}], "own instructions")],
)
def test_a_usual_request_is_read(given: object, form: str) -> None:
    assert parsed(input=given) == ChatRequest(
        "m",
        (Message("system", (Text("Short."),)), Message("user", (Text("Hi"),))),
        max_output=9,
        extras=Extras("openai_responses", {"store": msgspec.Raw(b"false")}, form),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"tools": []},
        {"input": []},
        {"input": None},
        {"instructions": None},
        {"input": [{"role": "user", "content": "Hi", "type": "message"}]},
        {"input": [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {"previous_response_id": "resp_1"},
    ],
)
def test_others_are_left(change: dict[str, Any]) -> None:
    assert parsed(**change) is None
