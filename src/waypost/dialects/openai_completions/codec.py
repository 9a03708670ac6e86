"""The dialect `openai_completions`."""

from __future__ import annotations

from waypost.dialects.openai.codec import OpenAIDialect
from waypost.dialects.openai_completions.ask import parse_ask

COMPLETIONS = OpenAIDialect(
    "openai_completions", "completions", "/completions", b"text_completion", parse_ask
)
