"""What `openai_chat` says otherwise than the core: see `dialects/claims.py`."""

from __future__ import annotations

from typing import get_args

import msgspec

from dialects.claims import Claims, joined_texts
from waypost.core.quirks import Quirks, Taken
from waypost.core.request import ChatRequest


def _request(request: ChatRequest) -> ChatRequest:
    """A budget wins over a word, and is one where it says off or as you like; a schema always has a name."""
    effort, budget = request.effort, request.thinking_budget
    if budget is not None:
        effort = {0: "none", -1: "medium"}.get(budget)  # type: ignore[assignment]
        budget = budget if budget > 0 else None
    return msgspec.structs.replace(request, effort=effort, thinking_budget=budget)


CLAIMS = Claims(
    # What OpenRouter takes. What a plain target is not told is in the golden matrix.
    quirks=Quirks(takes=tuple(word for word in get_args(Taken) if word != "reasoning_content")),
    request=_request,
    answer=joined_texts,
)
