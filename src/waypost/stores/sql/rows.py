"""Records to rows and back. The order of each tuple is the order of the columns named beside it.

The columns are named here a second time, as text: the ledger's writer process posts without SQLAlchemy. A test compares
them with `tables.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import astuple

from waypost.core.decision import Decision
from waypost.core.record import Attempt, Exchange
from waypost.core.scope import counted, posted_to
from waypost.core.usage import Units, Usage
from waypost.stores.sql.rollup import Rollup

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

Row = tuple[object, ...]

_USAGE_COLUMNS: Final = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "usage_source",
    "charged_nusd",
    "units",
)
_NO_USAGE: Final = (None,) * len(_USAGE_COLUMNS)
#: Records and rows have the same order up to here.
_ACCOUNTS: Final = Exchange.__struct_fields__.index("accounts")
_USAGE: Final = Attempt.__struct_fields__.index("usage")

_UNITS: Final = msgspec.json.Decoder(Units)
_DECISION: Final = msgspec.json.Decoder(Decision)

#: Per table of a batch: the columns of its rows.
COLUMNS: Final = {
    "exchanges": (
        "exchange_id",
        "started_us",
        "key_id",
        "operation",
        "asked_model",
        "route",
        "stream",
        "status",
        "outcome",
        "error",
        "first_token_us",
        "total_us",
        "overhead_us",
        "cost_nusd",
        "config_version",
        "accounts",
        "finish_reason",
        "decision",
        "drill",
    ),
    "attempts": (
        "exchange_id",
        "attempt_id",
        "place",
        "provider",
        "model",
        "started_us",
        "state",
        "status",
        "error",
        "first_token_us",
        "total_us",
        "key_name",
        "role",
    ),
    "lines": (
        "attempt_id",
        "exchange_id",
        "at_us",
        "key_id",
        "provider",
        "model",
        "state",
        "cost_nusd",
        "price_version",
        "accounts",
        *_USAGE_COLUMNS,
        "markup_nusd",
    ),
    "contents": ("exchange_id", "request_body", "response_body"),
}


class Batch:
    """The rows of many exchanges, and what they add to each account."""

    __slots__ = (
        "_counted",
        "_encode",
        "_texts",
        "attempts",
        "contents",
        "exchanges",
        "lines",
        "posted",
        "usage",
    )

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._texts: dict[tuple[str, ...], str] = {}
        #: By accounts, provider, model, whether it was not the first and whose credential it was made with: the
        #: accounts that an attempt is posted to.
        self._counted: dict[tuple[tuple[str, ...], str, str, bool, bool], tuple[str, ...]] = {}
        self.exchanges: list[Row] = []
        self.attempts: list[Row] = []
        self.lines: list[Row] = []
        self.contents: list[Row] = []
        self.posted: dict[str, list[int]] = {}
        """Per account: nano-dollars and lines."""
        self.usage = Rollup()

    def add_missing(self, exchange: Exchange, having: AbstractSet[str], logged: set[str]) -> None:
        """All rows of one that may have been posted before, without the attempts that the journal is `having`. It is no
        further request where the request log knows it (`logged`, which is added to), or once did and a line of it is
        left."""
        known = exchange.exchange_id in logged or any(each.attempt_id in having for each in exchange.attempts)
        logged.add(exchange.exchange_id)
        self.add(exchange, having, known=known)

    def add(self, exchange: Exchange, having: AbstractSet[str] = frozenset(), *, known: bool = False) -> None:
        """All rows of one exchange, without the attempts that the journal is `having`. `known`: it is no further
        request."""
        e = exchange
        accounts = self._text(e.accounts)
        fields = astuple(e)
        decision = None if e.decision is None else self._encode(e.decision).decode()
        self.exchanges.append((*fields[:_ACCOUNTS], accounts, e.finish_reason, decision, e.drill))
        again = False
        for place, attempt in enumerate(e.attempts):
            if attempt.attempt_id not in having:
                self._add_attempt(exchange, place, attempt, again)
            again = again or attempt.counts
        if not known:
            self.usage.request(e)
        if e.request_body is not None or e.response_body is not None:
            self.contents.append((e.exchange_id, e.request_body, e.response_body))

    def _text(self, accounts: tuple[str, ...]) -> str:
        text = self._texts.get(accounts)
        if text is None:
            text = self._texts[accounts] = self._encode(accounts).decode()
        return text

    def _accounts_of(self, exchange: Exchange, attempt: Attempt, again: bool) -> tuple[str, ...]:
        own = attempt.own
        place = (exchange.accounts, attempt.provider, attempt.model, again, own)
        found = self._counted.get(place)
        if found is None:
            found = self._counted[place] = counted(*place[:3], again=again, own=own)
        return found

    def _add_attempt(self, exchange: Exchange, place: int, attempt: Attempt, again: bool) -> None:
        a = attempt
        exchange_id, fields = exchange.exchange_id, astuple(a)
        self.attempts.append((exchange_id, a.attempt_id, place, *fields[1:_USAGE], a.key_name, a.role))
        if not a.billed:
            return
        accounts = self._accounts_of(exchange, a, again)
        used = _NO_USAGE if a.usage is None else astuple(a.usage)
        if used[-1] is not None:
            used = (*used[:-1], self._encode(used[-1]).decode())
        self.lines.append(
            (
                a.attempt_id,
                exchange_id,
                a.started_us,
                exchange.key_id,
                a.provider,
                a.model,
                a.state,
                a.cost_nusd,
                a.price_version,
                self._text(accounts),
                *used,
                a.markup_nusd,
            )
        )
        self.usage.line(exchange, a)
        for account in accounts:
            sums, amount = self.posted.get(account), posted_to(account, a.cost_nusd or 0)
            if sums is None:
                self.posted[account] = [amount, 1]
            else:
                sums[0] += amount
                sums[1] += 1


def exchange_from(row: RowMapping, attempts: Iterable[Attempt]) -> Exchange:
    """An exchange from a row of `exchanges`, left-joined with `contents` or not."""
    return Exchange(
        exchange_id=row["exchange_id"],
        started_us=row["started_us"],
        key_id=row["key_id"],
        operation=row["operation"],
        asked_model=row["asked_model"],
        route=row["route"],
        stream=bool(row["stream"]),
        status=row["status"],
        outcome=row["outcome"],
        error=row["error"],
        first_token_us=row["first_token_us"],
        total_us=row["total_us"],
        overhead_us=row["overhead_us"],
        cost_nusd=row["cost_nusd"],
        config_version=row["config_version"],
        accounts=msgspec.json.decode(row["accounts"], type=tuple[str, ...]),
        attempts=tuple(attempts),
        finish_reason=row["finish_reason"],
        request_body=row.get("request_body"),
        response_body=row.get("response_body"),
        decision=None if row["decision"] is None else _DECISION.decode(row["decision"]),
        drill=row["drill"],
    )


def attempt_from(row: RowMapping) -> Attempt:
    """An attempt from a row of `attempts` left-joined with `lines`. One without a line was voided and cost nothing."""
    source = row["usage_source"]
    usage = None
    if source is not None:
        units = None if row["units"] is None else _UNITS.decode(row["units"])
        usage = Usage(*(*(row[column] for column in _USAGE_COLUMNS[:-1]), units))
    return Attempt(
        attempt_id=row["attempt_id"],
        provider=row["provider"],
        model=row["model"],
        started_us=row["started_us"],
        state=row["state"],
        status=row["status"],
        error=row["error"],
        first_token_us=row["first_token_us"],
        total_us=row["total_us"],
        usage=usage,
        cost_nusd=0 if row["state"] == "voided" else row["cost_nusd"],
        price_version=row["price_version"],
        key_name=row["key_name"],
        role=row["role"],
        markup_nusd=row["markup_nusd"] or 0,
    )
