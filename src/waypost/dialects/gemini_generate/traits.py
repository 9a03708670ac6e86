"""What differs between Google's models, as far as the form of a request goes.

Thinking: https://ai.google.dev/gemini-api/docs/thinking and
https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/thinking (2026-11-25). Signatures that are
demanded, media in tool results and resolution per part came with Gemini 3:
https://ai.google.dev/gemini-api/docs/gemini-3 (2026-11-25).
"""

from __future__ import annotations

import msgspec

from waypost.core.request import Effort


class Traits(msgspec.Struct, frozen=True):
    """One family of models."""

    levels: tuple[Effort, ...] = ()
    """The thinking levels it knows; it can not be switched off then. Empty: it takes no level."""
    budget: tuple[int, int] | None = None
    """The least and the most tokens to think with, where it takes a budget."""
    can_rest: bool = True
    """With a budget of 0 it does not think."""
    modern: bool = False
    """Gemini 3 and later."""


_USUAL: tuple[Effort, ...] = ("low", "medium", "high")
_FLASH: tuple[Effort, ...] = ("minimal", *_USUAL)

#: By the beginning of the model's name; the first that fits counts.
_TABLE: tuple[tuple[str, Traits], ...] = (
    ("gemini-1", Traits()),
    ("gemini-2.0", Traits()),
    ("gemini-2.5-pro", Traits(budget=(128, 32_768), can_rest=False)),
    ("gemini-2.5-flash-lite", Traits(budget=(512, 24_576))),
    ("gemini-2.5", Traits(budget=(1, 24_576))),
    ("gemini-3-pro", Traits(levels=("low", "high"), modern=True)),
    ("gemini-3-flash", Traits(levels=_FLASH, modern=True)),
    ("gemini-3.1-flash", Traits(levels=_FLASH, modern=True)),
    ("gemini-3.5-flash-lite", Traits(levels=_FLASH, modern=True)),
    ("gemini-3.6-flash", Traits(levels=_FLASH, modern=True)),
    ("gemini-", Traits(levels=_USUAL, modern=True)),
)
_UNKNOWN = Traits()


def traits_of(model: str) -> Traits:
    """By the last part of the id. Models that are not Gemini's (Gemma, tuned ones) are asked for nothing special."""
    name = model.rpartition("/")[2].lower()
    return next((traits for head, traits in _TABLE if name.startswith(head)), _UNKNOWN)
