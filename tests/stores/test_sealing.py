from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.errors import StoreUnavailable
from waypost.stores.sealing import Seals, root_id

OLD, NEW = b"o" * 32, b"n" * 32
SEALS = Seals([OLD], os.urandom)


@given(plain=st.binary(max_size=200), purpose=st.text(max_size=20), row=st.text(max_size=20))
def test_what_is_sealed_opens_for_its_purpose_and_row_alone(plain: bytes, purpose: str, row: str) -> None:
    sealed = SEALS.seal(purpose, row, plain)
    assert SEALS.open(purpose, row, sealed) == plain
    assert SEALS.seal(purpose, row, plain) != sealed
    for other_purpose, other_row in ((purpose + "x", row), (purpose, row + "x")):
        with pytest.raises(StoreUnavailable):
            SEALS.open(other_purpose, other_row, sealed)


@given(at=st.integers(0, 60), bit=st.integers(0, 7))
def test_a_bit_that_was_changed_is_seen(at: int, bit: int) -> None:
    sealed = bytearray(SEALS.seal("p", "r", b"a secret of some length"))
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises(StoreUnavailable):
        SEALS.open("p", "r", bytes(sealed))


def test_older_root_keys_open_and_the_newest_seals() -> None:
    sealed = SEALS.seal("p", "r", b"x")
    both = Seals([NEW, OLD], os.urandom)
    assert both.open("p", "r", sealed) == b"x"
    assert both.is_stale(sealed)
    assert not both.is_stale(both.seal("p", "r", b"x"))
    with pytest.raises(StoreUnavailable, match=root_id(OLD).hex()):
        Seals([NEW], os.urandom).open("p", "r", sealed)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x02" + bytes(40)])
def test_what_was_never_sealed(sealed: bytes) -> None:
    with pytest.raises(StoreUnavailable):
        SEALS.open("p", "r", sealed)


def test_root_keys_of_another_length_and_none_at_all() -> None:
    for roots in ([], [b"short"], [OLD, b""]):
        with pytest.raises(ValueError, match="32 bytes"):
            Seals(roots, os.urandom)
    assert OLD.hex() not in repr(SEALS)
