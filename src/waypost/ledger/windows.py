"""The windows of budgets: by the calendar in UTC, or counted from a moment."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from waypost.core.budget import BudgetPeriod

ALWAYS: Final = (float("-inf"), float("inf"))
_LENGTHS: Final[dict[BudgetPeriod, int]] = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_MONTHS: Final[dict[BudgetPeriod, int]] = {"month": 1, "year": 12}
#: Longer than those of windows that follow the calendar, so that no two windows have the same name.
_NAMED: Final = "%Y-%m-%dT%H:%M:%SZ"


class Window(msgspec.Struct, frozen=True):
    """A window: `[starts_at, ends_at)` in Unix seconds, and its name inside an account id."""

    name: str
    starts_at: float
    ends_at: float | None


def window(period: BudgetPeriod, at: float, anchor_at: float | None = None) -> Window:
    """The window of `period` that Unix time `at` falls in. Weeks begin on Monday (ISO 8601).

    With an anchor, windows are counted from that second on, and backwards from it: a month after the 31st is the last
    day of a shorter month. `total` begins with its anchor; until then it is the one without an end.
    """
    if anchor_at is not None:
        return _anchored(period, at, int(anchor_at // 1))
    if period == "total":
        return Window("total", ALWAYS[0], None)
    moment = datetime.fromtimestamp(at, UTC).replace(microsecond=0)
    start, end = _calendar(period, moment)
    short = start.strftime("%Y-%m-%dT%H:%MZ") if period in ("minute", "hour") else start.strftime("%Y-%m-%d")
    return Window(f"{period}:{short}", start.timestamp(), end.timestamp())


def _calendar(period: BudgetPeriod, moment: datetime) -> tuple[datetime, datetime]:
    if period == "minute":
        start = moment.replace(second=0)
        return start, start + timedelta(minutes=1)
    if period == "hour":
        start = moment.replace(minute=0, second=0)
        return start, start + timedelta(hours=1)
    midnight = moment.replace(hour=0, minute=0, second=0)
    if period == "day":
        return midnight, midnight + timedelta(days=1)
    if period == "week":
        start = midnight - timedelta(days=midnight.weekday())
        return start, start + timedelta(days=7)
    if period == "month":
        start = midnight.replace(day=1)
        # 32 days after the first is always in the next month.
        return start, (start + timedelta(days=32)).replace(day=1)
    start = midnight.replace(month=1, day=1)
    return start, start.replace(year=start.year + 1)


def _anchored(period: BudgetPeriod, at: float, anchor: int) -> Window:
    if period == "total":
        if at < anchor:
            return Window("total", ALWAYS[0], float(anchor))
        return Window(f"total:{render_time(anchor)}", float(anchor), None)
    length = _LENGTHS.get(period)
    if length is not None:
        start = anchor + int((at - anchor) // length) * length
        return Window(f"{period}:{render_time(start)}", float(start), float(start + length))
    first, months = datetime.fromtimestamp(anchor, UTC), _MONTHS[period]
    moment = datetime.fromtimestamp(at, UTC)
    place = ((moment.year - first.year) * 12 + moment.month - first.month) // months
    if _later(first, place * months).timestamp() > at:
        place -= 1
    begins, ends = _later(first, place * months), _later(first, (place + 1) * months)
    return Window(f"{period}:{begins.strftime(_NAMED)}", begins.timestamp(), ends.timestamp())


def _later(moment: datetime, months: int) -> datetime:
    """So many months later, or on the last day of a month that is too short."""
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def render_time(at: float) -> str:
    """A time as people and headers are told it, in whole seconds."""
    return datetime.fromtimestamp(at, UTC).strftime(_NAMED)
