"""What an answer used. One meaning for every dialect; each codec maps its own fields to this."""

from __future__ import annotations

from typing import Literal

import msgspec

#: `reported`: the provider said so at the end. `partial`: counted from what was delivered before the answer
#: ended early. `estimated`: guessed, because nothing better was known.
UsageSource = Literal["reported", "partial", "estimated"]


class Usage(msgspec.Struct, frozen=True, array_like=True):
    """Token counts. `input` always includes cache reads and writes; `output` always includes reasoning."""

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
