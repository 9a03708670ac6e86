"""The prompt cache: what a request's marks find there, and what they write.

As Anthropic describes it (https://docs.claude.com/en/docs/build-with-claude/prompt-caching, 2026-11-25), without its
least sizes: the longest marked beginning that is known is read, the rest up to the last mark is written.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from waypost.simulator.ask import Mark

MAX_KNOWN = 4096
HOUR_S = 3600


class Cached(msgspec.Struct, frozen=True):
    """Prompt tokens read from the cache and written to it, for five minutes and for an hour."""

    read: int = 0
    write: int = 0
    write_1h: int = 0


COLD = Cached()


class PromptCache:
    """Beginnings of prompts and until when (Unix seconds) they are known. The oldest go when there are too many."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, bytes], float] = {}

    def look(self, model: str, marks: Sequence[Mark], now: float) -> Cached:
        """Read and write for one request. What is read is kept for its time again."""
        read = write = write_1h = done = 0
        for mark in marks:
            if self._until.get((model, mark.digest), 0.0) > now:
                read = done = max(read, mark.tokens)
        for mark in marks:
            if mark.tokens > done:
                if mark.ttl_s >= HOUR_S:
                    write_1h += mark.tokens - done
                else:
                    write += mark.tokens - done
                done = mark.tokens
            self._keep((model, mark.digest), now + mark.ttl_s)
        return Cached(read, write, write_1h)

    def _keep(self, key: tuple[str, bytes], until: float) -> None:
        self._until.pop(key, None)
        self._until[key] = until
        if len(self._until) > MAX_KNOWN:
            del self._until[next(iter(self._until))]
