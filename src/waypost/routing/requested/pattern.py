"""Patterns that clients write. They run in time linear in the text, whatever they are: the engine has no lookaround
and no back-references, and refuses what would compile to more than a bound.

Measured with the worst patterns found (2026-11, jsonschema-rs 0.61), all of one config on texts of 16,384 characters:
4 of the largest take 0.6 s and 1.0 MiB, 16 of the smallest 0.4 s and 2.0 MiB. Ordinary ones take microseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import jsonschema_rs

#: Patterns of one config; see `Pattern.share`.
PATTERNS_MAX: Final = 16
#: Characters. No field that conditions are shown is longer than this text.
_PATTERN_MAX = 512
_TEXT_MAX = 16_384
#: Bytes of one compiled pattern: it counts as one, as two, as four.
_STEPS: Final = ((1, 16 * 1024), (2, 32 * 1024), (4, 64 * 1024))
#: Bytes of the cache that it matches with.
_CACHE_MAX = 64 * 1024


class Pattern:
    """A regular expression in ECMAScript's spelling, found anywhere in a text, as JavaScript's `RegExp.test` does."""

    __slots__ = ("_found", "share", "text")

    share: int
    """As how many it counts among those of a config: 1 for nearly all, 2 or 4 for large ones."""

    def __init__(self, text: str) -> None:
        """Raises ValueError, with words for people."""
        if len(text) > _PATTERN_MAX:
            raise ValueError(f"a pattern may have {_PATTERN_MAX} characters")
        self._found, self.share = _compile(text)
        self.text = text

    def found_in(self, text: str) -> bool:
        """False for a text beyond 16,384 characters."""
        return len(text) <= _TEXT_MAX and self._found(text)


def _compile(text: str) -> tuple[Callable[[object], bool], int]:
    for share, size in _STEPS:
        options = jsonschema_rs.RegexOptions(size_limit=size, dfa_size_limit=_CACHE_MAX)
        try:
            return jsonschema_rs.validator_for({"pattern": text}, pattern_options=options).is_valid, share
        except ValueError:
            continue
    raise ValueError(
        f"{text[:64]!r} is no pattern that is understood here: look-around and back-references are not, and "
        "repetitions have to be small"
    )


class Patterns:
    """Makes the patterns of one config, and counts them."""

    __slots__ = ("taken",)

    def __init__(self) -> None:
        self.taken = 0
        """The sum of their shares."""

    def make(self, text: str) -> Pattern:
        """Raises ValueError, with words for people."""
        made = Pattern(text)
        self.taken += made.share
        if self.taken > PATTERNS_MAX:
            raise ValueError(
                f"a config may have {PATTERNS_MAX} patterns, of which large ones count as two or four"
            )
        return made
