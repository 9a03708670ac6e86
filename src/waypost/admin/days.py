"""Whole days that a query names, and how the document says them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

from waypost.admin.ask import Ask
from waypost.admin.route import Parameter
from waypost.errors import InvalidRequest, InvalidValue

_DAY: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
SCHEMA: Final[Mapping[str, object]] = {"type": "string", "format": "date", "pattern": _DAY}
FROM: Final = Parameter("from", "The first day, in UTC.", SCHEMA)
TO: Final = Parameter("to", "The day at whose beginning it ends, in UTC.", SCHEMA)


def day(ask: Ask, name: str) -> date | None:
    """The day that a parameter names; None where there is none. Raises InvalidRequest."""
    text = ask.query.get(name)
    if text is None:
        return None
    try:
        if re.fullmatch(_DAY.strip("^$"), text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidRequest("It has to be a day such as 2027-01-31.", param=name)


def span_us(ask: Ask) -> tuple[int | None, int | None]:
    """What `from` and `to` say, in Unix microseconds. Raises InvalidRequest and InvalidValue."""
    since, until = day(ask, "from"), day(ask, "to")
    if since is not None and until is not None and until < since:
        raise InvalidValue("It is before `from`.", param="to")
    return _us(since), _us(until)


def _us(found: date | None) -> int | None:
    if found is None:
        return None
    return int(datetime(found.year, found.month, found.day, tzinfo=UTC).timestamp()) * 1_000_000
