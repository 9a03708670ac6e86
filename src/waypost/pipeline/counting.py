"""Counting tokens here, for targets that can not: an estimate, and labelled as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from waypost.core.asked import Asked
from waypost.dialects.anthropic_count_tokens import codec as anthropic
from waypost.dialects.dialect import Dialect
from waypost.dialects.gemini_count_tokens import codec as gemini

#: On every count that the gateway made itself.
HEADER = (b"x-waypost-count", b"estimated")

_RENDERERS: Mapping[str, Callable[[int], bytes]] = MappingProxyType(
    {
        anthropic.COUNT_TOKENS.name: anthropic.render_count,
        gemini.COUNT_TOKENS.name: gemini.render_count,
    }
)


def can_count(dialect: Dialect) -> bool:
    """Whether an operation is a count that can be made here."""
    return dialect.name in _RENDERERS


def count(dialect: Dialect, asked: Asked) -> bytes:
    """The answer. Admission takes three bytes for a token, to be on the safe side; prose and code have about four."""
    return _RENDERERS[dialect.name](-(-asked.input_estimate * 3 // 4))
