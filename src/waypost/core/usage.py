"""What an answer used. One meaning for every dialect; each codec maps its own fields to this."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

#: `reported`: the provider said so at the end. `partial`: counted from what was delivered before the answer
#: ended early. `estimated`: guessed, because nothing better was known.
UsageSource = Literal["reported", "partial", "estimated"]
_WORD: Final = re.compile(r"[\w.:-]{1,32}", re.ASCII)
_SOURCES: tuple[UsageSource, ...] = ("reported", "partial", "estimated")


class Units(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is counted otherwise than in tokens. 0: there is none of it."""

    audio_ms: int = 0
    """Milliseconds of sound that were listened to."""
    characters: int = 0
    """Of text that was spoken."""
    images: int = 0
    """That were made."""
    searches: int = 0
    """Of a reranker."""
    image: str = ""
    """What the images are, as prices tell them apart: `hd/1024x1792`, quality before size, as far as they are known."""


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
    #: What was used beside tokens, where a dialect counts it.
    units: Units | None = None


def image_kind(quality: str | None, size: str | None) -> str:
    """See `Units.image`. What is left to the model (`auto`) is not known; `standard` is what a quality is that
    is not named."""
    said = (None if quality == "standard" else quality, None if size is None else size.lower())
    words = [word for word in said if word and word != "auto"]
    return "/".join(words) if all(map(_WORD.fullmatch, words)) else "other"


def sum_units(one: Units | None, other: Units | None) -> Units | None:
    """Both together. Images of different kinds are of no kind."""
    if one is None or other is None:
        return one or other
    return Units(
        audio_ms=one.audio_ms + other.audio_ms,
        characters=one.characters + other.characters,
        images=one.images + other.images,
        searches=one.searches + other.searches,
        image=one.image if one.image == other.image else "",
    )


def with_asked(usage: Usage, asked: Units | None) -> Usage:
    """The usage, with what was asked for in place of what its provider does not count."""
    units = usage.units
    if asked is None:
        return usage
    if units is None:
        return msgspec.structs.replace(usage, units=asked)
    if units.images and not units.image and asked.image:
        return msgspec.structs.replace(usage, units=msgspec.structs.replace(units, image=asked.image))
    return usage


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
        units=sum_units(one.units, other.units),
    )
