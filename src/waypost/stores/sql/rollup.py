"""What exchanges add to the sums of usage: by hour, key, provider and model, and by the tags and end users that a
budget counts. Posted with the lines, in their transaction, so the sums are those of the lines whatever happens.

Without SQLAlchemy, as it is for the ledger's writer process; a test compares the columns with `tables.py`.
"""

from __future__ import annotations

from typing import Final

from waypost.core.record import Attempt, Exchange
from waypost.core.usage import Usage

HOUR_US: Final = 3_600_000_000
#: What a row is of. `scope` is empty for all of it; rows of a tag or an end user tell a part of the same again.
OF: Final = ("hour", "scope", "scope_id", "key_id", "provider", "model")
#: What is not counted in tokens, as `core.usage.Units` has it.
UNITS: Final = ("audio_ms", "characters", "images", "searches")
SUMS: Final = (
    "requests",
    "errors",
    "attempts",
    "unpriced",
    "cost_nusd",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    *UNITS,
)
#: Scopes that only a request tells, and no other table.
SCOPES: Final = ("tag", "end_user")
COLUMNS: Final = (*OF, *SUMS)
#: What nodes of an older version write in columns that they do not know.
ADDED: Final = dict.fromkeys(UNITS, "0")

Of = tuple[int, str, str, str, str, str]

_NONE: Final = Usage()
_BEGINNINGS: Final = tuple(f"{scope}:" for scope in SCOPES)
_WHOLE: Final = (("", ""),)


class Rollup:
    """The sums that a batch adds, each by what it is of."""

    __slots__ = ("_parts", "sums")

    def __init__(self) -> None:
        self.sums: dict[Of, list[int]] = {}
        #: By the accounts of an exchange, what its usage is counted under.
        self._parts: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}

    def rows(self) -> list[tuple[object, ...]]:
        """As rows, in an order that is always the same, so that two writers never wait for each other."""
        return [(*of, *sums) for of, sums in sorted(self.sums.items())]

    def request(self, exchange: Exchange) -> None:
        """One that is in no sum yet. It counts for whom it was sent to last."""
        last = exchange.attempts[-1] if exchange.attempts else None
        provider, model = ("", "") if last is None else (last.provider, last.model)
        failed = exchange.outcome != "ok"
        for sums in self._of(exchange, exchange.started_us, provider, model):
            sums[0] += 1
            sums[1] += failed

    def line(self, exchange: Exchange, attempt: Attempt) -> None:
        """One that has a line of the ledger."""
        cost = attempt.cost_nusd
        usage = attempt.usage or _NONE
        for sums in self._of(exchange, attempt.started_us, attempt.provider, attempt.model):
            sums[2] += 1
            if cost is None:
                sums[3] += 1
            else:
                sums[4] += cost
            sums[5] += usage.input
            sums[6] += usage.output
            sums[7] += usage.cache_read
            sums[8] += usage.cache_write
            sums[9] += usage.reasoning
            if usage.units is not None:
                for place, name in enumerate(UNITS, 10):
                    sums[place] += getattr(usage.units, name)

    def _of(self, exchange: Exchange, at_us: int, provider: str, model: str) -> list[list[int]]:
        if "\x00" in model:  # which no text of PostgreSQL holds
            model = model.replace("\x00", "\ufffd")
        accounts = exchange.accounts
        parts = self._parts.get(accounts)
        if parts is None:
            parts = self._parts[accounts] = parts_of(accounts)
        hour, key_id, all_sums, found = at_us // HOUR_US, exchange.key_id or "", self.sums, []
        for scope, scope_id in parts:
            of = (hour, scope, scope_id, key_id, provider, model)
            sums = all_sums.get(of)
            if sums is None:
                sums = all_sums[of] = [0] * len(SUMS)
            found.append(sums)
        return found


def parts_of(accounts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The whole, and each tag and end user among the accounts, once however many budgets count it."""
    told = (account.split(":", 2)[:2] for account in accounts if account.startswith(_BEGINNINGS))
    return (*_WHOLE, *dict.fromkeys((scope, scope_id) for scope, scope_id in told))
