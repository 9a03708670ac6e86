"""The words that conditions and sticky draws may use of a request. `routing/facets.py` works them out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: Each name with its members; None: a single value, or names that nobody can list.
FACETS: Final[Mapping[str, tuple[str, ...] | None]] = MappingProxyType(
    {
        "request": (
            "model",
            "operation",
            "stream",
            "input_tokens",
            "max_output",
            "choices",
            "tier",
            "tools",
            "has_schema",
            "effort",
        ),
        "content": ("chars", "messages", "images", "audio", "files", "text", "has_code"),
        "body": None,
        "metadata": None,
        "headers": None,
        "key": ("id", "name", "priority"),
        "user": None,
        "session": None,
        "trace": None,
        "time": ("hour", "minute", "weekday", "date", "unix"),
        "budget": ("left_usd", "limited"),
    }
)
#: Facets that are one value, or null.
SINGLE: Final = frozenset(("user", "session", "trace"))


def hidden_header(name: str) -> bool:
    """Whether a client's header holds a credential, which no condition and no draw may see."""
    return name in _HIDDEN or name.startswith("proxy-")


_HIDDEN: Final = frozenset(
    (
        "authorization",
        "cookie",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "xi-api-key",
        "x-portkey-api-key",
        "x-amz-security-token",
    )
)
