from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Message, Text
from waypost.dialects.anthropic_messages.codec import MESSAGES
from waypost.dialects.anthropic_vertex.codec import VERTEX
from waypost.errors import InvalidRequest


def sent(body: dict[str, Any], model: str = "claude") -> Any:
    asked = MESSAGES.parse_ask(msgspec.json.encode(body))
    return msgspec.json.decode(VERTEX.render_onward(asked, model, Quirks()).body)


def test_the_model_is_in_the_path_and_the_version_in_the_body() -> None:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    assert sent(body) == {
        "stream": True,
        "messages": body["messages"],
        "anthropic_version": "vertex-2023-10-16",
    }
    assert sent(body | {"anthropic_version": "2026-10-21"})["anthropic_version"] == "2026-10-21"
    path = "/publishers/anthropic/models/claude-sonnet-4-5@20250929"
    assert VERTEX.onward_path("claude-sonnet-4-5@20250929", True) == f"{path}:streamRawPredict"
    assert VERTEX.onward_path("claude-sonnet-4-5@20250929", False) == f"{path}:rawPredict"


def test_ids_are_encoded_or_refused() -> None:
    assert VERTEX.onward_path("a/../b?c:d", False).startswith(
        "/publishers/anthropic/models/a%2F..%2Fb%3Fc%3Ad:"
    )
    for model in ("", "..", "a\nb", "a b"):
        with pytest.raises(InvalidRequest):
            VERTEX.onward_path(model, False)


def test_it_is_spoken_to_targets_only() -> None:
    assert VERTEX.entries == ()
    assert VERTEX.family == MESSAGES.family


def test_across() -> None:
    assert VERTEX.codec is not None
    request = ChatRequest("m", (Message("user", (Text("x"),)),), max_output=5)
    body = msgspec.json.decode(VERTEX.codec.render_request(request, Quirks(), Loss()))
    assert body == {
        "max_tokens": 5,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
        "anthropic_version": "vertex-2023-10-16",
    }
