"""A countTokens request: the contents themselves, or a whole `generateContentRequest`."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, PathAsk
from waypost.dialects.dialect import NO_PATH
from waypost.dialects.fields import Fields, render_fields
from waypost.dialects.gemini.ask import name_model, need_items, nested, read_body, read_model
from waypost.dialects.gemini.estimate import input_tokens
from waypost.dialects.gemini.spelling import govern, know
from waypost.dialects.gemini_generate.ask import GOVERNED as GENERATE_GOVERNED
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai.estimate import text_tokens

REQUEST = "generateContentRequest"
GOVERNED = govern(("model", "contents", "systemInstruction", "tools", "generationConfig", REQUEST))
_SHOWN = ("systemInstruction", "tools")


def parse_ask(body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
    """Raises InvalidRequest (with `param`) and TooLarge."""
    known = read_body(body, limits, GOVERNED)
    model = read_model(path)
    inner = know(nested(known, REQUEST), GENERATE_GOVERNED, f"{REQUEST}.")
    shown = inner if inner.fields else known
    tokens = input_tokens(need_items(shown, "contents"))
    for name in _SHOWN:
        raw = shown.get(name)
        tokens += 0 if raw is None else text_tokens(len(bytes(raw)))
    return Asked(model, stream=False, fields=known.fields, max_output=0, choices=0, input_estimate=tokens)


def fields_for(asked: Asked, model: str) -> Fields:
    """The fields with the target's model in the inner request."""
    fields = asked.fields.copy()
    known = know(fields, GOVERNED)
    inner = nested(known, REQUEST)
    if inner:
        name_model(inner, model)
        fields[known.key(REQUEST)] = msgspec.Raw(render_fields(inner))
    return fields
