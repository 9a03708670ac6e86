"""The core to `bedrock_embed` and back. Only the target's role: no client asks in this dialect.

| of the core | Titan v1, v2 | Nova | Cohere v3, v4 |
|---|---|---|---|
| inputs | one text | one text | texts or pictures; v4: both |
| `dimensions` | v1: refused | `embeddingDimension` | v3: refused |
| `purpose` | dropped and named | `embeddingPurpose` | `input_type` |
| `truncate` | dropped and named | `truncationMode` | `truncate` |
| `user` | dropped and named | dropped and named | dropped and named |
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from waypost.core.asked import Asked, Stamp
from waypost.core.embed import EmbedRequest, EmbedResponse
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.dialects.bedrock_embed.reply import parse_response
from waypost.dialects.bedrock_embed.request import render_request
from waypost.dialects.embedding import drop_refused
from waypost.errors import Bug

NAME: Final = "bedrock_embed"
_NAMES: Mapping[str, str] = MappingProxyType({})
_NEUTRAL: Mapping[str, frozenset[bytes]] = MappingProxyType({})


class BedrockEmbedCrossing:
    """An `EmbedCodec` without the client's role."""

    __slots__ = ("dialect", "many")

    def __init__(self) -> None:
        self.dialect = NAME
        self.many = True

    @property
    def names(self) -> Mapping[str, str]:
        """Nothing: no client reads them."""
        return _NAMES

    @property
    def neutral(self) -> Mapping[str, frozenset[bytes]]:
        """Nothing: no client's fields come in this dialect."""
        return _NEUTRAL

    def parse_request(self, asked: Asked) -> EmbedRequest:
        """Raises Bug: no path leads here."""
        raise _no_client()

    def render_request(self, request: EmbedRequest, quirks: Quirks, loss: Loss) -> bytes:
        """See `request.render_request`."""
        return msgspec.json.encode(drop_refused(render_request(request, loss), quirks, loss))

    def parse_response(self, body: bytes) -> EmbedResponse:
        """See `reply.parse_response`."""
        return parse_response(body)

    def render_response(
        self, response: EmbedResponse, asked: Asked, cost_nusd: int | None, stamp: Stamp
    ) -> bytes:
        """Raises Bug: no path leads here."""
        raise _no_client()


def _no_client() -> Bug:
    return Bug(
        "Bedrock's embeddings are only spoken to providers, and a client was to be answered in them. Report this."
    )
