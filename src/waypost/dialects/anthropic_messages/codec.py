"""The dialect `anthropic_messages`.

The header `anthropic-version` is the client's and passes as it is. 2026-10-21 takes the sampling settings away and
refuses some old spellings, and changes no shape that is read here, so one codec serves both versions:
https://platform.claude.com/docs/en/api/migration-2026-10-21 (2026-11-25).
"""

from __future__ import annotations

from waypost.core.asked import Asked, Onward, PathAsk, Reply
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.anthropic_messages import ask, errors, reply
from waypost.dialects.anthropic_messages.crossing import CROSSING
from waypost.dialects.anthropic_messages.own import NAME
from waypost.dialects.anthropic_messages.relay import AnthropicRelay
from waypost.dialects.dialect import EVENT_STREAM, NO_PATH, ChatCodec, EmbedCodec, Entry, Pricer
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.refusals import Headers
from waypost.errors import GatewayError, UpstreamError


class AnthropicDialect:
    """A `Dialect`. Immutable."""

    __slots__ = ("codec", "entries", "family", "forwarded", "name", "operation", "passed")

    embed_codec: EmbedCodec | None = None

    def __init__(
        self,
        name: str,
        codec: ChatCodec | None,
        entries: tuple[Entry, ...],
        operation: str = "chat",
        family: str = NAME,
    ) -> None:
        self.name = name
        self.family = family
        self.operation = operation
        self.entries = entries
        self.codec = codec
        #: The SDK's `anthropic-workspace-id` and `anthropic-user-profile-id` select accounts: the operator's to choose.
        self.forwarded = (b"anthropic-beta", b"anthropic-version")
        #: `anthropic-organization-id` and `anthropic-workspace-id` name accounts and stay here.
        self.passed = (b"anthropic-ratelimit-", b"request-id")

    def onward_path(self, model: str, stream: bool) -> str:
        """Always the same."""
        return "/messages"

    def stream_type(self, asked: Asked) -> bytes:
        """Server-sent events."""
        return EVENT_STREAM

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """See `ask.parse_ask`."""
        return ask.parse_ask(body, limits)

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """See `ask.render_onward`."""
        return Onward(*ask.render_onward(asked, model, quirks))

    def parse_reply(self, body: bytes) -> Reply:
        """See `reply.parse_reply`."""
        return reply.parse_reply(body)

    def render_reply(self, answer: Reply, cost_nusd: int | None) -> bytes:
        """See `reply.render_reply`."""
        return reply.render_reply(answer, cost_nusd)

    def stream_relay(self, asked: Asked, price: Pricer) -> AnthropicRelay:
        """See `relay.AnthropicRelay`."""
        return AnthropicRelay(asked, price)

    def estimate_output(self, asked: Asked, answer: Reply) -> Usage:
        """See `reply.estimate_output`."""
        return reply.estimate_output(asked, answer)

    def parse_error(self, status: int, headers: Headers, body: bytes) -> UpstreamError:
        """See `errors.parse_error`."""
        return errors.parse_error(status, headers, body)

    def render_error(self, error: GatewayError) -> bytes:
        """See `errors.render_error`."""
        return errors.render_error(error)


ENTRIES = (Entry("/messages"), Entry("/anthropic/v1/messages", mounted=False))
MESSAGES = AnthropicDialect(NAME, CROSSING, ENTRIES)
