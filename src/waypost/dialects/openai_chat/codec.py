"""The dialect `openai_chat`."""

from __future__ import annotations

from waypost.dialects.openai.codec import OpenAIDialect
from waypost.dialects.openai_chat.ask import parse_ask
from waypost.dialects.openai_chat.crossing import CROSSING

CHAT = OpenAIDialect(
    "openai_chat", "chat", "/chat/completions", b"chat.completion.chunk", parse_ask, CROSSING
)
