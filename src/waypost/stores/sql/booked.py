"""What the ledger's lines came to at the provider, per day and model, for a comparison with bills."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import and_, select

from waypost.core.credentials import is_own
from waypost.ledger.reconcile import Booked
from waypost.stores.sql.engine import Database
from waypost.stores.sql.tables import ATTEMPTS, LINES

_DAY_US: Final = 86_400 * 1_000_000
_ROWS: Final = 2_000


def booked(
    database: Database,
    providers: Collection[str],
    first: date,
    last: date,
    progress: Callable[[int], object] = lambda _: None,
) -> tuple[Booked, ...]:
    """The lines of some providers, of attempts that began on the days from `first` to `last` in UTC.

    In short reads, so that it can be run beside a gateway. `progress` is told how many lines were read. Raises
    StoreUnavailable.
    """
    since, until = _start_us(first), _start_us(last) + _DAY_US
    of = LINES.c
    # A bill knows nothing of the operator's mark-up.
    cost_nusd = (of.cost_nusd - of.markup_nusd).label("upstream_nusd")
    columns = (of.attempt_id, of.provider, of.model, of.at_us, cost_nusd, of.usage_source)
    # What was made with a credential that somebody brought is on a bill of theirs. Which one it was is in the request
    # log, for as long as that is kept.
    same = and_(ATTEMPTS.c.exchange_id == of.exchange_id, ATTEMPTS.c.attempt_id == of.attempt_id)
    log = LINES.outerjoin(ATTEMPTS, same)
    query = select(*columns, ATTEMPTS.c.key_name).select_from(log).order_by(of.attempt_id)
    sums: dict[tuple[int, str], list[int]] = {}
    after, read = "", 0
    while True:
        with database.read() as connection:
            rows = connection.execute(query.where(of.attempt_id > after).limit(_ROWS)).all()
        for _, provider, model, at_us, cost, source, key_name in rows:
            if provider not in providers or is_own(key_name or "") or not since <= at_us < until:
                continue
            sum_ = sums.setdefault((at_us // _DAY_US, model), [0, 0, 0, 0])
            sum_[0] += cost or 0
            sum_[1] += 1
            sum_[2] += cost is None
            sum_[3] += 0 if source == "reported" else cost or 0
        progress(read := read + len(rows))
        if len(rows) < _ROWS:
            break
        after = rows[-1][0]
    epoch = date(1970, 1, 1)
    return tuple(Booked(epoch + timedelta(days=day), model, *sums[day, model]) for day, model in sorted(sums))


def _start_us(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1_000_000
