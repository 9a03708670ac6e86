"""A body for InvokeModel, read as far as admission, routing and metering need."""

from __future__ import annotations

from waypost.core.asked import Asked, PathAsk
from waypost.dialects.fields import parse_body
from waypost.dialects.json_limits import JsonLimits
from waypost.dialects.openai.estimate import text_tokens
from waypost.errors import InvalidRequest

_NONE_GOVERNED: frozenset[str] = frozenset()
#: What is embedded: Titan's, Nova's and Cohere's fields.
_GIVEN = ("inputText", "singleEmbeddingParams", "texts", "images", "inputs")


def parse_ask(body: bytes, limits: JsonLimits, path: PathAsk) -> Asked:
    """Raises InvalidRequest (with `param`) and TooLarge. What is not read here passes untouched."""
    fields = parse_body(body, limits, _NONE_GOVERNED)
    given = [name for name in _GIVEN if name in fields]
    if not given or not path.model:
        raise InvalidRequest(
            "There is nothing to embed, or no model. Send `inputText`, `texts` or what else the model wants.",
            param="inputText",
        )
    return Asked(
        model=path.model,
        stream=False,
        fields=fields,
        max_output=0,
        choices=0,
        input_estimate=sum(text_tokens(len(bytes(fields[name]))) for name in given),
    )
