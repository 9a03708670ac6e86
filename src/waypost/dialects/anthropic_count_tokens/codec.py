"""The dialect `anthropic_count_tokens`: a count is asked for and paid for with nothing.

https://platform.claude.com/docs/en/build-with-claude/token-counting (2026-11-25).
"""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, PathAsk, Reply
from waypost.core.usage import Usage
from waypost.dialects.anthropic_messages import ask, reply
from waypost.dialects.anthropic_messages.codec import AnthropicDialect
from waypost.dialects.dialect import NO_PATH, Entry
from waypost.dialects.fields import render_fields
from waypost.dialects.json_limits import DEFAULT, JsonLimits

_PATH = "/messages/count_tokens"


class CountTokens(AnthropicDialect):
    """A `Dialect`. Immutable. `Asked.input_estimate` is the count for a target that can not count itself."""

    __slots__ = ()

    def onward_path(self, model: str, stream: bool) -> str:
        """Always the same."""
        return _PATH

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """See `ask.parse_count`."""
        return ask.parse_count(body, limits)

    def parse_reply(self, body: bytes) -> Reply:
        """`{"input_tokens": n}`; it used nothing. Raises as `reply.parse_reply`."""
        return Reply(fields=reply.parse_reply(body).fields, usage=Usage())

    def render_reply(self, answer: Reply, cost_nusd: int | None) -> bytes:
        """The answer as it came."""
        return render_fields(answer.fields)

    def estimate_output(self, asked: Asked, answer: Reply) -> Usage:
        """Nothing."""
        return Usage(source="estimated")


def render_count(tokens: int) -> bytes:
    """The whole answer, for a gateway that counts by itself."""
    return msgspec.json.encode({"input_tokens": tokens})


COUNT_TOKENS = CountTokens(
    "anthropic_count_tokens",
    None,
    (Entry(_PATH), Entry(f"/anthropic/v1{_PATH}", mounted=False)),
    operation="count_tokens",
    family="anthropic_count_tokens",
)
