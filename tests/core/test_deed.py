"""The chain of the audit log: what its bytes are, so that anybody can compute them."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from waypost.core.deed import GENESIS, Entry, hash_of

ENTRY = Entry(
    1, 5, "user:u", "session", "org_a", "put_team", "team", "t", "wëb", "done", '{"a":[1,2]}', "r", "::1"
)


def test_the_canonical_bytes_are_those_that_the_page_tells() -> None:
    text = '[1,5,"user:u","session","org_a","put_team","team","t","wëb","done","{\\"a\\":[1,2]}","r","::1"]'
    assert hash_of(GENESIS, ENTRY) == sha256(bytes(32) + text.encode()).digest()


def test_every_field_counts() -> None:
    seen = {hash_of(GENESIS, ENTRY), hash_of(b"\x01" * 32, ENTRY)}
    for name in Entry.__struct_fields__:
        value = getattr(ENTRY, name)
        other = value + 1 if isinstance(value, int) else f"{value}."
        seen.add(hash_of(GENESIS, msgspec.structs.replace(ENTRY, **{name: other})))
    assert len(seen) == 2 + len(Entry.__struct_fields__)
