"""A streamed chat answer, event by event. `fold` turns the events into the whole answer, and back.

Order: `Started`; then, interleaved over choices and parts, `PartStarted` (`PartDelta`)* `PartEnded` and one `Finished`
per choice; `Used` at any point, a later one replacing an earlier. `Failed` ends the stream wherever it comes. Where a
wire may say more after the reason of an end, `Ending` comes with the reason and `Finished` when nothing more can come.
"""

from __future__ import annotations

import msgspec

from waypost.core.request import Citation, Extras
from waypost.core.response import Finish, ReplyPart
from waypost.core.usage import Usage


class Started(msgspec.Struct, frozen=True, gc=False):
    """The answer has begun."""

    response_id: str
    model: str
    created: int | None = None
    tier: str | None = None
    extras: Extras | None = None


class PartStarted(msgspec.Struct, frozen=True):
    """Part number `part` of a choice begins; `value` has what is known of it so far."""

    choice: int
    part: int
    value: ReplyPart


class PartDelta(msgspec.Struct, frozen=True, gc=False):
    """More of a part: text, or a piece of a tool call's arguments. A signature comes once, a citation as it is met."""

    choice: int
    part: int
    text: str = ""
    signature: str | None = None
    citation: Citation | None = None


class PartEnded(msgspec.Struct, frozen=True, gc=False):
    """Nothing more of this part will come."""

    choice: int
    part: int


class Used(msgspec.Struct, frozen=True, gc=False):
    """What was used so far; the last one counts."""

    usage: Usage


class Ending(msgspec.Struct, frozen=True, gc=False):
    """The target gave a reason for the end of a choice, so the model has said what it had to say. Nobody is shown it:
    it keeps an answer that breaks off behind it from being gone on with."""

    choice: int


class Finished(msgspec.Struct, frozen=True):
    """A choice is complete."""

    choice: int
    finish: Finish
    extras: Extras | None = None
    stop_text: str | None = None


class Failed(msgspec.Struct, frozen=True, gc=False):
    """The provider gave up in the middle. `code` is that of the `GatewayError` to answer with."""

    code: str
    message: str


Event = Started | PartStarted | PartDelta | PartEnded | Used | Ending | Finished | Failed
