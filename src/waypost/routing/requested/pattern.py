"""Patterns that clients write. They run in time linear in the text, whatever they are: the engine has no lookaround
and no back-references, and refuses what would compile to more than a bound."""

from __future__ import annotations

import jsonschema_rs

#: Characters.
_PATTERN_MAX = 512
_TEXT_MAX = 65_536
#: Bytes of one compiled pattern, and of the cache it matches with.
_COMPILED_MAX = 1024 * 1024


class Pattern:
    """A regular expression in ECMAScript's spelling, found anywhere in a text, as JavaScript's `RegExp.test` does."""

    __slots__ = ("_found", "text")

    def __init__(self, text: str) -> None:
        """Raises ValueError, with words for people."""
        if len(text) > _PATTERN_MAX:
            raise ValueError(f"a pattern may have {_PATTERN_MAX} characters")
        options = jsonschema_rs.RegexOptions(size_limit=_COMPILED_MAX, dfa_size_limit=_COMPILED_MAX)
        try:
            self._found = jsonschema_rs.validator_for({"pattern": text}, pattern_options=options).is_valid
        except ValueError:
            raise ValueError(
                f"{text[:64]!r} is no pattern that is understood here: look-around and back-references are not, and "
                "repetitions have to be small"
            ) from None
        self.text = text

    def found_in(self, text: str) -> bool:
        """False for a text beyond 65,536 characters."""
        return len(text) <= _TEXT_MAX and self._found(text)
