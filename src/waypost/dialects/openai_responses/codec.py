"""The dialect `openai_responses`."""

from __future__ import annotations

from waypost.core.asked import Asked, Onward, PathAsk, Reply
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.dialect import EVENT_STREAM, NO_PATH, ChatCodec, EmbedCodec, Entry, Pricer
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai import errors
from waypost.dialects.openai_responses import ask, reply
from waypost.dialects.openai_responses.crossing import CROSSING
from waypost.dialects.openai_responses.own import NAME
from waypost.dialects.openai_responses.relay import ResponsesRelay
from waypost.dialects.refusals import Headers
from waypost.errors import GatewayError, UpstreamError


class ResponsesDialect:
    """A `Dialect`. Immutable."""

    __slots__ = ("codec", "entries", "family", "forwarded", "name", "operation", "passed")

    embed_codec: EmbedCodec | None = None

    def __init__(self, codec: ChatCodec | None) -> None:
        self.name = self.family = NAME
        self.operation = "chat"
        self.entries = (Entry("/responses"),)
        self.forwarded = (b"openai-beta", b"x-client-request-id")
        self.passed = (b"openai-",)
        self.codec = codec

    def onward_path(self, model: str, stream: bool) -> str:
        """Always the same."""
        return "/responses"

    def stream_type(self, asked: Asked) -> bytes:
        """Server-sent events."""
        return EVENT_STREAM

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """See `ask.parse_ask`."""
        return ask.parse_ask(body, limits)

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """See `ask.render_onward`."""
        return ask.render_onward(asked, model, quirks)

    def parse_reply(self, body: bytes) -> Reply:
        """See `reply.parse_reply`."""
        return reply.parse_reply(body)

    def render_reply(self, answer: Reply, cost_nusd: int | None) -> bytes:
        """See `reply.render_reply`."""
        return reply.render_reply(answer, cost_nusd)

    def stream_relay(self, asked: Asked, price: Pricer) -> ResponsesRelay:
        """See `relay.ResponsesRelay`."""
        return ResponsesRelay(asked, price)

    def estimate_output(self, asked: Asked, answer: Reply) -> Usage:
        """See `reply.estimate_output`."""
        return reply.estimate_output(asked, answer)

    def parse_error(self, status: int, headers: Headers, body: bytes) -> UpstreamError:
        """See `openai.errors.parse_error`."""
        return errors.parse_error(status, headers, body)

    def render_error(self, error: GatewayError) -> bytes:
        """See `openai.errors.render_error`."""
        return errors.render_error(error)


RESPONSES = ResponsesDialect(CROSSING)
