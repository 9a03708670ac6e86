"""What Google's dialects share: all but how a request is read and rendered."""

from __future__ import annotations

from abc import ABC, abstractmethod

from waypost.core.asked import Asked, Onward, PathAsk, Reply
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.dialect import EVENT_STREAM, NO_PATH, ChatCodec, EmbedCodec, Entry, Pricer
from waypost.dialects.gemini import errors, reply
from waypost.dialects.gemini.ask import onward
from waypost.dialects.gemini.framing import ARRAY
from waypost.dialects.gemini.paths import entries, onward_path
from waypost.dialects.gemini.relay import GeminiRelay
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.refusals import Headers
from waypost.errors import GatewayError, UpstreamError

_JSON = b"application/json; charset=utf-8"


class GeminiDialect(ABC):
    """A `Dialect`. Immutable. `method` is what stands behind the model in the path.

    No request header is forwarded: those Google knows name accounts and credentials (`x-goog-*`), or choose capacity at
    another price (`x-vertex-ai-*`). `x-gemini-service-tier` tells clients the tier that was served.
    """

    __slots__ = (
        "_method",
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
        method: str,
        codec: ChatCodec | None = None,
        embed_codec: EmbedCodec | None = None,
    ) -> None:
        self.name = self.family = name
        self.operation = operation
        self.entries: tuple[Entry, ...] = entries(method)
        self.forwarded: tuple[bytes, ...] = ()
        self.passed = (b"x-gemini-",)
        self.codec = codec
        self.embed_codec = embed_codec
        self._method = method

    def onward_path(self, model: str, stream: bool) -> str:
        """See `gemini.paths.onward_path`."""
        return onward_path(model, self._method)

    def stream_type(self, asked: Asked) -> bytes:
        """Server-sent events, or the JSON array."""
        return _JSON if asked.form == ARRAY else EVENT_STREAM

    @abstractmethod
    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """See the `ask.py` of the dialect's folder."""

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """See `gemini.ask.onward`."""
        return onward(asked.fields.copy(), quirks)

    def parse_reply(self, body: bytes) -> Reply:
        """See `gemini.reply.parse_reply`."""
        return reply.parse_reply(body)

    def render_reply(self, answer: Reply, cost_nusd: int | None) -> bytes:
        """See `gemini.reply.render_reply`."""
        return reply.render_reply(answer, cost_nusd)

    def stream_relay(self, asked: Asked, price: Pricer) -> GeminiRelay:
        """See `gemini.relay.GeminiRelay`."""
        return GeminiRelay(asked, price)

    def estimate_output(self, asked: Asked, answer: Reply) -> Usage:
        """See `gemini.reply.estimate_output`."""
        return reply.estimate_output(asked, answer)

    def parse_error(self, status: int, headers: Headers, body: bytes) -> UpstreamError:
        """See `gemini.errors.parse_error`."""
        return errors.parse_error(status, headers, body)

    def render_error(self, error: GatewayError) -> bytes:
        """See `gemini.errors.render_error`."""
        return errors.render_error(error)
