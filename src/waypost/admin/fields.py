"""The types of fields that several bodies have, with the bounds that the document tells too."""

from __future__ import annotations

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from waypost.core.money import parse_usd, render_usd
from waypost.errors import Conflict, InvalidRequest, InvalidValue

#: What names of organizations, teams, budgets and so on look like: they stand in paths.
NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,62}$"
_EMAIL: Final = r"^[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9.-]{1,180}$"
_USD: Final = r"^[0-9]{1,9}(\.[0-9]{1,9})?$"
_LINE: Final = r"^[^\x00-\x1f\x7f]*$"
_TIME_MOST: Final = 4_102_444_800

#: What the fields of what is stored are called in bodies, where that is not their own name.
_CALLED: Final = {
    "limit_nusd": "limit",
    "raise_nusd": "raised_by",
    "raise_until": "raised_until",
    "scope_id": "subject",
    "budget_nusd": "budget",
    "team_id": "team",
    "project_id": "project",
    "user_id": "user",
    "owner_id": "user",
    "service_id": "service_account",
}

Name = Annotated[str, Meta(pattern=NAME, max_length=63)]
Title = Annotated[str, Meta(pattern=_LINE, max_length=200)]
Line = Annotated[str, Meta(pattern=_LINE, min_length=1, max_length=200)]
Email = Annotated[str, Meta(pattern=_EMAIL, max_length=254)]
Usd = Annotated[str, Meta(pattern=_USD, description="Dollars, as an exact decimal number in a string.")]
Time = Annotated[float, Meta(ge=0, le=_TIME_MOST, description="Unix seconds, UTC.")]
Lines = Annotated[tuple[Line, ...], Meta(max_length=200)]
Secret = Annotated[str, Meta(min_length=1, max_length=1024)]


class TeamPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody is in one team, beyond what they are in the organization."""

    team: Name
    """The team's name."""
    role: Name = "developer"


def is_name(text: str) -> bool:
    """Whether a text may be a name. A line's end at its end is none."""
    return re.fullmatch(NAME, text) is not None


def check_name(text: str, field: str = "name") -> str:
    """The name itself. Raises InvalidValue."""
    if not is_name(text):
        raise InvalidValue(
            "A name has 1 to 63 lower-case letters, digits, dots, dashes and underscores, and begins with a letter or "
            "a digit.",
            param=field,
        )
    return text


def in_words_of_the_api(error: InvalidRequest | Conflict) -> tuple[str, str | None]:
    """What a store says of values, and the field that it means, as bodies call it."""
    stored = error.param or ""
    called = _CALLED.get(stored)
    if called is None:
        return error.message, error.param
    return error.message.replace(stored, called), called


def dollars(nano: int) -> str:
    """Nano-dollars as the API writes them."""
    return render_usd(nano)


def nano(text: str, field: str) -> int:
    """Dollars of the API in nano-dollars. Raises InvalidValue."""
    try:
        return parse_usd(text.strip())
    except ValueError:
        raise InvalidValue("It is no amount of dollars.", param=field) from None


def email(text: str, field: str = "email") -> str:
    """An e-mail address as it is stored: in lower case. Raises InvalidValue."""
    if re.fullmatch(_EMAIL, text) is None or len(text) > 254:
        raise InvalidValue("It is no e-mail address.", param=field)
    return text.lower()
