from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest

from transcript import FakeClock, FakeKeys
from waypost.core.key import Key
from waypost.core.objects import Change
from waypost.core.people import DEFAULT, Organization
from waypost.errors import Forbidden, Unauthenticated
from waypost.policy.authenticate import Authenticate
from waypost.policy.directory import Directory

KEY = Key(key_id="k1", name="app", digest=sha256(b"secret").digest(), hint="", created_at=0)


def authenticate(**changes: object) -> tuple[Authenticate, FakeClock]:
    clock = FakeClock()
    return Authenticate(FakeKeys([msgspec.structs.replace(KEY, **changes)]), clock, Directory()), clock


async def test_a_key_is_found_and_then_known() -> None:
    policy, _ = authenticate()
    assert policy.known(b"secret") is None
    assert (await policy.lookup(b"secret")).key_id == "k1"
    found = policy.known(b"secret")
    assert found is not None
    assert found.key_id == "k1"


async def test_expiry_takes_effect_at_its_second_on_a_known_key() -> None:
    policy, clock = authenticate(expires_at=1_790_000_000.0 + 1010.0)
    await policy.lookup(b"secret")
    clock.advance(10)
    with pytest.raises(Unauthenticated, match="expired"):
        policy.known(b"secret")


async def test_a_revoked_key_is_told_so() -> None:
    policy, _ = authenticate(revoked_at=1.0)
    with pytest.raises(Unauthenticated, match="revoked"):
        await policy.lookup(b"secret")


@pytest.mark.parametrize("presented", [None, b"", b"other"])
async def test_no_key_and_unknown_keys_are_refused_without_echo(presented: bytes | None) -> None:
    policy, _ = authenticate()
    with pytest.raises(Unauthenticated) as refused:
        await policy.lookup(presented)
    assert "other" not in refused.value.message


async def test_what_is_remembered_is_not_checked() -> None:
    policy, clock = authenticate(expires_at=1_790_000_000.0 + 1010.0)
    assert policy.remembered(b"secret") is None
    await policy.lookup(b"secret")
    clock.advance(100)
    found = policy.remembered(b"secret")
    assert found is not None
    assert found.key_id == "k1"


async def test_a_key_whose_owner_may_nothing_is_no_unknown_key() -> None:
    keys, clock, directory = FakeKeys([KEY]), FakeClock(), Directory()
    auth = Authenticate(keys, clock, directory)
    assert (await auth.key_of(b"secret")) is KEY
    directory.apply([Change("organization", Organization(DEFAULT, "default", suspended=True))], 1)
    with pytest.raises(Forbidden, match="suspended"):
        await auth.key_of(b"secret")
    with pytest.raises(Forbidden):
        auth.check(KEY)
