"""What is of this dialect alone: its name, and which extras are its own."""

from __future__ import annotations

from typing import ClassVar, Final

from waypost.core.request import Extras
from waypost.dialects import taking
from waypost.dialects.taking import form_of

NAME: Final = "cohere_chat"
#: Reasoning that stands in the message's own field for it.
TOOL_PLAN: Final = "tool_plan"


class Taking(taking.Taking):
    """See `dialects.taking`."""

    __slots__ = ()

    dialect: ClassVar[str] = NAME


def own_form(extras: Extras | None) -> str:
    """How this dialect wrote it; "" when it came from another."""
    return form_of(extras, NAME)
