from __future__ import annotations

import base64
from typing import Any

import msgspec

from waypost.dialects.anthropic_messages.estimate import TOOL_PROMPT_TOKENS, estimate
from waypost.dialects.openai.estimate import IMAGE_TOKENS


def tokens(**fields: Any) -> int:
    return estimate({name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()})


def image(data: str) -> list[Any]:
    source = {"type": "base64", "media_type": "image/png", "data": data}
    return [{"role": "user", "content": [{"type": "image", "source": source}]}]


def test_text_is_three_bytes_a_token() -> None:
    assert tokens(messages=["a" * 298]) == 101


def test_everything_shown_counts() -> None:
    both = tokens(messages=["a" * 98], system="b" * 98)
    assert both == tokens(messages=["a" * 98]) + tokens(system="b" * 98)
    assert tokens(messages=[], metadata="b" * 98) == tokens(messages=[])


def test_tools_bring_a_prompt_of_their_own() -> None:
    assert tokens(tools=[{"name": "a"}]) > TOOL_PROMPT_TOKENS
    assert tokens(tools=None) < TOOL_PROMPT_TOKENS


def test_a_picture_costs_the_same_at_any_size() -> None:
    small, large = (base64.b64encode(b"\x89" * size).decode() for size in (300, 300_000))
    assert IMAGE_TOKENS < tokens(messages=image(small)) == tokens(messages=image(large)) < IMAGE_TOKENS + 60


def test_a_document_costs_by_its_size() -> None:
    def document(size: int) -> int:
        data = base64.b64encode(b"%" * size).decode()
        source = {"type": "base64", "media_type": "application/pdf", "data": data}
        return tokens(messages=[{"type": "document", "source": source}])

    assert document(4_000_000) > 100_000 > document(40_000)


def test_text_does_not_hide_among_media() -> None:
    data = base64.b64encode(b"\x89" * 300).decode()
    hidden = [*image(data), {"data": "A" * 30_000}]
    assert tokens(messages=hidden) < tokens(messages=[*hidden, {"data": "B" * 30_000}])
