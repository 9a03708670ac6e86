"""What a dialect is: a sans-io codec between one wire format and the gateway. No await, no clock, no network.

Two lanes (`lane.py`). **Same dialect on both ends** (`Dialect`): the original fields are the base, only changed ones
are rendered anew, answers pass as they are and the meter reads beside them; a vendor's new field works on day one.
**Different dialects** (`ChatCodec`, `EmbedCodec`): through the core's model (`core/request.py`, `response.py`,
`events.py`; `embed.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from waypost.core.asked import Asked, Onward, PathAsk, Reply, Stamp
from waypost.core.embed import EmbedRequest, EmbedResponse
from waypost.core.events import Event
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest
from waypost.core.response import ChatResponse
from waypost.core.usage import Usage
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.errors import GatewayError, UpstreamError

#: Nano-dollars for a usage at a service tier, or None when the model has no known price.
Pricer = Callable[[Usage, str | None], int | None]

NO_PATH = PathAsk()
EVENT_STREAM = b"text/event-stream; charset=utf-8"


class Entry(msgspec.Struct, frozen=True):
    """A path at which clients ask. `{model}` in it stands for the model's id, slashes included.

    `mounted` paths are found below `/v1`, below `/api/v1` and without either.
    """

    path: str
    stream: bool = False
    form: str = ""
    mounted: bool = True
    forms: bool = False
    """The body may be `multipart/form-data`."""
    socket: bool = False
    """A WebSocket is opened there, by GET; nothing is posted."""


class StreamRelay(Protocol):
    """Reads one upstream stream beside relaying it. Feed it what arrives; send on what it returns."""

    committed: bool
    """A content or tool delta has been returned: from here on no other target may answer."""
    finished: bool
    """The terminator was seen."""
    failure: UpstreamError | None
    """The stream carried an error event, or bytes that are no stream; nothing more will be returned."""
    usage: Usage | None
    """As reported, once it was."""
    tier: str | None
    finish_reason: str | None
    deltas: int
    """Content deltas so far: a rise is progress, comments and pings are not."""

    @property
    def skipped(self) -> int:
        """Events that were left out: they could not be read, or came behind the end."""
        ...

    def feed(self, chunk: bytes) -> bytes:
        """The bytes to send on for this chunk; b"" when there is nothing yet. Whole events only.

        The final usage event is patched with its cost, or left out when the client did not ask for usage.
        """
        ...

    def end(self) -> bytes:
        """The upstream closed the stream: the last bytes to send on. Sets `failure` (Truncated) if the terminator is
        missing."""
        ...

    def partial(self) -> Usage:
        """Usage counted from what was delivered, for a stream that ended early; `source` is `partial`."""
        ...

    def fail(self, error: GatewayError) -> bytes:
        """An honest error event inside the stream that has begun. Never followed by a terminator."""
        ...


class StreamParser(Protocol):
    """A target's stream to events, however its bytes are split. Never raises."""

    @property
    def finished(self) -> bool:
        """The answer is complete: its terminator was seen."""
        ...

    @property
    def failure(self) -> UpstreamError | None:
        """An error event, bytes that are no stream, or an end before the end. The events before it were returned."""
        ...

    @property
    def skipped(self) -> int:
        """As `StreamRelay.skipped`."""
        ...

    def feed(self, chunk: bytes) -> list[Event]: ...

    def end(self) -> list[Event]:
        """The upstream closed. Sets `finished`, where the answer is whole all the same, or `failure` (Truncated)."""
        ...


class StreamRenderer(Protocol):
    """Events to the client's stream."""

    def render(self, event: Event) -> bytes:
        """The bytes for one event; b"" for one that this dialect does not show. Raises Unrepresentable."""
        ...

    def end(self, usage: Usage, cost_nusd: int | None) -> bytes:
        """The last events: usage with its cost where the client wants or expects it, and the terminator."""
        ...

    def fail(self, error: GatewayError) -> bytes:
        """As `StreamRelay.fail`."""
        ...


