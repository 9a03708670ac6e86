from __future__ import annotations

from datetime import date

import msgspec
import pytest

from ledger.books import attempt, exchange
from waypost.core.usage import Usage
from waypost.ledger.reconcile import Booked
from waypost.stores.sql import booked as module
from waypost.stores.sql.booked import booked
from waypost.stores.sql.engine import Database
from waypost.stores.sql.journals import AnyJournal
from waypost.stores.sql.requests import RequestLog

DAY_US = 86_400 * 1_000_000
FIRST = date(2026, 11, 23)
START_US = 1_795_392_000_000_000  # of that day


def test_sums_per_day_and_model(
    database: Database, journal: AnyJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROWS", 2)
    estimated = Usage(1, 1, source="estimated")
    tries = [
        (START_US - 1, 1, None),
        (START_US, 2, None),
        (START_US + DAY_US - 1, 4, estimated),
        (START_US + DAY_US, 8, None),
        (START_US + DAY_US, None, None),
        (START_US + 2 * DAY_US, 16, None),
    ]
    for number, (at_us, cost, usage) in enumerate(tries):
        tried = msgspec.structs.replace(attempt(number, cost, usage=usage), started_us=at_us)
        journal.post("1.intents", number + 1, [exchange(number, cost, (), (tried,))])
    other = msgspec.structs.replace(attempt(90, 32), provider="azure", started_us=START_US)
    journal.post("1.intents", 20, [exchange(90, 32, (), (other,))])
    own = msgspec.structs.replace(attempt(91, 64), key_name="cred_1:1", started_us=START_US)
    journal.post("1.intents", 21, [exchange(91, 64, (), (own,))])
    read: list[int] = []
    day_after = date(2026, 11, 24)
    assert booked(database, {"openai"}, FIRST, day_after, read.append) == (
        Booked(FIRST, "gpt-5-mini", 6, 2, 0, 4),
        Booked(day_after, "gpt-5-mini", 8, 2, 1, 0),
    )
    assert read[-1] == 8, "one of them is on a bill of its owner's"
    both = booked(database, {"openai", "azure"}, FIRST, FIRST)
    assert both == (Booked(FIRST, "gpt-5-mini", 38, 3, 0, 4),)


def test_a_bill_is_compared_with_the_providers_cost(database: Database, journal: AnyJournal) -> None:
    tried = msgspec.structs.replace(attempt(1, 150, usage=None), started_us=START_US, markup_nusd=50)
    journal.post("1.intents", 1, [exchange(1, 150, ("key:k1:total",), (tried,))])
    (found,) = booked(database, {"openai"}, FIRST, FIRST)
    assert found.cost_nusd == 100
    assert journal.posted(["key:k1:total"]) == {"key:k1:total": 150}
    logged = RequestLog(database).get("exc-1")
    assert logged is not None
    assert (logged.attempts[0].cost_nusd, logged.attempts[0].markup_nusd) == (150, 50)
