"""What counts as nothing but text."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.plain import only_text, plain_choice, plain_request, plain_texts
from waypost.core.request import (
    CacheHint,
    ChatRequest,
    Citation,
    Extras,
    Message,
    Refusal,
    Sampling,
    Text,
    Tool,
)
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.core.usage import Usage

HI = (Message("system", (Text("Short."),)), Message("user", (Text("Hi"),), Extras("theirs", {}, "text")))


def test_a_request_is_made_by_place_as_it_would_be_by_name() -> None:
    sampling, extras = Sampling(0.5), Extras("ours", {}, "own")
    assert plain_request("m", list(HI), sampling, 9, True, False, "u", extras) == ChatRequest(
        model="m", messages=HI, sampling=sampling, max_output=9, stream=True, user="u", extras=extras
    )


def test_the_texts_of_a_request_that_has_nothing_else() -> None:
    request = ChatRequest("m", HI, sampling=Sampling(0.5), max_output=9, stream=True, user="u")
    assert plain_texts(request, "ours") == ["Short.", "Hi"]
    assert plain_texts(request, "theirs") is None


@pytest.mark.parametrize(
    "change",
    [
        {"tools": (Tool("t"),)},
        {"parallel_tool_calls": False},
        {"effort": "low"},
        {"thinking_budget": 0},
        {"show_thinking": False},
        {"choices": 2},
        {"tier": "flex"},
        {"top_logprobs": 0},
        {"metadata": {}},
        {"verbosity": "low"},
        {"cache_key": ""},
        {"modalities": ("text",)},
        {"extras": Extras("ours")},
        {"messages": (Message("user", ()),)},
        {"messages": (Message("user", (Text("a"), Text("b"))),)},
        {"messages": (Message("user", (Text("a"),), Extras("ours")),)},
    ],
)
def test_anything_else_is_not_plain(change: dict[str, Any]) -> None:
    request = msgspec.structs.replace(ChatRequest("m", HI), **change)
    assert plain_texts(request, "ours") is None


@pytest.mark.parametrize(
    "part",
    [
        Refusal("a"),
        Text("a", CacheHint()),
        Text("a", extras=Extras("theirs")),
        Text("a", citations=(Citation("u"),)),
    ],
)
def test_a_text_with_more_to_it_is_not_only_a_text(part: Text | Refusal) -> None:
    assert only_text((Text("a"),)) == "a"
    assert only_text((part,)) is None


def test_an_answer_of_one_text_that_ended_and_was_counted() -> None:
    choice = Choice(0, (Text("Hi"),), Finish.STOP, Extras("theirs"))
    answer = ChatResponse("r", "m", (choice,), usage=Usage(1, 2))
    assert plain_choice(answer, "ours") == (choice, "Hi")
    assert plain_choice(answer, "theirs") is None
    for change in (
        {"usage": None},
        {"choices": ()},
        {"choices": (choice, choice)},
        {"extras": Extras("ours")},
        {"choices": (msgspec.structs.replace(choice, finish=None),)},
        {"choices": (msgspec.structs.replace(choice, stop_text="END"),)},
        {"choices": (msgspec.structs.replace(choice, index=1),)},
    ):
        assert plain_choice(msgspec.structs.replace(answer, **change), "ours") is None
