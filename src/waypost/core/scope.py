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
    models count only what went to them, and prepaid credit nothing that was made with a credential of the
    organization's `own`, which pays its provider itself; all others count everything."""
    scope, _, rest = account_id.partition(":")
    if scope not in NARROW:
        return not (own and scope == "organization" and account_id.endswith(_CREDIT))
    scope_id = rest.partition(":")[0]
    organization_id = scope_id.partition("/")[0]
    return scope_id == asked_id(organization_id, provider if scope == "provider" else model)


def counted(accounts: tuple[str, ...], provider: str, model: str, *, own: bool = False) -> tuple[str, ...]:
    """Those of an exchange's accounts that an attempt is posted to."""
    return tuple(account for account in accounts if counts_to(account, provider, model, own=own))
