"""The dialects `openai_images`, `openai_image_edits`, `openai_speech`, `openai_transcriptions`, `openai_translations`
and `openai_moderations`."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, Onward, PathAsk, Reply
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.dialect import EVENT_STREAM, NO_PATH, ChatCodec, EmbedCodec, Entry, Pricer, StreamRelay
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai import errors
from waypost.dialects.openai_media.ask import parse_media, render_media
from waypost.dialects.openai_media.relay import BytesRelay, EventRelay
from waypost.dialects.openai_media.reply import parse_reply, render_reply
from waypost.dialects.refusals import Headers
from waypost.errors import GatewayError, UpstreamError


class MediaDialect:
    """A `Dialect`. Immutable."""

    __slots__ = ("_default_model", "_path", "_required", "_sound", "codec", "entries", "family", "forwarded",
                 "name", "operation", "passed")  # fmt: skip

    embed_codec: EmbedCodec | None = None

    def __init__(
        self,
        name: str,
        operation: str,
        path: str,
        required: str,
        *,
        default_model: str | None = None,
        forms: bool = False,
        sound: bool = False,
    ) -> None:
        """`required`: the field without which there is nothing to do. `forms`: it may come as a form. `sound`: its
        answer is bytes that are passed on as they come."""
        self.name = self.family = name
        self.operation = operation
        self.entries = (Entry(path, forms=forms),)
        self.forwarded = (b"openai-beta", b"x-client-request-id")
        self.passed = (b"openai-",)
        self.codec: ChatCodec | None = None
        self._path = path
        self._required = required
        self._default_model = default_model
        self._sound = sound

    def onward_path(self, model: str, stream: bool) -> str:
        """Always the same."""
        return self._path

    def stream_type(self, asked: Asked) -> bytes:
        """Events, or what the provider says a sound is."""
        return EVENT_STREAM if asked.form == "sse" else b""

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """See `ask.parse_media`."""
        asked = parse_media(body, limits, self._default_model, self._required, self.operation)
        return msgspec.structs.replace(asked, stream=True) if self._sound else asked

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """See `ask.render_media`."""
        return render_media(asked, model, quirks)

    def parse_reply(self, body: bytes) -> Reply:
        """See `reply.parse_reply`."""
        return parse_reply(body)

    def render_reply(self, reply: Reply, cost_nusd: int | None) -> bytes:
        """See `reply.render_reply`."""
        return render_reply(reply, cost_nusd)

    def stream_relay(self, asked: Asked, price: Pricer) -> StreamRelay:
        """See `relay.py`."""
        return BytesRelay(asked) if self._sound and not asked.form else EventRelay(asked, price)

    def estimate_output(self, asked: Asked, reply: Reply) -> Usage:
        """What went in: pictures and sounds that report no tokens are not counted in them."""
        return Usage(input=asked.input_estimate, source="estimated")

    def parse_error(self, status: int, headers: Headers, body: bytes) -> UpstreamError:
        """See `openai.errors.parse_error`."""
        return errors.parse_error(status, headers, body)

    def render_error(self, error: GatewayError) -> bytes:
        """See `openai.errors.render_error`."""
        return errors.render_error(error)


#: Where the model may be left out, what OpenAI takes then: https://platform.openai.com/docs/api-reference (2026-11-25)
IMAGES = MediaDialect("openai_images", "images", "/images/generations", "prompt", default_model="gpt-image-1")
IMAGE_EDITS = MediaDialect(
    "openai_image_edits", "image_edits", "/images/edits", "image", default_model="gpt-image-1", forms=True
)
SPEECH = MediaDialect("openai_speech", "speech", "/audio/speech", "input", sound=True)
TRANSCRIPTIONS = MediaDialect(
    "openai_transcriptions", "transcriptions", "/audio/transcriptions", "file", forms=True
)
TRANSLATIONS = MediaDialect("openai_translations", "translations", "/audio/translations", "file", forms=True)
MODERATIONS = MediaDialect(
    "openai_moderations", "moderations", "/moderations", "input", default_model="omni-moderation-latest"
)
