"""`cohere_embed` to the core and back: https://docs.cohere.com/reference/embed (2026-11-25).

| of the core | here |
|---|---|
| texts, pictures in base64 | `texts`, `images`, `inputs` |
| `dimensions`, `truncate` | `output_dimension`, `truncate` |
| `purpose` | `input_type`; where Cohere has no such word the nearest, and named |
| `encoding` | `embedding_types` of clients; targets are asked for floats |
| `user` | dropped and named |
| token ids, files, pictures by reference | refused |
| vectors of small integers and bits | refused: they do not cross |

Cohere insists on a purpose: a client that names none has its texts embedded as documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from waypost.core.asked import Asked, Reply, Stamp
from waypost.core.embed import EmbedRequest, EmbedResponse, Vector
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.cohere_embed.request import NAME, parse_request, render_body, wanted_types
from waypost.dialects.costs import put_cost
from waypost.dialects.embedding import drop_refused
from waypost.dialects.fields import Fields, loose_string
from waypost.dialects.taking import ITEMS, Json, object_or_none, put, put_extras
from waypost.dialects.vectors import base64_of, numbers_of, read_vector
from waypost.errors import Garbled

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "dimensions": "output_dimension",
        "encoding": "embedding_types",
        "input": "inputs",
        "purpose": "input_type",
    }
)
_NEUTRAL: Mapping[str, frozenset[bytes]] = MappingProxyType({})


class CohereEmbedCrossing:
    """An `EmbedCodec`."""

    __slots__ = ("_parse_reply", "dialect", "many")

    def __init__(self, parse_reply: Callable[[bytes], Reply]) -> None:
        self.dialect = NAME
        self.many = True
        self._parse_reply = parse_reply

    @property
    def names(self) -> Mapping[str, str]:
        """Cohere's own names."""
        return _NAMES

    @property
    def neutral(self) -> Mapping[str, frozenset[bytes]]:
        """Nothing."""
        return _NEUTRAL

    def parse_request(self, asked: Asked) -> EmbedRequest:
        """See `request.parse_request`."""
        return parse_request(asked)

    def render_request(self, request: EmbedRequest, quirks: Quirks, loss: Loss) -> bytes:
        """Raises Unrepresentable for what is neither a text nor a picture in base64."""
        out = {"model": request.model} | render_body(request, loss)
        return msgspec.json.encode(drop_refused(put_extras(out, request.extras, NAME), quirks, loss))

    def parse_response(self, body: bytes) -> EmbedResponse:
        """Raises Garbled, and what the provider reports inside a 200."""
        reply = self._parse_reply(body)
        return EmbedResponse(
            read_vectors(reply.fields),
            usage=reply.usage,
            response_id=loose_string(reply.fields.get("id")),
        )

    def render_response(
        self, response: EmbedResponse, asked: Asked, cost_nusd: int | None, stamp: Stamp
    ) -> bytes:
        """Vectors in each of the types that were asked for, and the texts again, as Cohere repeats them."""
        types = wanted_types(asked)
        embeddings: Json = {}
        if "float" in types:
            embeddings["float"] = [numbers_of(vector) for vector in response.vectors]
        if "base64" in types:
            embeddings["base64"] = [base64_of(vector) for vector in response.vectors]
        out = put(
            {"id": response.response_id or stamp.exchange_id},
            texts=asked.fields.get("texts", []),
            embeddings=embeddings,
            response_type="embeddings_by_type",
        )
        if response.usage is not None:
            out["meta"] = _render_meta(response.usage, cost_nusd)
        return msgspec.json.encode(out)


def read_vectors(fields: Fields) -> tuple[Vector, ...]:
    """`embeddings.float`, or `embeddings` itself, as older models say it. Raises Garbled."""
    raw = fields.get("embeddings", msgspec.Raw(b"null"))
    by_type = object_or_none(raw)
    try:
        items = ITEMS.decode(raw if by_type is None else by_type["float"])
    except (KeyError, ValueError):
        raise Garbled("The provider's answer has no embeddings. Try again, or another model.") from None
    return tuple(read_vector(item) for item in items)


def _render_meta(usage: Usage, cost_nusd: int | None) -> Json:
    meta: Json = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": usage.input}}
    if usage.source != "reported":
        meta["estimated"] = True
    put_cost(meta, cost_nusd)
    return meta
