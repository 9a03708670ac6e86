from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tools.core_values import built, event_of
from waypost.core.events import Finished, Used
from waypost.core.request import ChatRequest, Message, Opaque, Sampling, Text, Tool
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.core.usage import Usage


def test_a_request_from_what_is_said_of_it() -> None:
    value = {
        "model": "m",
        "messages": [{"role": "user", "parts": [{"type": "text", "text": "a"}]}],
        "tools": [
            {"name": "f", "parameters": {"type": "object"}},
            {"type": "opaque", "dialect": "d", "data": [1]},
        ],
        "sampling": {"stop": ["x"]},
        "metadata": {"a": "b"},
        "effort": None,
    }
    assert built(value, ChatRequest) == ChatRequest(
        "m",
        (Message("user", (Text("a"),)),),
        tools=(Tool("f", parameters=msgspec.Raw(b'{"type":"object"}')), Opaque("d", msgspec.Raw(b"[1]"))),
        sampling=Sampling(stop=("x",)),
        metadata={"a": "b"},
    )


def test_an_answer_and_its_usage() -> None:
    value = {
        "response_id": "r",
        "model": "m",
        "choices": [{"index": 0, "parts": [], "finish": "stop"}],
        "usage": {"input": 3, "source": "partial"},
    }
    assert built(value, ChatResponse) == ChatResponse(
        "r", "m", (Choice(0, (), Finish.STOP),), usage=Usage(input=3, source="partial")
    )


def test_events() -> None:
    assert event_of({"event": "Finished", "choice": 0, "finish": "tools"}) == Finished(0, Finish.TOOLS)
    assert event_of({"event": "Used", "usage": {"input": 1}}) == Used(Usage(input=1))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"model": "m", "messages": [], "modle": 1}, "case.modle"),
        ({"model": "m"}, "messages"),
        ({"model": 7, "messages": []}, "case.model"),
        (
            {"model": "m", "messages": [{"role": "user", "parts": [{"type": "txt"}]}]},
            "case.messages[0].parts[0]",
        ),
        ({"model": "m", "messages": [], "effort": "huge"}, "case.effort"),
        ({"model": "m", "messages": [], "sampling": {"top": 1}}, "case.sampling.top"),
    ],
)
def test_what_does_not_fit_is_named(value: Any, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        built(value, ChatRequest)
    assert said in str(caught.value)
