"""What the dialects of OpenAI's family share: all but how a request is read and what a stream's events are called."""

from __future__ import annotations

from collections.abc import Callable

from waypost.core.asked import Asked, Onward, PathAsk, Reply
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.dialect import EVENT_STREAM, NO_PATH, ChatCodec, EmbedCodec, Entry, Pricer
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai import ask, errors, reply
from waypost.dialects.openai.relay import OpenAIRelay
from waypost.dialects.refusals import Headers
from waypost.errors import GatewayError, UpstreamError


class OpenAIDialect:
    """A `Dialect`. Immutable."""

    __slots__ = (
        "_event",
        "_parse_ask",
        "_path",
        "codec",
        "embed_codec",
        "entries",
        "family",
        "forwarded",
        "name",
        "operation",
        "passed",
    )

    def __init__(
        self,
        name: str,
        operation: str,
        path: str,
        event: bytes,
        parse_ask: Callable[[bytes, JsonLimits], Asked],
        codec: ChatCodec | None = None,
        embed_codec: EmbedCodec | None = None,
    ) -> None:
        """`event` is the `object` of a stream's events."""
        self.name = self.family = name
        self.operation = operation
        self.entries = (Entry(path),)
        self.forwarded = (b"openai-beta", b"x-client-request-id")
        self.passed = (b"openai-",)
        self.codec = codec
        self.embed_codec = embed_codec
        self._path = path
        self._event = event
        self._parse_ask = parse_ask

    def onward_path(self, model: str, stream: bool) -> str:
        """Always the same."""
        return self._path

    def stream_type(self, asked: Asked) -> bytes:
        """Server-sent events."""
        return EVENT_STREAM

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """See the `ask.py` of the dialect's folder."""
        return self._parse_ask(body, limits)

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """See `openai.ask.render_onward`."""
        body = ask.render_onward(asked, model, quirks, chat=self.operation == "chat")
        if not quirks.drop:
            return Onward(body)
        return Onward(body, tuple(name for name in quirks.drop if name in asked.fields))

    def parse_reply(self, body: bytes) -> Reply:
        """See `openai.reply.parse_reply`."""
        return reply.parse_reply(body)

    def render_reply(self, answer: Reply, cost_nusd: int | None) -> bytes:
        """See `openai.reply.render_reply`."""
        return reply.render_reply(answer, cost_nusd)

    def stream_relay(self, asked: Asked, price: Pricer) -> OpenAIRelay:
        """See `openai.relay.OpenAIRelay`."""
        return OpenAIRelay(asked, price, self._event)

    def estimate_output(self, asked: Asked, answer: Reply) -> Usage:
        """See `openai.reply.estimate_output`."""
        return reply.estimate_output(asked, answer)

    def parse_error(self, status: int, headers: Headers, body: bytes) -> UpstreamError:
        """See `openai.errors.parse_error`."""
        return errors.parse_error(status, headers, body)

    def render_error(self, error: GatewayError) -> bytes:
        """See `openai.errors.render_error`."""
        return errors.render_error(error)
