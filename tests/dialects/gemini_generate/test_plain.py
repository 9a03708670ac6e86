"""What is read and written in one step, and what is left to the general way. That both make the same of it:
`tests/dialects/test_plain.py`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.nearly import USUAL, gemini_event
from waypost.core.asked import Asked
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Extras, Message, Sampling, Text
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.core.usage import Usage
from waypost.dialects.fields import parse_object
from waypost.dialects.gemini_generate.plain import (
    parse_candidates,
    parse_plain,
    read_event,
    render_answer,
    render_plain,
)

HI = {"role": "model", "parts": [{"text": "Hi"}]}


def parsed(**change: Any) -> ChatRequest | None:
    body = msgspec.json.encode(USUAL["gemini_generate"] | change)
    return parse_plain(Asked("m", True, parse_object(body)))


def test_a_usual_request_is_read() -> None:
    assert parsed() == ChatRequest(
        "m",
        (
            Message("system", (Text("Short."),), Extras("gemini_generate", {}, "norole")),
            Message("user", (Text("Hi"),)),
        ),
        sampling=Sampling(0.5),
        max_output=9,
        stream=True,
        wants_usage=True,
        extras=Extras("gemini_generate", {}, "native"),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"tools": []},
        {"contents": []},
        {"contents": [HI, HI]},
        {"contents": [{"parts": [{"text": "Hi"}]}]},
        {"contents": [{"role": "user", "parts": []}]},
        {"systemInstruction": {"parts": []}},
        {"generationConfig": {"stopSequences": []}},
        {"generationConfig": {"temperature": None}},
        {"generationConfig": {"candidateCount": 1}},
    ],
)
def test_others_are_left(change: dict[str, Any]) -> None:
    assert parsed(**change) is None


def test_a_request_is_written_and_its_user_is_named() -> None:
    request = ChatRequest("m", (Message("user", (Text("Hi"),)),), max_output=9, user="u")
    loss = Loss()
    assert render_plain(request, Quirks(), loss) == (
        b'{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"generationConfig":{"maxOutputTokens":9}}'
    )
    assert loss.names == ("user",)
    for change in (
        {"sampling": Sampling(seed=1)},
        {"sampling": Sampling(stop=("a",) * 6)},
        {"messages": (Message("system", (Text("a"),)),)},
        {"messages": (Message("user", (Text(""),)),)},
    ):
        assert render_plain(msgspec.structs.replace(request, **change), Quirks(), loss) is None


def test_a_candidate_of_texts_is_read() -> None:
    candidate = {"content": HI, "finishReason": "STOP", "index": 0, "avgLogprobs": -0.5}
    found = parse_candidates(msgspec.Raw(msgspec.json.encode([candidate])))
    kept = Extras("gemini_generate", {"avgLogprobs": msgspec.Raw(b"-0.5")})
    assert found == (Choice(0, (Text("Hi"),), Finish.STOP, kept),)
    for other in ([], [candidate] * 2, [candidate | {"finishReason": "SAFETY"}], [candidate | {"a": 1}]):
        assert parse_candidates(msgspec.Raw(msgspec.json.encode(other))) is None


def test_an_answer_of_one_text_is_written() -> None:
    answer = ChatResponse("r", "m", (Choice(0, (Text("Hi"),), Finish.LENGTH),), usage=Usage(1, 2))
    body = render_answer(answer, None, "made")
    assert body is not None
    assert msgspec.json.decode(body)["candidates"][0]["finishReason"] == "MAX_TOKENS"
    silent = msgspec.structs.replace(answer, choices=(Choice(0, (Text(""),), Finish.STOP),))
    assert render_answer(silent, None, "made") is None


def test_an_event_with_more_of_a_text_is_read() -> None:
    for end in (b"\r\n\r\n", b"\n\n"):
        event = gemini_event({"content": HI}, end, usageMetadata={})
        assert read_event(event) == (0, "Hi", msgspec.Raw(b"{}"))
        for other in (event + event, event[:-1], b"\n" + event, event.replace(b"model", b"user")):
            assert read_event(other) is None
    assert read_event(gemini_event({"content": HI, "finishReason": "STOP"})) is None
    assert read_event(gemini_event({"content": HI}, error=None)) is None
