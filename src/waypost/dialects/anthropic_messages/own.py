"""What is of this dialect alone: its name, which extras are its own, and how it writes cache hints."""

from __future__ import annotations

from typing import ClassVar

from waypost.core.request import CacheHint, Extras, Maker
from waypost.dialects import taking
from waypost.dialects.taking import Json, form_of, object_or_none, put_extras, text_or_none

NAME = "anthropic_messages"
#: Whose signatures are Anthropic's.
MAKER: Maker = "anthropic-claude-v1"
#: Marks what came in this dialect as a whole: requests, answers.
OWN = "own"


class Taking(taking.Taking):
    """See `dialects.taking`."""

    __slots__ = ()

    dialect: ClassVar[str] = NAME

    def take_cache(self) -> CacheHint | None:
        """`cache_control`; five minutes said aloud are the default and render without saying it:
        https://platform.claude.com/docs/en/build-with-claude/prompt-caching (2026-11-25)."""
        raw = self.rest.get("cache_control")
        fields = object_or_none(raw) or {}
        if {name: text_or_none(value) for name, value in fields.items()} == {
            "type": "ephemeral",
            "ttl": "5m",
        }:
            del self.rest["cache_control"]
            return CacheHint(300)
        return super().take_cache()

    def drop_nulls(self) -> None:
        """Leaves out fields that are null: in an answer they say nothing."""
        self.rest = {name: raw for name, raw in self.rest.items() if bytes(raw) != b"null"}


def own_form(extras: Extras | None) -> str:
    """How this dialect wrote it; "" when it came from another."""
    return form_of(extras, NAME)


def is_own(extras: Extras | None) -> bool:
    """Whether it came in this dialect."""
    return extras is not None and extras.dialect == NAME


def with_extras(out: Json, extras: Extras | None) -> Json:
    """`out` with the fields of this dialect that the core does not model; modelled ones win."""
    return put_extras(out, extras, NAME)
