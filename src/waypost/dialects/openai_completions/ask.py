"""A completions request, read as far as admission, routing and metering need."""

from __future__ import annotations

from waypost.core.asked import Asked
from waypost.dialects.fields import parse_body, read_flag, read_integer, read_string
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai.ask import MAX_CHOICES, read_max_output, read_model, read_stream_usage
from waypost.dialects.openai.estimate import text_tokens
from waypost.dialects.openai.prompts import read_prompts
from waypost.errors import InvalidRequest

#: Prompts times `n` of one request; above it a hold could not be computed sensibly.
_MAX_TOTAL = 1_000_000


def parse_ask(body: bytes, limits: JsonLimits = DEFAULT) -> Asked:
    """Raises InvalidRequest (with `param`) and TooLarge."""
    fields = parse_body(body, limits)
    model = read_model(fields)
    stream = read_flag(fields, "stream")
    prompts, tokens = read_prompts(fields, "prompt")
    n = read_integer(fields, "n", 1, MAX_CHOICES) or 1
    best_of = read_integer(fields, "best_of", 1, MAX_CHOICES) or 1
    if prompts * n > _MAX_TOTAL:
        raise InvalidRequest(
            "`prompt` times `n` asks for too many answers. Send fewer at once.", param="prompt"
        )
    suffix = fields.get("suffix")
    limit = read_max_output(fields)
    return Asked(
        model=model,
        stream=stream,
        fields=fields,
        wants_usage="stream_options" in fields and read_stream_usage(fields, stream),
        # `best_of` answers are generated and billed though only `n` are shown.
        max_output=None if limit is None else limit * -(-max(best_of, n) // n),
        choices=prompts * n,
        input_estimate=tokens + (text_tokens(len(bytes(suffix))) if suffix is not None else 0),
        tier=read_string(fields, "service_tier"),
    )
