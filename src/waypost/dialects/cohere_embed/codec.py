"""The dialect `cohere_embed`."""

from __future__ import annotations

from waypost.dialects.cohere.dialect import CohereDialect, parse_reply
from waypost.dialects.cohere_embed.ask import parse_ask
from waypost.dialects.cohere_embed.crossing import CohereEmbedCrossing
from waypost.dialects.cohere_embed.request import NAME
from waypost.dialects.dialect import Entry

COHERE_EMBED = CohereDialect(
    NAME,
    "embeddings",
    "/embed",
    parse_ask,
    entries=(Entry("/v2/embed", mounted=False),),
    embed_codec=CohereEmbedCrossing(parse_reply),
)
