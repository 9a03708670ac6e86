"""The dialect `cohere_embed`."""

from __future__ import annotations

from waypost.dialects.cohere.dialect import CohereDialect
from waypost.dialects.cohere_embed.ask import parse_ask
from waypost.dialects.dialect import Entry

COHERE_EMBED = CohereDialect(
    "cohere_embed", "embeddings", "/embed", parse_ask, entries=(Entry("/v2/embed", mounted=False),)
)
