from __future__ import annotations

import msgspec

from waypost.core.asked import PathAsk
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.gemini_count_tokens.codec import COUNT_TOKENS, render_count


def test_a_count_costs_nothing_and_passes_as_it_came() -> None:
    body = b'{"totalTokens":31,"cachedContentTokenCount":7,"promptTokensDetails":[]}'
    reply = COUNT_TOKENS.parse_reply(body)
    assert reply.usage == Usage()
    assert COUNT_TOKENS.render_reply(reply, 5) == body


def test_onward() -> None:
    asked = COUNT_TOKENS.parse_ask(b'{"contents":[{"parts":[]}],"model":"x"}', path=PathAsk("m"))
    assert COUNT_TOKENS.render_onward(asked, "t", Quirks()).body == b'{"contents":[{"parts":[]}]}'
    assert COUNT_TOKENS.onward_path("t", False) == "/models/t:countTokens"
    assert COUNT_TOKENS.operation == "count_tokens"


def test_a_count_made_here() -> None:
    assert render_count(7) == b'{"totalTokens":7}'
    assert COUNT_TOKENS.parse_reply(render_count(7)).fields["totalTokens"] == msgspec.Raw(b"7")
