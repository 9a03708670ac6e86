"""What a model's id tells of the settings it takes. Other makers' models at servers of this dialect take the older
ones.

Adaptive thinking and `effort` `max` from 4.6 on, `xhigh` and no sampling settings from 4.7 on:
https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking, .../effort and
https://openrouter.ai/docs/guides/evaluate-and-optimize/model-migrations/claude-4-7 (2026-11-25).
"""

from __future__ import annotations

import re

from waypost.core.request import Effort

#: The numbers stand before the name (`claude-3-7-sonnet-20250219`) or after it (`claude-opus-4-6`).
_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2})(?!\d))?(?!\d)")
_NEWEST = (99, 0)
_ADAPTIVE = (4, 6)
_STEADY = (4, 7)
_EFFORTS: tuple[Effort, ...] = ("low", "medium", "high", "xhigh", "max")
_EFFORTS_4_6: tuple[Effort, ...] = ("low", "medium", "high", "max")


def _version(model: str) -> tuple[int, int]:
    """(0, 0) for a model that is no Claude; the newest for a Claude without a number."""
    found = _VERSION.search(model.lower())
    if found is not None:
        return int(found[1]), int(found[2] or 0)
    return _NEWEST if "claude" in model.lower() else (0, 0)


def is_adaptive(model: str) -> bool:
    """It is told how hard to think by a word, and finds the tokens itself; the others are told tokens."""
    return _version(model) >= _ADAPTIVE


def efforts(model: str) -> tuple[Effort, ...]:
    """The words it knows."""
    return _EFFORTS_4_6 if _version(model) < _STEADY else _EFFORTS


def takes_sampling(model: str) -> bool:
    """It takes `temperature`, `top_p` and `top_k`."""
    return _version(model) < _STEADY