class ChatCodec(Protocol):
    """A chat dialect's way through the core, in both roles.

    As the client's dialect: `parse_request`, `render_response`, `stream_renderer`. As the target's: `render_request`,
    `parse_response`, `stream_parser`.
    """

    @property
    def names(self) -> Mapping[str, str]:
        """What this dialect calls the core's settings (`max_output` → `max_tokens`), where the words differ."""
        ...

    @property
    def neutral(self) -> Mapping[str, frozenset[bytes]]:
        """Fields the core does not model, with the values (JSON text) that say nothing: leaving those out is no loss.
        `null` never is one."""
        ...

    def parse_request(self, asked: Asked) -> ChatRequest:
        """Raises InvalidRequest and Unrepresentable, with `param`."""
        ...

    def render_request(self, request: ChatRequest, quirks: Quirks, loss: Loss) -> bytes:
        """The body for a target. Everything of the core's model is said, or handed to `loss`; `extras` and `Opaque`
        parts of other dialects are the lane's: settings among them are named there, `Opaque` content by the codec."""
        ...

    def parse_response(self, body: bytes) -> ChatResponse:
        """Raises Garbled, and what the provider reports inside a 200."""
        ...

    def render_response(
        self, response: ChatResponse, asked: Asked, cost_nusd: int | None, stamp: Stamp
    ) -> bytes:
        """The whole answer. `response.usage` is always set. Raises Unrepresentable for a part that can not be said."""
        ...

    def stream_parser(self) -> StreamParser: ...

    def stream_renderer(self, asked: Asked, stamp: Stamp) -> StreamRenderer: ...


class EmbedCodec(Protocol):
    """An embedding dialect's way through the core, in both roles."""

    @property
    def dialect(self) -> str:
        """Whose extras it renders back: `gemini_embed` for both of Google's."""
        ...

    @property
    def many(self) -> bool:
        """As the target's: it takes several inputs in one call."""
        ...

    @property
    def names(self) -> Mapping[str, str]:
        """As `ChatCodec.names`, for the fields of `EmbedRequest`; `input` stands for its inputs."""
        ...

    @property
    def neutral(self) -> Mapping[str, frozenset[bytes]]:
        """As `ChatCodec.neutral`."""
        ...

    def parse_request(self, asked: Asked) -> EmbedRequest:
        """Raises InvalidRequest and Unrepresentable, with `param`."""
        ...

    def render_request(self, request: EmbedRequest, quirks: Quirks, loss: Loss) -> bytes:
        """The body for a target. An input that it can not be shown is refused even where dropping is wanted: there is
        a vector for each. Raises Unrepresentable."""
        ...

    def parse_response(self, body: bytes) -> EmbedResponse:
        """Raises Garbled, and what the provider reports inside a 200."""
        ...

    def render_response(
        self, response: EmbedResponse, asked: Asked, cost_nusd: int | None, stamp: Stamp
    ) -> bytes:
        """The whole answer. `response.usage` and `response.model` are always set. Raises Garbled."""
        ...


class Dialect(Protocol):
    """One wire format."""

    @property
    def name(self) -> str:
        """As in `DIALECTS` and a provider's `dialects`."""
        ...

    @property
    def family(self) -> str:
        """Dialects of one family have the same bodies and differ in their paths (Azure's chat, Anthropic at Vertex):
        between them requests and answers pass as they are. Usually `name`."""
        ...

    @property
    def operation(self) -> str:
        """`chat`, `completions`, `embeddings`, …"""
        ...

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Where clients ask; empty for a dialect that is only spoken to targets."""
        ...

    @property
    def forwarded(self) -> tuple[bytes, ...]:
        """Request headers of this format that pass from client to provider, in lower case: never a host, a credential
        or an account."""
        ...

    @property
    def passed(self) -> tuple[bytes, ...]:
        """Prefixes of response headers that pass to the client. Account names are not among them."""
        ...

    @property
    def codec(self) -> ChatCodec | None:
        """The way to and from other dialects, for `chat`."""
        ...

    @property
    def embed_codec(self) -> EmbedCodec | None:
        """The same for `embeddings`."""
        ...

    def onward_path(self, model: str, stream: bool) -> str:
        """Appended to a provider's base URL, such as `/chat/completions`. What of the model's id stands in it is
        percent-encoded. Raises InvalidRequest for an id that can not stand in a path."""
        ...

    def stream_type(self, asked: Asked) -> bytes:
        """The content type of a streamed answer; b"" for the provider's own."""
        ...

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """Raises InvalidRequest (with `param`) and TooLarge."""
        ...

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """The request for a target of the same family: the client's fields, with the target's model id, and with
        usage switched on for streams."""
        ...

    def parse_reply(self, body: bytes) -> Reply:
        """Raises Garbled (not JSON, not an object, empty) and Failed (an error object inside a 200)."""
        ...

    def render_reply(self, reply: Reply, cost_nusd: int | None) -> bytes:
        """The answer as it came, with `usage.cost` in dollars (null when the price is unknown)."""
        ...

    def stream_relay(self, asked: Asked, price: Pricer) -> StreamRelay: ...

    def estimate_output(self, asked: Asked, reply: Reply) -> Usage:
        """Usage of an answer that reported none; `source` is `estimated`."""
        ...

    def parse_error(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> UpstreamError:
        """A non-2xx answer as the error that routing and the client understand; reads every form of Retry-After."""
        ...

    def render_error(self, error: GatewayError) -> bytes:
        """The JSON body for an error before the stream began."""
        ...
