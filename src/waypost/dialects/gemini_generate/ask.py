"""A generateContent request, read as far as admission, routing and metering need."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, PathAsk
from waypost.dialects.dialect import NO_PATH
from waypost.dialects.fields import read_integer, read_string, render_fields
from waypost.dialects.gemini.ask import need_items, nested, read_body, read_model
from waypost.dialects.gemini.estimate import input_tokens
from waypost.dialects.gemini.framing import ARRAY, EVENTS
from waypost.dialects.gemini.paths import wants_events
from waypost.dialects.gemini.spelling import Known, govern, know
from waypost.dialects.gemini.usage import read_tier
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai.ask import MAX_CHOICES, MAX_TOKENS
from waypost.dialects.openai.estimate import text_tokens

GOVERNED = govern(
    ("model", "contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "serviceTier",
     "cachedContent", "safetySettings", "labels")
)  # fmt: skip
CONFIG = govern(
    ("maxOutputTokens", "candidateCount", "thinkingConfig", "responseSchema", "responseJsonSchema",
     "responseModalities")
)  # fmt: skip

#: Besides the contents, what the model is shown.
_SHOWN = ("systemInstruction", "tools")
_SHOWN_CONFIG = ("responseSchema", "responseJsonSchema")


def parse_ask(body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
    """Raises InvalidRequest (with `param`) and TooLarge. What is not read here passes untouched."""
    known = read_body(body, limits, GOVERNED)
    fields = known.fields
    model = read_model(path)
    contents = need_items(known, "contents")
    config = know(nested(known, "generationConfig"), CONFIG, "generationConfig.")
    if config.fields:
        # Rendered anew, so that a repeated key can not mean one thing here and another at the provider.
        fields[known.key("generationConfig")] = msgspec.Raw(render_fields(config.fields))
    tier = read_string(fields, known.key("serviceTier"))
    return Asked(
        model,
        path.stream,
        fields,
        wants_usage=True,
        max_output=read_integer(config.fields, config.key("maxOutputTokens"), 0, MAX_TOKENS),
        choices=read_integer(config.fields, config.key("candidateCount"), 1, MAX_CHOICES) or 1,
        input_estimate=_estimate(contents, known, config),
        tier=None if tier is None else read_tier(tier),
        form="" if not path.stream else EVENTS if wants_events(path.query) else ARRAY,
    )


def _estimate(contents: msgspec.Raw, known: Known, config: Known) -> int:
    tokens = input_tokens(contents)
    shown = [known.get(name) for name in _SHOWN] + [config.get(name) for name in _SHOWN_CONFIG]
    return tokens + sum(text_tokens(len(bytes(raw))) for raw in shown if raw is not None)
