"""The rest is in tests/contract/stores."""

from ledger.books import exchange
from waypost.stores.memory import MemoryJournal


def test_what_was_posted_can_be_looked_at():
    journal = MemoryJournal()
    journal.post("s1", 1, [exchange(1, 3, ("key:k1:total",))])

    assert journal.exchanges["exc-1"] == exchange(1, 3, ("key:k1:total",))
    assert journal.lines["att-1"] is journal.attempts["att-1"]
