"""The core to `cohere_chat` and back. Only the target's role: no client asks in this dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from waypost.core.asked import Asked, Reply, Stamp
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest
from waypost.core.response import ChatResponse
from waypost.dialects.cohere_chat.request import render_request
from waypost.dialects.cohere_chat.response import parse_response
from waypost.dialects.cohere_chat.stream import CohereStreamParser
from waypost.dialects.dialect import StreamParser, StreamRenderer
from waypost.errors import Bug


class CohereCrossing:
    """A `ChatCodec` without the client's role."""

    __slots__ = ("_parse_reply",)

    def __init__(self, parse_reply: Callable[[bytes], Reply]) -> None:
        self._parse_reply = parse_reply

    @property
    def names(self) -> Mapping[str, str]:
        """https://docs.cohere.com/reference/chat (2026-11-25)."""
        return _NAMES

    @property
    def neutral(self) -> Mapping[str, frozenset[bytes]]:
        """Nothing: no client's fields come in this dialect."""
        return _NEUTRAL

    def parse_request(self, asked: Asked) -> ChatRequest:
        """Raises Bug: no path leads here."""
        raise _no_client()

    def render_request(self, request: ChatRequest, quirks: Quirks, loss: Loss) -> bytes:
        """See `request.render_request`."""
        return render_request(request, quirks, loss)

    def parse_response(self, body: bytes) -> ChatResponse:
        """See `response.parse_response`."""
        return parse_response(self._parse_reply(body).fields)

    def render_response(
        self, response: ChatResponse, asked: Asked, cost_nusd: int | None, stamp: Stamp
    ) -> bytes:
        """Raises Bug: no path leads here."""
        raise _no_client()

    def stream_parser(self) -> StreamParser:
        """See `stream.CohereStreamParser`."""
        return CohereStreamParser()

    def stream_renderer(self, asked: Asked, stamp: Stamp) -> StreamRenderer:
        """Raises Bug: no path leads here."""
        raise _no_client()


def _no_client() -> Bug:
    return Bug(
        "Cohere's chat is only spoken to providers, and a client was to be answered in it. Report this."
    )


_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "max_output": "max_tokens",
        "stop": "stop_sequences",
        "top_k": "k",
        "top_p": "p",
        "top_logprobs": "logprobs",
    }
)
_NEUTRAL: Mapping[str, frozenset[bytes]] = MappingProxyType({})
