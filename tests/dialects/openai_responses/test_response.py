from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from dialects.golden import cases
from waypost.core.asked import Asked, Stamp
from waypost.core.request import Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.core.usage import Usage
from waypost.dialects.openai_responses.items import parse_items
from waypost.dialects.openai_responses.response import parse_response, render_response
from waypost.dialects.openai_responses.state import output_items
from waypost.errors import Garbled, Throttled, Unrepresentable

from .answers import answers, own_part, signed_part
from .bare import bare, bare_parts

ASKED = Asked("m", False, {})
STAMP = Stamp("wp-1", 17)


def write(response: ChatResponse, cost_nusd: int | None = None) -> bytes:
    return render_response(response, ASKED, cost_nusd, STAMP)


@pytest.mark.parametrize("case", cases("openai_responses", "responses"))
def test_golden_round_trip(case: Any) -> None:
    response = parse_response(msgspec.json.encode(case["body"]))
    assert msgspec.json.decode(write(response)) == case["body"]
    assert parse_response(write(response)) == response


@settings(deadline=None)
@given(answers(own_part))
def test_the_round_trip_is_the_identity(answer: ChatResponse) -> None:
    usage = msgspec.structs.replace(answer.usage or Usage(), charged_nusd=5)
    assert bare(parse_response(write(answer, 5))) == msgspec.structs.replace(answer, usage=usage)


@settings(deadline=None)
@given(answers(signed_part))
def test_what_a_client_gives_back_is_what_the_target_said(answer: ChatResponse) -> None:
    messages = parse_items(output_items(write(answer)))
    said = [part for message in messages for part in bare_parts(message.parts)]
    assert said == [
        msgspec.structs.replace(part, maker=None)
        if isinstance(part, Thinking) and part.signature is None
        else part
        for part in answer.choices[0].parts
    ]


def test_what_the_core_sees() -> None:
    [case] = [case.values[0] for case in cases("openai_responses", "responses") if case.id == "functions"]
    response = bare(parse_response(msgspec.json.encode(case["body"])))
    assert response.choices == (
        Choice(
            0,
            (
                ToolCall("call_1", "get_weather", '{"city":"Oslo"}'),
                ToolCall("call_2", "get_weather", '{"city":"Rome"}'),
            ),
            Finish.TOOLS,
        ),
    )
    assert (response.response_id, response.created) == ("resp_67ccd2bed1ec8190", 1741476542)


def test_an_answer_of_another_dialect_is_complete() -> None:
    response = ChatResponse(
        "chatcmpl-1",
        "m",
        (Choice(0, (Text("a"),), Finish.LENGTH),),
        usage=Usage(input=1, output=2, cache_read=1),
    )
    shown = msgspec.json.decode(write(response, 1000))
    assert shown["id"].startswith("resp_")
    assert (shown["object"], shown["created_at"], shown["status"]) == ("response", 17, "incomplete")
    assert shown["incomplete_details"] == {"reason": "max_output_tokens"}
    assert shown["output"][0]["status"] == "incomplete"
    assert shown["usage"] == {
        "input_tokens": 1,
        "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 3,
        "cost": 0.000001,
    }


def test_no_more_than_one_choice() -> None:
    two = ChatResponse("r", "m", (Choice(0, (), Finish.STOP), Choice(1, (), Finish.STOP)))
    with pytest.raises(Unrepresentable) as caught:
        write(two)
    assert caught.value.param == "choices"
    assert msgspec.json.decode(write(ChatResponse("r", "m", ())))["output"] == []


@pytest.mark.parametrize("body", [b"{}", b'{"output":7}', b"<html>"])
def test_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        parse_response(body)


def test_a_failure_inside_a_200() -> None:
    with pytest.raises(Throttled):
        parse_response(
            b'{"status":"failed","output":[],"error":{"code":"rate_limit_exceeded","message":"m"}}'
        )
