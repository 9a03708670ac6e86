"""Whom a test renders to."""

from __future__ import annotations

from waypost.core.loss import Loss
from waypost.dialects.openai_chat.own import Saying


def say(*takes: str, drop: bool = False) -> Saying:
    """A target that takes these beyond OpenAI's own format."""
    return Saying(frozenset(takes), Loss(drop=drop))
