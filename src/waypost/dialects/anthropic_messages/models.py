"""What a model's id tells of the settings it takes. Other makers' models at servers of this dialect take the older
ones.

Adaptive thinking and `effort` `max` from 4.6 on, `xhigh` from 4.7 on:
https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking and .../effort (2026-11-25).
"""

from __future__ import annotations

from waypost.core.request import Effort
from waypost.dialects.claude import version

_ADAPTIVE = (4, 6)
_STEADY = (4, 7)
_EFFORTS: tuple[Effort, ...] = ("low", "medium", "high", "xhigh", "max")
_EFFORTS_4_6: tuple[Effort, ...] = ("low", "medium", "high", "max")


def is_adaptive(model: str) -> bool:
    """It is told how hard to think by a word, and finds the tokens itself; the others are told tokens."""
    return version(model) >= _ADAPTIVE


def efforts(model: str) -> tuple[Effort, ...]:
    """The words it knows."""
    return _EFFORTS_4_6 if version(model) < _STEADY else _EFFORTS
