"""Nodes that lease from a bank in memory, in place of a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.books import FakeClock
from waypost.core.lease import Granted, Move, Want
from waypost.errors import StoreUnavailable
from waypost.ledger.accounts import AccountSpec
from waypost.ledger.leasing import Leasing
from waypost.ledger.purse import Purse, PurseHold

LIMIT = 1_000


def spec(name: str = "a", limit: int | None = LIMIT) -> AccountSpec:
    return AccountSpec(f"team:{name}:total", "team", name, name, limit, "total", None)


class Bank:
    """What the database does: `posted` and, by node, `leased`."""

    def __init__(self) -> None:
        self.posted: dict[str, int] = {}
        self.leased: dict[tuple[str, str], int] = {}

    def of(self, account_id: str) -> int:
        return sum(amount for (each, _), amount in self.leased.items() if each == account_id)

    def post(self, account_id: str, node: str, cost: int) -> None:
        self.posted[account_id] = self.posted.get(account_id, 0) + cost
        if (account_id, node) in self.leased:
            self.leased[account_id, node] -= cost


class BankLeases:
    """`ports.Leases` of one node. `away`: it does not answer; `lost`: once it is not heard; `deaf`: once it does
    what it is told, and its answer is lost."""

    def __init__(self, bank: Bank, node: str) -> None:
        self.bank, self.node = bank, node
        self.away = self.deaf = self.lost = False
        self.number = 0
        self.calls: list[str] = []

    def _do(self, move: Move) -> None:
        if self.away:
            raise StoreUnavailable("away")
        if self.lost:
            self.lost = False
            raise StoreUnavailable("it never got there")
        for account_id, amount in move.amounts.items():
            slot = (account_id, self.node)
            self.bank.leased[slot] = self.bank.leased.get(slot, 0) + amount
        if move.amounts:
            self.number = move.number
        if self.deaf:
            self.deaf = False
            raise StoreUnavailable("its answer is lost")

    def begin(self) -> int:
        self.end()
        return self.number

    def grant(self, wants: Sequence[Want], nodes: int, move: Move) -> Sequence[Granted]:
        self.calls.append("grant")
        left = {
            w.account_id: w.limit_nusd - self.bank.posted.get(w.account_id, 0) - self.bank.of(w.account_id)
            for w in wants
        }
        good = all(max(0, left[w.account_id]) >= w.need_nusd for w in wants)
        given = {
            w.account_id: max(w.need_nusd, min(w.wish_nusd, max(0, left[w.account_id]) // (2 * nodes)))
            if good
            else 0
            for w in wants
        }
        move.amounts = {account_id: amount for account_id, amount in given.items() if amount}
        self._do(move)
        return [
            Granted(each, amount, self.bank.posted.get(each, 0), self.bank.of(each))
            for each, amount in given.items()
        ]

    def change(self, move: Move) -> None:
        self.calls.append("change")
        self._do(move)

    def reached(self, number: int) -> bool:
        if self.away:
            raise StoreUnavailable("away")
        return self.number >= number

    def end(self) -> Mapping[str, int]:
        mine = {each: amount for (each, node), amount in self.bank.leased.items() if node == self.node}
        self._do(Move(self.number, {each: -amount for each, amount in mine.items()}))
        return mine

    def seen(self, name: str, version: str, at: float) -> None:
        if self.away:
            raise StoreUnavailable("away")

    def live(self, since: float) -> int:
        return 2


class Node:
    """A purse with its leasing; what is settled is posted at once."""

    def __init__(self, bank: Bank, name: str) -> None:
        self.bank, self.name, self.clock, self.waited = bank, name, FakeClock(), 0.0
        self.purse = Purse(shared=True)
        self.leases = BankLeases(bank, name)
        self.leasing = Leasing(self.purse, self.leases, self.clock, name, "1", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.clock.now += seconds
        self.waited += seconds

    async def hold(self, amount: int, *specs: AccountSpec) -> PurseHold:
        for each in specs:
            self.purse.open(each, 0, 0.0)
        while True:
            hold = self.purse.reserve(specs, amount, 0.0)
            if hold is not None:
                return hold
            await self.leasing.secure(specs, amount, 0.0)

    def settle(self, hold: PurseHold, cost: int) -> None:
        self.purse.close(hold, cost)
        for account_id in hold.accounts:
            self.bank.post(account_id, self.name, cost)

    def free(self, name: str = "a") -> int | None:
        account = self.purse.account(f"team:{name}:total")
        return None if account is None else account.free_nusd
