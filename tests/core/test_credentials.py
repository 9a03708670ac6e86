from __future__ import annotations

import pytest

from waypost.core.credentials import Credential, ends_of, is_own, key_name_of

MADE = Credential("cred_1", "org_a", "main", "openai", "https://api.openai.com", version=3)


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("", ""),
        ("abcd", ""),
        ("x" * 15 + "tail", ""),
        ("x" * 16 + "tail", "tail"),
        ("x" * 60 + "tail", "tail"),
    ],
)
def test_only_long_secrets_show_how_they_end(secret: str, shown: str) -> None:
    assert ends_of(secret) == shown


def test_its_name_among_keys_is_none_that_can_be_configured() -> None:
    assert key_name_of(MADE) == "cred_1:3"
    assert is_own("cred_1:3")
    assert not is_own("")
    assert not is_own("cred_1.3")


def test_it_is_bound_to_its_tenant_its_row_and_its_address() -> None:
    assert MADE.row == "org_a/cred_1 https://api.openai.com"


def test_it_is_printed_by_its_id_alone() -> None:
    assert repr(MADE) == "Credential(cred_1)"
