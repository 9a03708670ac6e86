"""The dialect `bedrock_converse`."""

from __future__ import annotations

from waypost.core.asked import Asked, Onward, PathAsk, Reply
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.bedrock_converse import ask, errors, reply
from waypost.dialects.bedrock_converse.crossing import CROSSING
from waypost.dialects.bedrock_converse.eventstream import CONTENT_TYPE
from waypost.dialects.bedrock_converse.relay import ConverseRelay
from waypost.dialects.dialect import NO_PATH, ChatCodec, EmbedCodec, Entry, Pricer
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.refusals import Headers
from waypost.errors import GatewayError, UpstreamError


class ConverseDialect:
    """A `Dialect`. Immutable."""

    __slots__ = ("codec", "entries", "family", "forwarded", "name", "operation", "passed")

    embed_codec: EmbedCodec | None = None

    def __init__(self, codec: ChatCodec | None) -> None:
        self.name = self.family = "bedrock_converse"
        self.operation = "chat"
        self.entries: tuple[Entry, ...] = (
            Entry("/bedrock/model/{model}/converse", mounted=False),
            Entry("/bedrock/model/{model}/converse-stream", stream=True, mounted=False),
        )
        self.forwarded: tuple[bytes, ...] = ()
        self.passed = (b"x-amzn-bedrock-",)
        self.codec: ChatCodec | None = codec

    def onward_path(self, model: str, stream: bool) -> str:
        """See `ask.onward_path`."""
        return ask.onward_path(model, stream)

    def stream_type(self, asked: Asked) -> bytes:
        """AWS's event stream."""
        return CONTENT_TYPE

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """See `ask.parse_ask`."""
        return ask.parse_ask(body, limits, path)

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """See `ask.render_onward`."""
        return ask.render_onward(asked, model, quirks)

    def parse_reply(self, body: bytes) -> Reply:
        """See `reply.parse_reply`."""
        return reply.parse_reply(body)

    def render_reply(self, answer: Reply, cost_nusd: int | None) -> bytes:
        """See `reply.render_reply`."""
        return reply.render_reply(answer, cost_nusd)

    def stream_relay(self, asked: Asked, price: Pricer) -> ConverseRelay:
        """See `relay.ConverseRelay`."""
        return ConverseRelay(asked, price)

    def estimate_output(self, asked: Asked, answer: Reply) -> Usage:
        """See `reply.estimate_output`."""
        return reply.estimate_output(asked, answer)

    def parse_error(self, status: int, headers: Headers, body: bytes) -> UpstreamError:
        """See `errors.parse_error`."""
        return errors.parse_error(status, headers, body)

    def render_error(self, error: GatewayError) -> bytes:
        """See `errors.render_error`."""
        return errors.render_error(error)


CONVERSE = ConverseDialect(CROSSING)
