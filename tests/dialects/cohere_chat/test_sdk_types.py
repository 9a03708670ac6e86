"""cohere-python's own types, over what this dialect writes and relays."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from cohere.core.unchecked_base_model import construct_type
from cohere.types import ChatMessageV2, ResponseFormatV2, Thinking, ToolV2
from cohere.v2.types import V2ChatResponse, V2ChatStreamResponse, V2RerankResponse
from pydantic import TypeAdapter

from dialects.golden import cases, sse
from waypost.core.asked import Asked
from waypost.dialects.cohere.relay import CohereRelay
from waypost.dialects.cohere_chat.codec import COHERE_CHAT
from waypost.dialects.cohere_rerank.codec import COHERE_RERANK
from waypost.dialects.sse import SseParser

_CHECKED: dict[str, Any] = {
    "messages": list[ChatMessageV2],
    "tools": list[ToolV2],
    "response_format": ResponseFormatV2,
    "thinking": Thinking,
}


@pytest.mark.parametrize("case", cases("cohere_chat", "requests"))
def test_requests(case: Any) -> None:
    for name, kind in _CHECKED.items():
        if name in case["body"]:
            TypeAdapter(kind).validate_python(case["body"][name], strict=False)


@pytest.mark.parametrize("case", cases("cohere_chat", "responses"))
def test_answers_with_a_cost(case: Any) -> None:
    body = COHERE_CHAT.render_reply(COHERE_CHAT.parse_reply(msgspec.json.encode(case["body"])), 5)
    read = TypeAdapter(V2ChatResponse).validate_python(msgspec.json.decode(body))
    assert read.id == "c14c80c3"


@pytest.mark.parametrize("case", cases("cohere_chat", "streams"))
def test_relayed_streams(case: Any) -> None:
    passing = CohereRelay(Asked("m", True, {}), lambda usage, tier: 5)
    out = passing.feed(sse([event for event in case["events"] if event != "[DONE]"]))
    for event in SseParser().feed(out):
        said = msgspec.json.decode(event.data or b"null")
        read = construct_type(type_=V2ChatStreamResponse, object_=said)  # type: ignore[arg-type]  # as the SDK does
        assert getattr(read, "type", None) == said["type"]


def test_a_reranking_with_a_cost() -> None:
    body = (
        b'{"id":"x","results":[{"index":0,"relevance_score":0.5}],"meta":{"billed_units":{"search_units":1}}}'
    )
    shown = COHERE_RERANK.render_reply(COHERE_RERANK.parse_reply(body), 5)
    read = TypeAdapter(V2RerankResponse).validate_python(msgspec.json.decode(shown))
    assert read.results[0].index == 0
