"""Embedding requests, read as far as admission, routing and metering need."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, PathAsk
from waypost.dialects.fields import Fields, parse_nested, render_fields
from waypost.dialects.gemini.ask import name_model, need_items, need_object, read_body, read_model
from waypost.dialects.gemini.estimate import input_tokens
from waypost.dialects.gemini.spelling import Known, govern, know
from waypost.dialects.json_limits import JsonLimits
from waypost.dialects.taking import ITEMS
from waypost.errors import InvalidRequest

_ONE = govern(("model", "content", "outputDimensionality", "taskType", "embedContentConfig"))
_BATCH = govern(("model", "requests"))


def parse_one(body: bytes, limits: JsonLimits, path: PathAsk) -> Asked:
    """`embedContent`. Raises InvalidRequest (with `param`) and TooLarge."""
    known = read_body(body, limits, _ONE)
    model = read_model(path)
    return _asked(model, known, input_tokens(need_object(known, "content")))


def parse_batch(body: bytes, limits: JsonLimits, path: PathAsk) -> Asked:
    """`batchEmbedContents`. Raises InvalidRequest (with `param`) and TooLarge."""
    known = read_body(body, limits, _BATCH)
    model = read_model(path)
    raw = need_items(known, "requests")
    for number, item in enumerate(_items(raw)):
        where = f"requests[{number}]"
        try:
            know(parse_nested(item), _ONE, f"{where}.")
        except ValueError:
            raise InvalidRequest(f"`{where}` has to be an object.", param=where) from None
    return _asked(model, known, input_tokens(raw))


def _asked(model: str, known: Known, tokens: int) -> Asked:
    return Asked(model, stream=False, fields=known.fields, max_output=0, choices=0, input_estimate=tokens)


def _items(raw: msgspec.Raw) -> list[msgspec.Raw]:
    try:
        return ITEMS.decode(raw)
    except ValueError:
        raise InvalidRequest("`requests` has to be an array.", param="requests") from None


def batch_for(asked: Asked, model: str) -> Fields:
    """The fields with the target's model in each of the requests, where Google wants it named again."""
    fields = asked.fields.copy()
    requests: list[msgspec.Raw] = []
    for item in _items(fields["requests"]):
        inner = parse_nested(item)
        name_model(inner, model)
        requests.append(msgspec.Raw(render_fields(inner)))
    fields["requests"] = msgspec.Raw(msgspec.json.encode(requests))
    return fields
