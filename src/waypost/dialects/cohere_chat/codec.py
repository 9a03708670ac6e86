"""The dialect `cohere_chat`."""

from __future__ import annotations

from waypost.dialects.cohere.dialect import CohereDialect
from waypost.dialects.cohere_chat.ask import parse_ask
from waypost.dialects.cohere_chat.crossing import CohereCrossing

_READER = CohereDialect("cohere_chat", "chat", "/chat", parse_ask)
COHERE_CHAT = CohereDialect(
    "cohere_chat", "chat", "/chat", parse_ask, codec=CohereCrossing(_READER.parse_reply)
)
