from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases
from waypost.core.asked import Onward
from waypost.core.quirks import Quirks
from waypost.dialects.openai_responses.ask import parse_ask, render_onward
from waypost.errors import InvalidRequest


@pytest.mark.parametrize("case", cases("openai_responses", "requests"))
def test_golden(case: Any) -> None:
    body = msgspec.json.encode(case["body"])
    asked = parse_ask(body)
    assert {name: getattr(asked, name) for name in case["asked"]} == case["asked"]
    assert render_onward(asked, case["body"]["model"], Quirks()) == Onward(body)


@pytest.mark.parametrize(
    ("rest", "param"),
    [
        (b"", "input"),
        (b',"input":null', "input"),
        (b',"input":7', "input"),
        (b',"input":[ ]', "input"),
        (b',"input":{}', "input"),
        (b',"input":"x","stream":1', "stream"),
        (b',"input":"x","store":"no"', "store"),
        (b',"input":"x","background":3', "background"),
        (b',"input":"x","max_output_tokens":-1', "max_output_tokens"),
        (b',"input":"x","max_output_tokens":1.5', "max_output_tokens"),
        (b',"input":"x","service_tier":7', "service_tier"),
        (b',"previous_response_id":7', "previous_response_id"),
        (b',"input":"x","Input":"y"', "Input"),
        (b',"input":"x","MAX_OUTPUT_TOKENS":9', "MAX_OUTPUT_TOKENS"),
        (b',"input":"x","Background":true', "Background"),
    ],
)
def test_bad_fields_are_named(rest: bytes, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_ask(b'{"model":"m"%b}' % rest)
    assert caught.value.param == param


def test_a_missing_model_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_ask(b'{"input":"x"}')
    assert caught.value.param == "model"


@pytest.mark.parametrize(
    "rest",
    [
        b'"previous_response_id":"resp_1"',
        b'"prompt":{"id":"pmpt_1"}',
        b'"conversation":"conv_1"',
        b'"conversation":"conv_1","input":[]',
    ],
)
def test_what_is_kept_elsewhere_needs_no_input(rest: bytes) -> None:
    assert parse_ask(b'{"model":"m",%b}' % rest).model == "m"


def test_a_target_gets_its_own_model_and_not_what_it_refuses() -> None:
    asked = parse_ask(b'{"model":"a/b","input":"x","user":"u","z":1.50}')
    onward = render_onward(asked, "c", Quirks(drop=("user", "store")))
    assert onward == Onward(b'{"model":"c","input":"x","z":1.50}', ("user",))
