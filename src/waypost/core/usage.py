"""What an answer used. One meaning for every dialect; each codec maps its own fields to this."""

from __future__ import annotations

from typing import Literal

import msgspec

#: `reported`: the provider said so at the end. `partial`: counted from what was delivered before the answer
#: ended early. `estimated`: guessed, because nothing better was known.
UsageSource = Literal["reported", "partial", "estimated"]
_SOURCES: tuple[UsageSource, ...] = ("reported", "partial", "estimated")


class Usage(msgspec.Struct, frozen=True, array_like=True):
    """Token counts. `input` always includes cache reads and writes, `output` always includes reasoning, and
    `cache_write` what is kept for an hour (`cache_write_1h`)."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    source: UsageSource = "reported"
    #: What the provider itself says it charged, in nano-dollars; None when it does not say.
    charged_nusd: int | None = None


def sum_usage(one: Usage, other: Usage) -> Usage:
    """Both together, as uncertain as the less certain of the two."""
    charged = one.charged_nusd, other.charged_nusd
    return Usage(
        input=one.input + other.input,
        output=one.output + other.output,
        cache_read=one.cache_read + other.cache_read,
        cache_write=one.cache_write + other.cache_write,
        cache_write_1h=one.cache_write_1h + other.cache_write_1h,
        reasoning=one.reasoning + other.reasoning,
        audio_input=one.audio_input + other.audio_input,
        audio_output=one.audio_output + other.audio_output,
        source=max(one.source, other.source, key=_SOURCES.index),
        charged_nusd=None if charged[0] is None or charged[1] is None else charged[0] + charged[1],
    )
