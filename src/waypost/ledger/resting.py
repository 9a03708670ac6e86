"""Accounts that have headroom and are not in use at the moment: it is left to them for a while, and they are looked at
seldom, so that very many cost nothing."""

from __future__ import annotations

from collections.abc import Iterator

from waypost.ledger.purse import Account


class Resting:
    """In the order in which they came to rest. Whoever is asked of one again finds it as it is: nothing else knows that
    it rests."""

    def __init__(self, ticks: int) -> None:
        """For how many ticks."""
        self._ticks = ticks
        self._now = 0
        self._since: dict[str, tuple[int, Account]] = {}

    def put(self, account: Account) -> None:
        """It rests from now on."""
        self._since.pop(account.account_id, None)
        self._since[account.account_id] = self._now, account

    def due(self) -> list[Account]:
        """One tick more is over; those who have rested long enough rest no more."""
        self._now += 1
        found = []
        for since, account in self._since.values():
            if self._now - since < self._ticks:
                break
            found.append(account)
        for account in found:
            del self._since[account.account_id]
        return found

    def wake(self, account_id: str) -> None:
        """It is looked at elsewhere."""
        self._since.pop(account_id, None)

    def clear(self) -> None:
        """Nobody rests."""
        self._since.clear()

    def __iter__(self) -> Iterator[Account]:
        return (account for _, account in self._since.values())
