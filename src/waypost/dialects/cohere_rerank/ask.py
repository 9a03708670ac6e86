"""A rerank request, read as far as admission, routing and metering need."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked
from waypost.core.usage import Units
from waypost.dialects.cohere.dialect import text_of
from waypost.dialects.fields import Fields, parse_body
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai.ask import read_model
from waypost.dialects.openai.estimate import text_tokens
from waypost.dialects.taking import ITEMS
from waypost.errors import InvalidRequest

#: Tokens of a document with its query that are one for the bill, how many of those make a search, and how many tokens
#: of a document are read at all unless a request says otherwise.
_CHUNK, _PER_SEARCH, _READ_MOST = 500, 100, 4096
_COUNT = msgspec.json.Decoder(int)
_GOVERNED = frozenset(("model", "query", "documents", "top_n", "max_tokens_per_doc"))


def parse_ask(body: bytes, limits: JsonLimits = DEFAULT) -> Asked:
    """Raises InvalidRequest (with `param`) and TooLarge. What is not read here passes untouched."""
    fields = parse_body(body, limits, _GOVERNED)
    model = read_model(fields)
    query = text_of(fields.get("query"))
    if query[:1] not in (b'"', b"{") or query in (b'""', b"{}"):
        raise InvalidRequest("`query` has to be a text that is not empty, or a picture.", param="query")
    try:
        documents = ITEMS.decode(text_of(fields.get("documents")))
    except ValueError:
        documents = []
    if not documents:
        raise InvalidRequest("`documents` has to be an array with at least one document.", param="documents")
    # Each document is read together with the query.
    tokens = text_tokens(len(bytes(fields["documents"]))) + text_tokens(len(query)) * len(documents)
    searches = _searches(text_tokens(len(query)), documents, _longest(fields))
    return Asked(
        model=model,
        stream=False,
        fields=fields,
        choices=0,
        input_estimate=tokens,
        units=Units(searches=searches),
    )


def _longest(fields: Fields) -> int:
    """Tokens that are read of a document. What is no number is for the provider to refuse."""
    try:
        return max(1, _COUNT.decode(text_of(fields.get("max_tokens_per_doc"))))
    except ValueError:
        return _READ_MOST


def _searches(query: int, documents: list[msgspec.Raw], longest: int) -> int:
    """The most search units that Cohere bills: one for each hundred documents, where one that is longer than 500 tokens
    together with the query is as many as it has to be cut into
    (https://docs.cohere.com/docs/how-does-cohere-pricing-work, 2026-11-26)."""
    room = max(_CHUNK - query, _CHUNK // 5)
    chunks = sum(max(1, -(-min(text_tokens(len(bytes(each))), longest) // room)) for each in documents)
    return -(-chunks // _PER_SEARCH)
