"""Keys and money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from waypost.core.key import Key
from waypost.core.lease import Granted, Move, Want
from waypost.core.record import Checkpoint, DispatchMark, Exchange
from waypost.core.rules import FreeShare, Rules


class Keys(Protocol):
    """Virtual keys by digest, with what is in memory apart from what needs the database."""

    def cached(self, digest: bytes) -> Key | None:
        """The key, if it is in memory. None says nothing about whether it exists."""
        ...

    async def lookup(self, digest: bytes) -> Key | None:
        """The key from the database, now in memory too; None if there is none. Raises StoreUnavailable."""
        ...


class Hold(Protocol):
    """Money set aside for one exchange over all of its accounts. Closed exactly once, by `Ledger.settle`."""

    @property
    def amount_nusd(self) -> int: ...

    @property
    def accounts(self) -> tuple[str, ...]:
        """Account ids; empty when no budget applies."""
        ...

    @property
    def closed(self) -> bool: ...


class Ledger(Protocol):
    """Reserve, mark, settle. The synchronous methods are the hot path."""

    def try_reserve(self, rules: Rules, amount_nusd: int, at: float, *, free: bool = False) -> Hold | None:
        """Set `amount_nusd` aside on every account of these rules, or on none. What is `free` costs nothing for
        certain, and is held whatever is left.

        None means an account of this window is not in memory yet: await `load` and call again.
        Raises BudgetExceeded, naming the scope, the budget and when its window ends.
        """
        ...

    async def load(self, rules: Rules, at: float, amount_nusd: int = 0) -> None:
        """Bring the accounts of these rules for the windows at `at` into memory, with room for `amount_nusd` on all of
        them where they are shared with other nodes. Raises StoreUnavailable and BudgetExceeded."""
        ...

    def dispatch(self, mark: DispatchMark) -> None:
        """Append the mark to the intents file. Raises StoreUnavailable when it can not be written."""
        ...

    async def durable(self) -> None:
        """With `durability: fsync`, wait until every mark appended so far is on the disk; else return at once."""
        ...

    def extend(self, hold: Hold, rules: Rules, more_nusd: int, at: float) -> None:
        """Add to an open hold, on all of its accounts or on none; `rules` and `at` are those that it was reserved by.
        Raises BudgetExceeded."""
        ...

    async def enlarge(
        self, hold: Hold, rules: Rules, more_nusd: int, at: float, *, wait: bool = True
    ) -> None:
        """As `extend`; where accounts are shared with other nodes, room is made for it first. `wait`: also a moment for
        what others may give back. Raises StoreUnavailable too."""
        ...

    def keep_ahead(self, hold: Hold) -> None:
        """This hold will be extended, by about as much at a time: have that at hand where accounts are shared."""
        ...

    def left(self, rules: Rules, at: float) -> int | None:
        """Nano-dollars that the hard budgets among these rules have left; None where there is none, or they are not
        in memory."""
        ...

    def left_free(self, share: FreeShare, at: float) -> int | None:
        """What is left of a share of the free tier, in its own unit, as far as this node knows; None when it is not in
        memory."""
        ...

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Append what a running stream has used so far."""
        ...

    def settle(self, hold: Hold | None, exchange: Exchange) -> None:
        """Close the hold, post every attempt's cost to the accounts that count it (`core.scope.counts_to`), append and
        queue the record. Once per exchange; never raises for a full disk or a lost database: it keeps the record in
        memory and the ledger turns unready instead."""
        ...

    @property
    def ready(self) -> str | None:
        """None, or what keeps new work from being admitted safely (for `/readyz` and a 503)."""
        ...


class Leases(Protocol):
    """What this node of several may spend of accounts without asking. Blocking; raises StoreUnavailable."""

    def begin(self) -> int:
        """This node starts: give back what an earlier process of it left. Returns the number of its last move."""
        ...

    def grant(self, wants: Sequence[Want], nodes: int, move: Move) -> Sequence[Granted]:
        """Lease what is needed of all of the accounts, or of none: then each has the amount 0, and the figures say why.
        Beyond the need, up to the wish as far as an even share among `nodes` goes. `move` is told what it comes to."""
        ...

    def change(self, move: Move) -> None:
        """Give back, and lease, whatever the limits say: money that was spent beyond what had been set aside."""
        ...

    def reached(self, number: int) -> bool:
        """Whether the move of this number is in force; waits for one that is under way."""
        ...

    def end(self) -> Mapping[str, int]:
        """Give back everything. Only when nothing is held, and everything settled is posted."""
        ...

    def seen(self, name: str, version: str, at: float) -> None:
        """This node is alive at Unix time `at`."""
        ...

    def live(self, since: float) -> int:
        """How many nodes were seen after Unix time `since`."""
        ...


class Journal(Protocol):
    """The durable side of the ledger, in SQL. Called by recovery and by the ledger's writer process: plain
    blocking calls."""

    def posted(self, account_ids: Sequence[str]) -> dict[str, int]:
        """Nano-dollars posted so far to each account that exists."""
        ...

    def post(self, segment: str, upto: int, exchanges: Sequence[Exchange]) -> None:
        """In one transaction: insert the exchanges, their attempts, one immutable line per billed attempt, add to
        the accounts, and remember that `segment` of the intents is applied up to record number `upto`."""
        ...

    def applied(self) -> dict[str, int]:
        """Per intents segment, the last record number applied."""
        ...

    def repost(self, exchanges: Sequence[Exchange]) -> int:
        """Like `post`, for recovery: skips every attempt id that already has its line. Returns lines written."""
        ...

    def forget(self, segment: str) -> None:
        """A segment that is wholly applied was deleted."""
        ...
