from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec
import pytest

from ledger.books import AT, FakeClock, exchange
from waypost.app.history import History
from waypost.core.record import Exchange
from waypost.pipeline.rehearsal import Scope
from waypost.stores.sql.requests import Logged, RequestLog

NOW_US = int(AT * 1e6)
GOOD = msgspec.structs.replace(exchange(1), started_us=NOW_US - 1_000_000, total_us=7_000)


class Log:
    def __init__(self, *exchanges: Exchange) -> None:
        self.exchanges = exchanges
        self.keys: list[str | None] = []

    def recent(self, limit: int, *, key_id: str | None) -> Sequence[Logged]:
        self.keys.append(key_id)
        return [Logged(number, one) for number, one in enumerate(self.exchanges)]

    def get(self, exchange_id: str) -> Exchange | None:
        return next((one for one in self.exchanges if one.exchange_id == exchange_id), None)


async def test_times_before_are_those_of_the_same_traffic() -> None:
    log = Log(GOOD, msgspec.structs.replace(GOOD, total_us=9_000))
    told = await History(cast(RequestLog, log), FakeClock()).before(Scope(("openai",), key_id="k7"))
    assert told is not None
    assert (told.count, told.p50_ms, told.p95_ms) == (2, 7.0, 9.0)
    assert log.keys == ["k7"]


@pytest.mark.parametrize(
    "other",
    [
        {"outcome": "failed"},
        {"drill": "d-1"},
        {"started_us": NOW_US - 3_601_000_000},
        {"route": "another"},
        {"attempts": ()},
    ],
)
async def test_what_tells_nothing_of_it_does_not_count(other: dict[str, object]) -> None:
    log = Log(msgspec.structs.replace(GOOD, **other))
    assert await History(cast(RequestLog, log), FakeClock()).before(Scope(("openai",), route="fast")) is None


async def test_one_request() -> None:
    history = History(cast(RequestLog, Log(GOOD)), FakeClock())
    assert await history.find("exc-1") == GOOD
    assert await history.find("none") is None
