"""An embeddings request, read as far as admission, routing and metering need."""

from __future__ import annotations

from waypost.core.asked import Asked
from waypost.dialects.fields import parse_body, read_flag, read_string
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai.ask import read_model
from waypost.dialects.openai.prompts import read_prompts
from waypost.errors import InvalidRequest

_ENCODINGS = ("float", "base64")


def parse_ask(body: bytes, limits: JsonLimits = DEFAULT) -> Asked:
    """Raises InvalidRequest (with `param`) and TooLarge."""
    fields = parse_body(body, limits)
    model = read_model(fields)
    _, tokens = read_prompts(fields, "input")
    encoding = read_string(fields, "encoding_format")
    if encoding is not None and encoding not in _ENCODINGS:
        raise InvalidRequest("`encoding_format` has to be `float` or `base64`.", param="encoding_format")
    if "stream" in fields and read_flag(fields, "stream"):
        raise InvalidRequest("Embeddings are not streamed. Leave `stream` out.", param="stream")
    return Asked(
        model=model,
        stream=False,
        fields=fields,
        max_output=0,
        choices=0,
        input_estimate=tokens,
        tier=read_string(fields, "service_tier"),
    )
