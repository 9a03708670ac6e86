from __future__ import annotations

from typing import Any

import pytest

from waypost.core.credit import Credit, account_of, entry
from waypost.errors import InvalidRequest


def test_what_is_added_comes_from_its_source_and_what_is_taken_goes_there() -> None:
    grant = entry("e1", "org_a", 5.0, "grant", 7, expires_at=9.0, made_by="operator")
    assert grant == Credit(
        "e1", "org_a", 5.0, "grant", 7, "gateway:granted", "organization:org_a", 9.0, None, "", "operator"
    )
    taken = entry("e2", "org_a", 6.0, "expire", -3, of_entry="e1")
    assert (taken.amount_nusd, taken.debit, taken.credit) == (3, account_of("org_a"), "gateway:expired")
    assert (grant.signed_nusd, taken.signed_nusd) == (7, -3)
    assert entry("e3", "org_a", 6.0, "adjust", -1, reason="typo").signed_nusd == -1


@pytest.mark.parametrize(
    ("param", "change"),
    [
        ("entry_id", {"entry_id": ""}),
        ("entry_id", {"entry_id": "x" * 65}),
        ("kind", {"kind": "gift"}),
        ("amount_nusd", {"signed_nusd": 0}),
        ("amount_nusd", {"signed_nusd": 10**18 + 1}),
        ("amount_nusd", {"signed_nusd": -5}),
        ("amount_nusd", {"kind": "expire", "of_entry": "e0"}),
        ("of_entry", {"kind": "expire", "signed_nusd": -5}),
        ("expires_at", {"kind": "adjust", "signed_nusd": -5, "expires_at": 9.0, "reason": "x"}),
        ("reason", {"kind": "adjust", "reason": " "}),
        ("reason", {"reason": "x" * 1001}),
    ],
)
def test_entries_that_make_no_sense_are_refused_by_field(param: str, change: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "entry_id": "e1",
        "organization_id": "o",
        "at": 1.0,
        "kind": "topup",
        "signed_nusd": 5,
    }
    assert entry(**good).signed_nusd == 5
    with pytest.raises(InvalidRequest) as refused:
        entry(**{**good, **change})
    assert refused.value.param == param
