from __future__ import annotations

import os

import msgspec
import pytest

from waypost.config.targets import Credential as SentKey
from waypost.config.targets import Keying, Provider
from waypost.core.credentials import Credential
from waypost.core.origin import Origin
from waypost.errors import InvalidRequest, StoreUnavailable
from waypost.policy.credentials import check_secret, given, resealed, secret_of, served_by, state_of
from waypost.stores.sealing import Seals

SECRET = "sk-0123456789abcdefghijWXYZ"
BEARER = Keying("authorization")
OLD, NEW = b"o" * 32, b"n" * 32
SEALS = Seals([OLD], os.urandom)


def provider(host: str = "api.openai.example", keying: Keying | None = BEARER) -> Provider:
    return Provider(
        "openai", ("openai_chat",), Origin("https", host, 443), "/v1", SentKey(b""), keying=keying
    )


PROVIDERS = {"openai": provider()}
BARE = Credential("cred_1", "org_a", "main", "openai", "", owner_id="org_a")
MADE = given(SEALS, PROVIDERS, BARE, SECRET, None, 100.0)


def test_a_secret_is_bound_to_where_its_provider_is() -> None:
    assert (MADE.origin, MADE.ends_in, MADE.version, MADE.changed_at) == (
        "https://api.openai.example",
        "WXYZ",
        1,
        100.0,
    )
    assert SECRET.encode() not in MADE.sealed
    assert secret_of(SEALS, MADE) == SECRET


@pytest.mark.parametrize(
    "moved",
    [{"id": "cred_2"}, {"organization_id": "org_b"}, {"origin": "https://evil.example"}],
)
def test_it_opens_in_no_other_row_for_no_other_tenant_and_for_no_other_address(moved: dict[str, str]) -> None:
    with pytest.raises(StoreUnavailable, match="another row"):
        secret_of(SEALS, msgspec.structs.replace(MADE, **moved))


def test_the_same_secret_again_is_the_same_credential() -> None:
    assert given(SEALS, PROVIDERS, BARE, SECRET, MADE, 200.0) == MADE
    assert given(SEALS, PROVIDERS, BARE, None, MADE, 200.0) == MADE
    other = given(SEALS, PROVIDERS, BARE, "another", MADE, 200.0)
    assert (other.version, other.changed_at, other.ends_in) == (2, 200.0, "")
    moved = given(SEALS, {"openai": provider("new.example")}, BARE, SECRET, MADE, 200.0)
    assert (moved.version, moved.origin) == (2, "https://new.example")
    assert secret_of(SEALS, moved) == SECRET


def test_what_can_not_be_read_any_more_is_replaced() -> None:
    others = Seals([NEW], os.urandom)
    made = given(others, PROVIDERS, BARE, SECRET, MADE, 200.0)
    assert (made.version, secret_of(others, made)) == (2, SECRET)


@pytest.mark.parametrize("secret", ["", " ", "a b", "a\n", "a\r\nx: y", "é", "x" * 8193, "\x00"])
def test_what_can_not_stand_in_a_header_is_refused_unquoted(secret: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_secret(secret)
    assert refused.value.param == "secret"
    assert len(refused.value.message) < 200


def test_providers_that_take_no_key_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="takes no key") as refused:
        served_by({"openai": provider(keying=None)}, "openai")
    assert refused.value.param == "provider"
    with pytest.raises(InvalidRequest, match="None is configured"):
        served_by({}, "openai")
    many = {f"p{number:02}": provider() for number in range(15)}
    with pytest.raises(InvalidRequest, match=r"p00, .* and 3 more"):
        served_by(many, "openai")


def test_a_newer_root_key_seals_it_anew() -> None:
    both = Seals([NEW, OLD], os.urandom)
    anew = resealed(both, MADE)
    assert secret_of(Seals([NEW], os.urandom), anew) == SECRET
    assert resealed(both, anew) is anew
    assert (anew.version, anew.changed_at, anew.ends_in) == (MADE.version, MADE.changed_at, MADE.ends_in)


@pytest.mark.parametrize(
    ("changes", "providers", "readable", "state"),
    [
        ({}, PROVIDERS, True, "active"),
        ({"disabled": True}, {}, True, "disabled"),
        ({"expires_at": 500.0}, PROVIDERS, True, "expired"),
        ({"expires_at": 500.1}, PROVIDERS, True, "active"),
        ({}, {}, True, "unserved"),
        ({}, {"openai": provider(keying=None)}, True, "unserved"),
        ({}, {"openai": provider("new.example")}, True, "unbound"),
        ({}, PROVIDERS, False, "unreadable"),
    ],
)
def test_whether_it_is_used(
    changes: dict[str, object], providers: dict[str, Provider], readable: bool, state: str
) -> None:
    assert state_of(msgspec.structs.replace(MADE, **changes), providers, 500.0, readable) == state
