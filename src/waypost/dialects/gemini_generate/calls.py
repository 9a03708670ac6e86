"""Ids for tool calls: Google's may have none, and every other dialect needs them.

https://ai.google.dev/gemini-api/docs/function-calling (2026-11-25): without ids, results answer the calls by name and
in order.
"""

from __future__ import annotations

import re

_ODD = re.compile(r"[^A-Za-z0-9_-]")


class Calls:
    """Gives out ids by position, so that the same bytes get the same ids. Owned by one parse."""

    __slots__ = ("_count", "_open", "_prefix", "_results")

    def __init__(self, prefix: str) -> None:
        """`prefix`: of the content at hand, such as its number."""
        self._prefix = _ODD.sub("", prefix)
        self._count = self._results = 0
        self._open: list[tuple[str, str]] = []

    def turn(self, prefix: str) -> None:
        """The next content."""
        self._prefix = prefix
        self._count = self._results = 0

    def made(self, call_id: str | None, name: str) -> str:
        """The id of a call, its own or `call_<prefix>_<number>`."""
        given = call_id or f"call_{self._prefix}_{self._count}"
        self._count += 1
        self._open.append((given, name))
        return given

    def answered(self, call_id: str | None, name: str | None) -> str:
        """The id of the call that a result belongs to: its own, or that of the first of this name without a result."""
        number = self._results
        self._results += 1
        for place, (known, of) in enumerate(self._open):
            if known == call_id if call_id else of == name:
                del self._open[place]
                return known
        return call_id or f"result_{self._prefix}_{number}"
