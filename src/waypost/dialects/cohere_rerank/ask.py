"""A rerank request, read as far as admission, routing and metering need."""

from __future__ import annotations

from waypost.core.asked import Asked
from waypost.dialects.cohere.dialect import text_of
from waypost.dialects.fields import parse_body
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai.ask import read_model
from waypost.dialects.openai.estimate import text_tokens
from waypost.dialects.taking import ITEMS
from waypost.errors import InvalidRequest

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
    return Asked(model=model, stream=False, fields=fields, choices=0, input_estimate=tokens)
