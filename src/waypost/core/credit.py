"""Prepaid credit of an organization: immutable entries of double entry. What is used of it is in the ledger's lines.

What is used counts against the entry that ends first, and among those without an end against the oldest. So how an
organization stands follows from its entries and from what it has used in all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

import msgspec

from waypost.errors import InvalidRequest

CreditKind = Literal["grant", "topup", "adjust", "expire"]
"""`grant`: given, such as the starter grant. `topup`: paid. `adjust`: put right, either way. `expire`: what was left of
an entry when it ended."""

KINDS: Final[tuple[CreditKind, ...]] = get_args(CreditKind)
#: The other side of an organization's account.
SOURCES: Final[dict[CreditKind, str]] = {
    "grant": "gateway:granted",
    "topup": "gateway:paid",
    "adjust": "gateway:adjusted",
    "expire": "gateway:expired",
}
#: What an organization may call an entry.
GIVEN_ID: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}"
_MOST: Final = 10**18
_ID_MOST: Final = 64


class Credit(msgspec.Struct, frozen=True):
    """One entry: `amount_nusd` goes from the account `debit` to the account `credit`."""

    entry_id: str
    """Chosen by whoever adds it: the same entry added again changes nothing."""
    organization_id: str
    at: float
    kind: CreditKind
    amount_nusd: int
    """Above 0; 0 where an entry ended of which nothing was left."""
    debit: str
    credit: str
    expires_at: float | None = None
    """When what is left of it is gone."""
    of_entry: str | None = None
    """The entry that this one puts right or ends."""
    reason: str = ""
    made_by: str = ""
    """`user:<id>`, `service:<id>` or `operator`; empty for what the gateway does by itself."""

    @property
    def signed_nusd(self) -> int:
        """What it adds to the organization's balance."""
        return self.amount_nusd if self.credit == account_of(self.organization_id) else -self.amount_nusd


class Given(msgspec.Struct, frozen=True):
    """What organizations were given, as of a version."""

    version: int
    totals: Mapping[str, int]
    """By organization, what its entries add up to."""
    next_end: float | None
    """When the next entry ends, or has ended without that being entered."""


class Rest(msgspec.Struct, frozen=True):
    """An entry that adds, and what is left of it."""

    entry: Credit
    left_nusd: int


class Position(msgspec.Struct, frozen=True):
    """How an organization stands at a moment. `given - used - lapsed = balance`, always."""

    given_nusd: int
    """What all entries together add up to."""
    used_nusd: int
    lapsed_nusd: int
    """What is left of entries that have ended, where that was not entered yet."""
    balance_nusd: int
    """Below 0: more was used than there was."""
    rests: tuple[Rest, ...] = ()
    """Entries that can still be used, in the order in which they are."""
    ended: tuple[Rest, ...] = ()
    """Those that have ended, where that was not entered yet."""


def position(entries: Iterable[Credit], used_nusd: int, at: float) -> Position:
    """How an organization stands at Unix time `at`, by all of its entries and what it has used in all."""
    known = tuple(entries)
    adding = sorted((each for each in known if each.signed_nusd > 0), key=_order)
    room = {each.entry_id: each.amount_nusd for each in adding}
    entered = {each.of_entry for each in known if each.kind == "expire"}
    open_nusd = used_nusd
    for each in known:
        if each.signed_nusd <= 0:
            # What is taken back of an entry is not there to be used; the rest is as if it had been used.
            of = "" if each.of_entry is None else each.of_entry
            back = min(each.amount_nusd, room.get(of, 0))
            room[of] = room.get(of, 0) - back
            open_nusd += each.amount_nusd - back
    rests: list[Rest] = []
    ended: list[Rest] = []
    for each in adding:
        used = min(room[each.entry_id], open_nusd)
        open_nusd -= used
        left = Rest(each, room[each.entry_id] - used)
        over = each.expires_at is not None and each.expires_at <= at
        if over and each.entry_id not in entered:
            ended.append(left)
        elif left.left_nusd or not over:
            rests.append(left)
    given = sum(each.signed_nusd for each in known)
    lapsed = sum(each.left_nusd for each in ended)
    return Position(given, used_nusd, lapsed, given - used_nusd - lapsed, tuple(rests), tuple(ended))


