"""Prepaid credit of an organization: immutable entries of double entry. What is used of it is in the ledger's lines."""

from __future__ import annotations

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
_MOST: Final = 10**18


class Credit(msgspec.Struct, frozen=True):
    """One entry: `amount_nusd` goes from the account `debit` to the account `credit`."""

    entry_id: str
    """Chosen by whoever adds it: the same entry added again changes nothing."""
    organization_id: str
    at: float
    kind: CreditKind
    amount_nusd: int
    """Above 0."""
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
    if not 1 <= len(entry_id) <= 64:
        raise InvalidRequest("An entry has an id of 1 to 64 characters.", param="entry_id")
    if kind not in KINDS:
        raise InvalidRequest(f"The kind of an entry is one of {', '.join(KINDS)}.", param="kind")
    if signed_nusd == 0 or abs(signed_nusd) > _MOST:
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
