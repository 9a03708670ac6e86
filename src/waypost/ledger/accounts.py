"""Which budget accounts a key has at a moment.

A budget window is an account row of its own: when a day ends, the next request meets a new account, and nothing is
ever reset. Windows follow the calendar in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from waypost.core.budget import BudgetPeriod
from waypost.core.key import Key

_CACHE_MAX: Final = 131_072
_ALWAYS: Final = (float("-inf"), float("inf"))


class AccountSpec(msgspec.Struct, frozen=True):
    """One account that a request is held against.

    `account_id` is `<scope>:<scope_id>:<period>:<window start>`, without the last part for `total`.
    `ends_at` is Unix seconds, None for a window without an end.
    """

    account_id: str
    scope: str
    scope_id: str
    label: str
    """What people call the scope: the key's name."""
    limit_nusd: int
    period: BudgetPeriod
    ends_at: float | None


class Window(msgspec.Struct, frozen=True):
    """A calendar window: `[starts_at, ends_at)` in Unix seconds, and its name inside an account id."""

    name: str
    starts_at: float
    ends_at: float | None


class Accounts:
    """Account specs per key, cached until the window ends or the key changes. One dict hit per request."""

    __slots__ = ("_cache",)

    def __init__(self) -> None:
        self._cache: dict[str, tuple[Key, float, float, tuple[AccountSpec, ...]]] = {}

    def of(self, key: Key, at: float) -> tuple[AccountSpec, ...]:
        """The accounts of `key` at Unix time `at`; empty when it has no budget."""
        if key.budget_nusd is None:
            return ()
        entry = self._cache.get(key.key_id)
        if entry is not None and entry[0] is key and entry[1] <= at < entry[2]:
            return entry[3]
        return self._renew(key, at)

    def _renew(self, key: Key, at: float) -> tuple[AccountSpec, ...]:
        found = window(key.budget_per, at)
        specs = (
            AccountSpec(
                account_id=f"key:{key.key_id}:{found.name}",
                scope="key",
                scope_id=key.key_id,
                label=key.name,
                limit_nusd=key.budget_nusd or 0,
                period=key.budget_per,
                ends_at=found.ends_at,
            ),
        )
        if len(self._cache) >= _CACHE_MAX:
            del self._cache[next(iter(self._cache))]
        ends_at = _ALWAYS[1] if found.ends_at is None else found.ends_at
        self._cache[key.key_id] = (key, found.starts_at, ends_at, specs)
        return specs


def window(period: BudgetPeriod, at: float) -> Window:
    """The calendar window of `period` that Unix time `at` falls in. Weeks begin on Monday (ISO 8601)."""
    if period == "total":
        return Window("total", _ALWAYS[0], None)
    moment = datetime.fromtimestamp(at, UTC).replace(microsecond=0)
    start, end = _bounds(period, moment)
    short = start.strftime("%Y-%m-%dT%H:%MZ") if period in ("minute", "hour") else start.strftime("%Y-%m-%d")
    return Window(f"{period}:{short}", start.timestamp(), end.timestamp())


def _bounds(period: BudgetPeriod, moment: datetime) -> tuple[datetime, datetime]:
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