def ending(rest: Rest, at: float) -> Credit:
    """The entry by which what is left of one lapses: always under the same id."""
    ended = rest.entry
    return entry(
        ended_id(ended.entry_id),
        ended.organization_id,
        at,
        "expire",
        -rest.left_nusd,
        of_entry=ended.entry_id,
    )


def ended_id(entry_id: str) -> str:
    """The id of the entry by which another one ends."""
    made = f"end:{entry_id}"
    if len(made) <= _ID_MOST:
        return made
    from hashlib import sha256  # only here: the ledger's writer does without it

    return f"end:~{sha256(entry_id.encode()).hexdigest()[:32]}"


def own_id(organization_id: str, given: str) -> str:
    """The id of the entry that an organization calls so: no other one can have it. Ids with a colon are the gateway's
    own."""
    return given if ":" in given else f"{organization_id}:{given}"


def given_id(found: Credit) -> str:
    """What its organization calls an entry."""
    return _given(found.organization_id, found.entry_id)


def given_of(found: Credit) -> str | None:
    """What it calls the entry that this one puts right or ends."""
    return None if found.of_entry is None else _given(found.organization_id, found.of_entry)


def _given(organization_id: str, entry_id: str) -> str:
    return entry_id.replace(f"{organization_id}:", "", 1)


def sums(entries: Iterable[Credit]) -> dict[str, int]:
    """By account, what was credited less what was debited. They add up to 0 in double entry."""
    told: dict[str, int] = {}
    for each in entries:
        told[each.credit] = told.get(each.credit, 0) + each.amount_nusd
        told[each.debit] = told.get(each.debit, 0) - each.amount_nusd
    return told


def used_of(organization_id: str) -> str:
    """The ledger's account of what an organization has used of its credit."""
    return f"organization:{organization_id}:credit"


def _order(each: Credit) -> tuple[float, float, str]:
    return (float("inf") if each.expires_at is None else each.expires_at, each.at, each.entry_id)


def account_of(organization_id: str) -> str:
    """The account of an organization's balance."""
    return f"organization:{organization_id}"


def entry(
    entry_id: str,
    organization_id: str,
    at: float,
    kind: CreditKind,
    signed_nusd: int,
    *,
    expires_at: float | None = None,
    of_entry: str | None = None,
    reason: str = "",
    made_by: str = "",
) -> Credit:
    """An entry that adds to the balance, or with a negative amount takes from it. Raises InvalidRequest."""
    _check(entry_id, kind, signed_nusd, expires_at, of_entry, reason)
    mine, other = account_of(organization_id), SOURCES[kind]
    debit, credit = (other, mine) if signed_nusd > 0 else (mine, other)
    return Credit(
        entry_id=entry_id,
        organization_id=organization_id,
        at=at,
        kind=kind,
        amount_nusd=abs(signed_nusd),
        debit=debit,
        credit=credit,
        expires_at=expires_at,
        of_entry=of_entry,
        reason=reason,
        made_by=made_by,
    )


def _check(
    entry_id: str,
    kind: CreditKind,
    signed_nusd: int,
    expires_at: float | None,
    of_entry: str | None,
    reason: str,
) -> None:
    if not 1 <= len(entry_id) <= _ID_MOST:
        raise InvalidRequest("An entry has an id of 1 to 64 characters.", param="entry_id")
    if kind not in KINDS:
        raise InvalidRequest(f"The kind of an entry is one of {', '.join(KINDS)}.", param="kind")
    if (signed_nusd == 0 and kind != "expire") or abs(signed_nusd) > _MOST:
        raise InvalidRequest("An entry is of more than 0 dollars and at most a billion.", param="amount_nusd")
    if kind != "adjust" and (signed_nusd > 0) == (kind == "expire"):
        raise InvalidRequest(
            "A grant and a top-up add, and what expires is taken away. To take for another reason, adjust.",
            param="amount_nusd",
        )
    if kind == "expire" and of_entry is None:
        raise InvalidRequest("What expires is the rest of an entry: say of which.", param="of_entry")
    if expires_at is not None and signed_nusd < 0:
        raise InvalidRequest("Only what is added can expire.", param="expires_at")
    if kind == "adjust" and not reason.strip():
        raise InvalidRequest("Say why the balance is adjusted: it stays in the statement.", param="reason")
    if len(reason) > 1000:
        raise InvalidRequest("A reason has at most 1000 characters.", param="reason")
