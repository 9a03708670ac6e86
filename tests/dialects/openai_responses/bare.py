"""The core's values without how this dialect wrote them: a stream says less of that than a whole answer does."""

from __future__ import annotations

import msgspec

from waypost.core.request import Opaque, Part, Text
from waypost.core.response import ChatResponse


def bare_part(part: Part) -> Part:
    """Without extras."""
    if isinstance(part, Opaque):
        return part
    if isinstance(part, Text):
        citations = tuple(msgspec.structs.replace(each, extras=None) for each in part.citations)
        return msgspec.structs.replace(part, citations=citations, extras=None)
    return msgspec.structs.replace(part, extras=None)


def bare_parts(parts: tuple[Part, ...]) -> list[Part]:
    return [bare_part(part) for part in parts]


def bare(response: ChatResponse) -> ChatResponse:
    """Without extras, and without the tier: streams say at their beginning what was asked for."""
    choices = tuple(
        msgspec.structs.replace(choice, parts=tuple(map(bare_part, choice.parts)), extras=None)
        for choice in response.choices
    )
    return msgspec.structs.replace(response, choices=choices, extras=None, tier=None)
