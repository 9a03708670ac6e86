"""What a dialect is: a sans-io codec between one wire format and the gateway. No await, no clock, no network.

Two lanes. **Same dialect on both ends** (this file): the original fields are the base, only changed ones are
rendered anew, answers pass as they are and the meter reads beside them; a vendor's new field works on day one.
**Different dialects**: through the core's model (`core/request.py`, `core/response.py`, `core/events.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from waypost.core.asked import Asked, Reply
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.errors import GatewayError, UpstreamError

#: Nano-dollars for a usage at a service tier, or None when the model has no known price.
Pricer = Callable[[Usage, str | None], int | None]


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


class Dialect(Protocol):
    """One wire format."""

    @property
    def name(self) -> str:
        """As in `DIALECTS` and a provider's `dialects`."""
        ...

    @property
    def operation(self) -> str:
        """`chat`, `completions`, `embeddings`, …"""
        ...

    @property
    def path(self) -> str:
        """Appended to a provider's base URL, such as `/chat/completions`."""
        ...

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT) -> Asked:
        """Raises InvalidRequest (with `param`) and TooLarge."""
        ...

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> bytes:
        """The request for a target of the same dialect: the client's fields, with the target's model id, and with
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

    def render_stream_error(self, error: GatewayError) -> bytes:
        """An honest error event inside a stream that has begun. Never followed by a terminator."""
        ...
