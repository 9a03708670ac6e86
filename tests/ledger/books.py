"""Values and fakes that the ledger's and the stores' tests share."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec

from waypost.core.budget import Budget, BudgetPeriod
from waypost.core.key import Key
from waypost.core.record import Attempt, AttemptState, Checkpoint, DispatchMark, Exchange
from waypost.core.rules import Bound, Rules, Standing
from waypost.core.scope import ASKED, ScopeKind, asked_id
from waypost.core.usage import Usage
from waypost.errors import StoreUnavailable
from waypost.ledger.messages import Ended, render
from waypost.ledger.poster import Poster
from waypost.ledger.writer import Launch
from waypost.policy.directory import Directory
from waypost.ports import Journal
from waypost.stores.memory import MemoryJournal

AT = 1_790_000_000.0  # 2026-09-21T14:13:20Z, a Monday
CENT = 10_000_000
DOLLAR = 1_000_000_000


class FakeClock:
    def __init__(self, now: float = AT) -> None:
        self.now = now

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class FlakyJournal(MemoryJournal):
    """A journal that can be down. `calls` counts attempts to post."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.calls = 0

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("down")

    def posted(self, account_ids: Sequence[str]) -> dict[str, int]:
        self._check()
        return super().posted(account_ids)

    def post(self, segment: str, upto: int, exchanges: Sequence[Exchange]) -> None:
        self.calls += 1
        self._check()
        super().post(segment, upto, exchanges)


class ThreadedPosting:
    """`ledger.writer.Posting` in a thread of the test, on any journal: the same code as in the process."""

    def __init__(self, folder: Path, journal: Journal, link: socket.socket, delay_s: float) -> None:
        self._folder = folder
        self._journal = journal
        self._delay_s = delay_s
        self._link = link.dup()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            Poster(
                self._folder, self._journal, self._link, monotonic=time.monotonic, delay_s=self._delay_s
            ).run()
        except Exception as error:
            self._link.sendall(render(Ended(type(error).__name__)))
        finally:
            self._link.close()

    def wait(self, timeout_s: float) -> bool:
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def kill(self) -> None:
        self._link.shutdown(socket.SHUT_RDWR)


def in_thread(folder: Path, journal: Journal, delay_s: float = 0.0) -> Launch:
    """Starts writers in threads."""
    return lambda link: ThreadedPosting(folder, journal, link, delay_s)


def rules(budget: int | None = DOLLAR, per: BudgetPeriod = "day", key_id: str = "k1") -> Rules:
    """Those of a key with a budget of its own: the same object for the same key."""
    return _standing(budget, per, key_id).rules


def budget(
    scope: ScopeKind, scope_id: str, limit: int = DOLLAR, name: str = "b", **changes: object
) -> Budget:
    """A budget of the organization `org`."""
    made = Budget(f"bud_{scope}_{scope_id}_{name}", "org", name, scope, scope_id, limit, "total")
    return msgspec.structs.replace(made, **changes)


def bounds(*budgets: Budget) -> Rules:
    """Rules with a scope for each budget, labelled by its id."""
    return Rules(
        tuple(
            Bound(
                each.scope,
                asked_id(each.organization_id, each.scope_id) if each.scope in ASKED else each.scope_id,
                each.scope_id,
                (each,),
            )
            for each in budgets
        )
    )


def served_by(number: int) -> str:
    """Who serves an exchange, where that makes a difference."""
    return "openai" if number % 3 else "azure"


def both_providers(limit: int = 10**15) -> Rules:
    """A request that either of them may serve: their budgets, and one that counts both."""
    return bounds(
        budget("team", "t1", limit), budget("provider", "openai", limit), budget("provider", "azure", limit)
    )


@cache
def _standing(budget: int | None, per: BudgetPeriod, key_id: str) -> Standing:
    digest, hint = key_id.encode().ljust(32), "sk-wp-k1…abcd"
    return Directory().standing(Key(key_id, "app", digest, hint, AT, budget_nusd=budget, budget_per=per))


def attempt(
    number: int, cost: int | None = CENT, state: AttemptState = "settled", usage: Usage | None = None
) -> Attempt:
    if usage is None and state != "voided":
        usage = Usage(100, 20, 5)
    return Attempt(
        f"att-{number}", "openai", "gpt-5-mini", 1_000 + number, state, 200, None, 400, 900, usage, cost, "v1"
    )


def exchange(
    number: int,
    cost: int | None = CENT,
    accounts: tuple[str, ...] = (),
    attempts: tuple[Attempt, ...] | None = None,
) -> Exchange:
    tries = (attempt(number, cost),) if attempts is None else attempts
    return Exchange(
        f"exc-{number}",
        1_000 + number,
        "k1",
        "chat",
        "fast",
        "fast",
        False,
        200,
        "ok",
        None,
        400,
        900,
        85,
        cost,
        7,
        accounts,
        tries,
        "stop",
    )


def mark(
    number: int, accounts: tuple[str, ...] = (), floor: int | None = 3, attempt_id: str = ""
) -> DispatchMark:
    return DispatchMark(
        attempt_id or f"att-{number}",
        f"exc-{number}",
        1_000 + number,
        "k1",
        "chat",
        "fast",
        "fast",
        True,
        "openai",
        "gpt-5-mini",
        accounts,
        CENT,
        floor,
        "v1",
        50,
        7,
    )


def checkpoint(number: int, cost: int | None, output: int = 10) -> Checkpoint:
    return Checkpoint(f"att-{number}", Usage(50, output, source="partial"), cost)
