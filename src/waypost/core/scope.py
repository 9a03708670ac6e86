"""Scopes: what a budget, a limit or an account hangs on."""

from __future__ import annotations

import re
from typing import Final, Literal, get_args

ScopeKind = Literal[
    "gateway",
    "organization",
    "team",
    "project",
    "user",
    "service",
    "key",
    "end_user",
    "tag",
    "model",
    "provider",
    "route",
]
"""`gateway`: everything this installation does. `user` and `service` are who owns the key; `end_user` is whom the
client names. `end_user`, `tag`, `model`, `provider` and `route` are counted per organization."""

KINDS: Final[tuple[ScopeKind, ...]] = get_args(ScopeKind)
#: Scopes that only the request tells, beside the key.
ASKED: Final[frozenset[ScopeKind]] = frozenset(("end_user", "tag", "model", "provider", "route"))
#: Scopes that count only what went to them, of all that a request may ask.
NARROW: Final[frozenset[ScopeKind]] = frozenset(("model", "provider"))
#: Each one of the kind by itself, where a scope's id is wanted.
EACH: Final = "*"

#: What the ids of accounts begin with that count what the free tier gives: money, or exchanges (`core.free_tier`).
FREE: Final = "free"
COUNTING: Final = "free_requests"
#: What each exchange adds to the latter: as much as a dollar is, so that leases of both are of one kind.
EXCHANGE: Final = 1_000_000_000
_COUNTING: Final = f"{COUNTING}:"

#: How the accounts end of what organizations use of their prepaid credit (`core.credit.used_of`).
_CREDIT: Final = ":credit"
#: Longer or other names are hashed, so that an account id stays a key of bounded length without a separator in it.
_PLAIN: Final = re.compile(r"[A-Za-z0-9._@/+-]{1,40}")


def asked_id(organization_id: str, name: str) -> str:
    """The id of a scope that a request names, inside its organization: at most 64 characters, the same for the same
    name."""
    if _PLAIN.fullmatch(name):
        return f"{organization_id}/{name}"
    from hashlib import sha256  # only here: the ledger's writer does without it

    return f"{organization_id}/~{sha256(name.encode()).hexdigest()[:24]}"


def counts_to(account_id: str, provider: str, model: str, *, own: bool = False) -> bool:
    """Whether what an attempt cost is posted to an account that its exchange was held on. Accounts of providers and of
    models count only what went to them, and what the operator gives is not used by what was made with a credential of
    the organization's `own`, which pays its provider itself; all others count everything."""
    scope, _, rest = account_id.partition(":")
    if scope not in NARROW:
        return not (own and is_given(account_id))
    scope_id = rest.partition(":")[0]
    organization_id = scope_id.partition("/")[0]
    return scope_id == asked_id(organization_id, provider if scope == "provider" else model)


def is_given(account_id: str) -> bool:
    """Whether an account counts what the operator gives: prepaid credit, or the free tier."""
    scope = account_id.partition(":")[0]
    return scope in (FREE, COUNTING) or (scope == "organization" and account_id.endswith(_CREDIT))


def counts_exchanges(account_id: str) -> bool:
    """Whether an account counts exchanges: `EXCHANGE` for each that may have been billed, whatever it cost."""
    return account_id.startswith(_COUNTING)


def posted_to(account_id: str, cost_nusd: int) -> int:
    """What a line that names an account adds to it."""
    return EXCHANGE if account_id.startswith(_COUNTING) else cost_nusd


def counted(
    accounts: tuple[str, ...], provider: str, model: str, *, again: bool = False, own: bool = False
) -> tuple[str, ...]:
    """Those of an exchange's accounts that an attempt is posted to. `again`: an earlier attempt of it has a line and
    was not made with an `own` credential, so what counts exchanges has counted it."""
    return tuple(
        account
        for account in accounts
        if counts_to(account, provider, model, own=own) and not (again and counts_exchanges(account))
    )
