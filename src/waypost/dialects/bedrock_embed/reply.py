"""Answers of Bedrock's embedding models.

Titan counts its tokens in the body; the others only in a header that is not read here, so theirs are estimated.
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html (2026-11-25)
"""

from __future__ import annotations

import msgspec

from waypost.core.asked import Reply
from waypost.core.embed import EmbedResponse, Vector
from waypost.core.usage import Usage
from waypost.dialects.bedrock_converse.errors import parse_inline
from waypost.dialects.cohere_embed.crossing import read_vectors
from waypost.dialects.costs import Count
from waypost.dialects.fields import Fields, parse_object
from waypost.dialects.vectors import read_vector
from waypost.errors import Garbled


class _Embedding(msgspec.Struct, gc=False):
    embedding: msgspec.Raw


_COUNT: msgspec.json.Decoder[int] = msgspec.json.Decoder(Count)
#: https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html (2026-11-25)
_NOVA: msgspec.json.Decoder[list[_Embedding]] = msgspec.json.Decoder(list[_Embedding])


def parse_reply(body: bytes) -> Reply:
    """Raises Garbled, and what the provider reports inside a 200."""
    try:
        fields = parse_object(body)
    except ValueError:
        raise Garbled(
            "The provider's answer is not a JSON object. Try again, or another model; "
            "if it stays, check the provider's base URL."
        ) from None
    if not fields.keys() & {"embedding", "embeddings"} and ("__type" in fields or "message" in fields):
        raise parse_inline(fields)
    return Reply(fields=fields, usage=_read_usage(fields))


def _read_usage(fields: Fields) -> Usage | None:
    raw = fields.get("inputTextTokenCount")
    if raw is None:
        return None
    try:
        return Usage(input=_COUNT.decode(raw))
    except ValueError:
        return None


def parse_response(body: bytes) -> EmbedResponse:
    """As `parse_reply`."""
    reply = parse_reply(body)
    return EmbedResponse(_read_vectors(reply.fields), usage=reply.usage)


def _read_vectors(fields: Fields) -> tuple[Vector, ...]:
    """Titan's `embedding`, Nova's list of objects, or Cohere's."""
    if "embedding" in fields:
        return (read_vector(fields["embedding"]),)
    try:
        found = _NOVA.decode(fields["embeddings"])
    except (KeyError, ValueError):
        return read_vectors(fields)
    return tuple(read_vector(each.embedding) for each in found)
