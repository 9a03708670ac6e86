"""An embedding request, read as far as admission, routing and metering need."""

from __future__ import annotations

from waypost.core.asked import Asked
from waypost.dialects.cohere.dialect import text_of
from waypost.dialects.fields import Fields, parse_body
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai.ask import read_model
from waypost.dialects.openai.estimate import IMAGE_TOKENS, input_tokens, text_tokens
from waypost.errors import InvalidRequest

_GOVERNED = frozenset(("model", "texts", "images", "inputs", "input_type", "embedding_types", "max_tokens"))
_GIVEN = ("texts", "images", "inputs")


def parse_ask(body: bytes, limits: JsonLimits = DEFAULT) -> Asked:
    """Raises InvalidRequest (with `param`) and TooLarge. What is not read here passes untouched."""
    fields = parse_body(body, limits, _GOVERNED)
    model = read_model(fields)
    given = [name for name in _GIVEN if text_of(fields.get(name))[:1] == b"["]
    if not given:
        raise InvalidRequest("One of `texts`, `images` and `inputs` has to be an array.", param="texts")
    return Asked(
        model=model,
        stream=False,
        fields=fields,
        choices=0,
        input_estimate=sum(_estimate(fields, name) for name in given),
    )


def _estimate(fields: Fields, name: str) -> int:
    raw = fields[name]
    if name == "images":
        return IMAGE_TOKENS * bytes(raw).count(b"data:")
    return input_tokens(raw) if name == "inputs" else text_tokens(len(bytes(raw)))
