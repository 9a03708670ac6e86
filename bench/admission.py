"""What admission costs: `python -m bench --admission`. No process and no network: from a known key to a closed hold.

One key after the other asks, in turn. For each request the rules are
looked up in the directory, named scopes included; its limits are taken, and told in headers; it is held on its budgets,
and settled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from time import thread_time

import msgspec

from waypost.app.clock import SystemClock
from waypost.core.budget import Budget
from waypost.core.key import Key
from waypost.core.limit import Limit, Need
from waypost.core.objects import KIND_OF, Change, Object
from waypost.core.people import Member, Organization, Team, User
from waypost.core.record import Attempt
from waypost.core.rules import Named
from waypost.core.usage import Usage
from waypost.ledger.accounts import Accounts
from waypost.ledger.purse import Purse, PurseHold
from waypost.pipeline.limit_headers import lines_of
from waypost.policy.directory import Directory
from waypost.policy.limits import Limits, Taken

#: Keys; budgets beside those that each request meets; and keys that ask, one after the other.
SIZES = (
    (10, 10, 10),
    (1_000, 100, 500),
    (10_000, 1_000, 500),
    (100_000, 10_000, 500),
    (100_000, 10_000, 100_000),
)
_AT = 1_790_000_000.0
_NOBODY = 10**18
_CLOCK = SystemClock()
_BATCH = 2_000


class Figure(msgspec.Struct, frozen=True):
    """CPU microseconds of one request, undisturbed: the lowest of all batches. Of admission, and of settlement."""

    keys: int
    budgets: int
    asking: int
    bare: tuple[float, float]
    """Of a key without rules."""
    static: tuple[float, float]
    """Six accounts and three limits, all told by the key."""
    named: tuple[float, float]
    """The same, two of the scopes named by the request: an end user and a tag."""


class Work:
    """One directory, and requests against it."""

    def __init__(
        self, keys: int, budgets: int, asking: int = 0, *, rules: bool = True, named: bool = False
    ) -> None:
        self.directory, self.limits = Directory(), Limits()
        self.purse, self.accounts = Purse(), Accounts()
        self.keys = [_key(number) for number in range(keys)]
        self.directory.apply(
            [Change(KIND_OF[type(each)], each) for each in objects(keys, budgets, rules, named)], 1
        )
        self.named = Named("bob", ("app:chat",), "fast") if named else Named()
        asking = asking or keys
        self.next = cycle([self.keys[number * keys // asking] for number in range(asking)])
        self.number = 0

    def admit(self) -> tuple[PurseHold, Taken | None]:
        """One request, from its key to the hold."""
        key = next(self.next)
        self.number += 1
        now, at = 1_000.0 + self.number * 1e-5, _AT + self.number * 1e-5
        standing = self.directory.standing(key)
        rules = self.directory.rules(standing, self.named) if standing.asks else standing.rules
        taken = None
        if rules.paces:
            taken = self.limits.take(rules.paces, _NEED, now)
            lines_of(self.limits.shown(rules.paces, now), "openai_chat", _CLOCK)
        specs = self.accounts.of(rules, at)
        hold = self.purse.reserve(specs, 1_000, at)
        while hold is None:
            for spec in self.purse.missing(specs):
                self.purse.open(spec, 0, at)
            hold = self.purse.reserve(specs, 1_000, at)
        return hold, taken

    def settle(self, hold: PurseHold, taken: Taken | None) -> None:
        """Its end."""
        self.purse.close(hold, 400, _DONE)
        if taken is not None:
            taken.end(_DONE, True, 1_000.5 + self.number * 1e-5)

    def warm(self) -> None:
        """Every key that asks has been seen, and every window is open."""
        for _ in self.keys:
            self.settle(*self.admit())


_NEED = Need(500, 500)
_DONE = (Attempt("a", "p", "m", 0, "settled", 200, None, 1, 1, Usage(400, 100), 400, "v"),)


def _key(number: int) -> Key:
    return Key(
        f"key_{number}",
        f"key {number}",
        number.to_bytes(32, "big"),
        "",
        0.0,
        organization_id=f"org_{number % 1_000}",
        team_id=f"team_{number % 1_000}",
        user_id=f"user_{number}",
    )


def objects(keys: int, budgets: int, rules: bool, named: bool) -> Iterator[Object]:
    """An organization and a team for every hundred keys of the largest size, a person for each key; rules for all of
    them, and as many budgets as are wanted for others."""
    for number in range(min(keys, 1_000)):
        yield Organization(f"org_{number}", f"org {number}")
        yield Team(f"team_{number}", f"org_{number}", f"team {number}")
    for number in range(keys):
        yield User(f"user_{number}", f"user{number}@bench.example")
        yield Member(f"mem_{number}", f"org_{number % 1_000}", f"user_{number}")
    for number in range(budgets):
        yield Budget(f"bud_{number}", "org_0", f"b{number}", "project", f"proj_{number}", _NOBODY)
    if not rules:
        return
    asked = (("end_user", "*"), ("tag", "*")) if named else (("service", "*"), ("project", "*"))
    for scope, scope_id in (("key", "*"), ("user", "*"), ("team", "*"), ("organization", "*"), *asked):
        yield Budget(f"bud_{scope}", "", scope, scope, scope_id, _NOBODY)  # type: ignore[arg-type]
    if not named:  # a key has no more scopes of its own: two windows more
        yield Budget("bud_day", "", "day", "team", "*", _NOBODY, "day")
        yield Budget("bud_total", "", "total", "gateway", "*", _NOBODY, "total")
    yield Limit("lim_r", "", "requests", "key", "*", "requests", 10**6)
    yield Limit("lim_t", "", "tokens", "team", "*", "tokens", 10**9)
    yield Limit("lim_c", "", "at once", "organization", "*", "concurrent", 10**6)


def measure(
    rounds: int = 20, sizes: Sequence[tuple[int, int, int]] = SIZES, batch: int = _BATCH
) -> list[Figure]:
    """Every size."""
    told = []
    for keys, budgets, asking in sizes:
        kinds = (
            Work(keys, budgets, asking, rules=False),
            Work(keys, budgets, asking),
            Work(keys, budgets, asking, named=True),
        )
        for work in kinds:
            work.warm()
        lowest = [(float("inf"), float("inf"))] * len(kinds)
        for _ in range(rounds):
            for index, work in enumerate(kinds):
                best, seen = lowest[index], _cpu_us(work, batch)
                lowest[index] = (min(best[0], seen[0]), min(best[1], seen[1]))
        told.append(Figure(keys, budgets, asking, *lowest))
    return told


def _cpu_us(work: Work, times: int) -> tuple[float, float]:
    began = thread_time()
    under_way = [work.admit() for _ in range(times)]
    admitted = thread_time()
    for hold, taken in under_way:
        work.settle(hold, taken)
    return (admitted - began) * 1e6 / times, (thread_time() - admitted) * 1e6 / times


def table(figures: Sequence[Figure]) -> str:
    """Markdown: a row per size; CPU µs of a request's admission, plus that of its settlement."""
    lines = [
        [
            "keys",
            "budgets",
            "keys that ask",
            "no rules",
            "six accounts, three limits",
            "two of the scopes named by the request",
        ],
        ["---:"] * 6,
        *(
            [
                f"{each.keys:,}",
                f"{each.budgets:,}",
                f"{each.asking:,}",
                *(_cell(*kind) for kind in (each.bare, each.static, each.named)),
            ]
            for each in figures
        ),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(admission_us: float, settlement_us: float) -> str:
    return f"{admission_us:.1f} + {settlement_us:.1f} µs"
