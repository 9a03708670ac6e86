from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases
from waypost.dialects.openai_chat.ask import parse_ask
from waypost.errors import InvalidRequest


@pytest.mark.parametrize("case", cases("openai_chat", "requests"))
def test_golden(case: Any) -> None:
    asked = parse_ask(msgspec.json.encode(case["body"]))
    for name, value in case["asked"].items():
        assert getattr(asked, name) == value, name
    assert asked.input_estimate > 0


GOOD = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": 7}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": {}}, "messages"),
        ({"stream": "yes"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"n": 1.5}, "n"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_completion_tokens": 10**10}, "max_completion_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"stream": True, "stream_options": []}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"service_tier": 1}, "service_tier"),
    ],
)
def test_what_is_refused(change: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_ask(msgspec.json.encode({**GOOD, **change}))
    assert caught.value.param == param


def test_missing_fields() -> None:
    for name in GOOD:
        with pytest.raises(InvalidRequest) as caught:
            parse_ask(msgspec.json.encode({key: value for key, value in GOOD.items() if key != name}))
        assert caught.value.param == name


def test_stream_options_of_no_stream_are_the_providers_affair() -> None:
    assert not parse_ask(msgspec.json.encode({**GOOD, "stream_options": {"include_usage": True}})).wants_usage


def test_an_empty_array_with_space_in_it() -> None:
    with pytest.raises(InvalidRequest):
        parse_ask(b'{"model":"m","messages":[ \n           ]}')


def test_the_larger_of_two_limits_counts() -> None:
    body = msgspec.json.encode({**GOOD, "max_tokens": 5, "max_completion_tokens": 9})
    assert parse_ask(body).max_output == 9


def test_tools_and_schemas_count_as_input() -> None:
    plain = parse_ask(msgspec.json.encode(GOOD)).input_estimate
    tools = parse_ask(msgspec.json.encode({**GOOD, "tools": [{"x": "y" * 297}]})).input_estimate
    assert tools >= plain + 100
