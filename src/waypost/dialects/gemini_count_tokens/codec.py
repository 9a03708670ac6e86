"""The dialect `gemini_count_tokens`: how many tokens a request would have. It bills nothing."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, Onward, PathAsk, Reply
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.dialect import NO_PATH
from waypost.dialects.fields import render_fields
from waypost.dialects.gemini.ask import nested, onward
from waypost.dialects.gemini.codec import GeminiDialect
from waypost.dialects.gemini.reply import parse_reply
from waypost.dialects.gemini.spelling import know
from waypost.dialects.gemini_count_tokens.ask import GOVERNED, REQUEST, fields_for, parse_ask
from waypost.dialects.json_limits import DEFAULT, JsonLimits

_NOTHING = Usage()


def render_count(tokens: int) -> bytes:
    """An answer for a count that was made here: https://ai.google.dev/api/tokens#response-body (2026-11-25)."""
    return b'{"totalTokens":%d}' % tokens


def counted(asked: Asked) -> Asked:
    """The request that is counted, as one of `gemini_generate`: the inner one, or what stands there in its place."""
    inner = nested(know(asked.fields, GOVERNED), REQUEST)
    return asked if not inner else msgspec.structs.replace(asked, fields=inner)


class CountTokensDialect(GeminiDialect):
    """A `Dialect`. Immutable. A count costs nothing, so an answer passes without a cost in it."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("gemini_count_tokens", "count_tokens", "countTokens")

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """See `ask.parse_ask`."""
        return parse_ask(body, limits, path)

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """The client's fields; an inner request names the target's model."""
        return onward(fields_for(asked, model), quirks)

    def parse_reply(self, body: bytes) -> Reply:
        """Raises as `gemini.reply.parse_reply`."""
        return msgspec.structs.replace(parse_reply(body), usage=_NOTHING)

    def render_reply(self, answer: Reply, cost_nusd: int | None) -> bytes:
        """The answer as it came."""
        return render_fields(answer.fields)

    def estimate_output(self, asked: Asked, answer: Reply) -> Usage:
        """Nothing was used."""
        return _NOTHING


COUNT_TOKENS = CountTokensDialect()
