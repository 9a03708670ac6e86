from __future__ import annotations

import itertools

import msgspec
import pytest

from waypost.core.key import Key, KeyChanges
from waypost.core.people import Member, Organization, User
from waypost.errors import Conflict, NotFound
from waypost.stores.sql.engine import Database
from waypost.stores.sql.key_store import KeyStore
from waypost.stores.sql.keys import KeyRows
from waypost.stores.sql.objects import ObjectRows

WANTED = Key(
    "", "app", b"", "", 10.0, organization_id="org_a", user_id="user_a", rpm=5, made_by="user:user_a"
)


@pytest.fixture
def keys(database: Database) -> KeyStore:
    objects = ObjectRows(database, lambda: 1.0)
    for each in (
        Organization("org_a", "acme"),
        User("user_a", "ann@acme.example"),
        Member("mem_a", "org_a", "user_a"),
    ):
        objects.put(each)
    numbers = itertools.count()
    return KeyStore(KeyRows(database), lambda n: bytes((next(numbers) * 37) % 248 for _ in range(n)))


def test_a_key_is_made_changed_rotated_and_revoked(keys: KeyStore) -> None:
    issued, key = keys.create(WANTED, 1)
    asked = msgspec.structs.replace(
        WANTED, key_id=key.key_id, digest=issued.digest, hint=issued.hint, revision=1
    )
    assert key == asked
    with pytest.raises(Conflict):
        keys.create(WANTED, 1)
    changed = keys.change(key.key_id, KeyChanges(rpm=9), 1)
    assert (changed.rpm, changed.revision) == (9, 2)
    with pytest.raises(Conflict) as refused:
        keys.change(key.key_id, KeyChanges(rpm=10), 1)
    assert refused.value.param == "revision"
    again, rotated = keys.rotate(key.key_id, 20.0, 60.0)
    assert (rotated.digest, rotated.revision) == (again.digest, 3)
    assert keys.revoke(key.key_id, 30.0).revoked_at == 30.0
    assert keys.get(key.key_id) == keys.revoke(key.key_id, 40.0)


def test_keys_that_are_not_there(keys: KeyStore) -> None:
    assert keys.get("nobody") is None
    with pytest.raises(NotFound):
        keys.change("nobody", KeyChanges(rpm=5))


def test_pages_of_an_organization_or_a_person(keys: KeyStore) -> None:
    first = keys.create(WANTED)[1]
    second = keys.create(msgspec.structs.replace(WANTED, user_id=None, created_at=11.0))[1]
    assert keys.page("org_a", None, "", 5) == [second, first]
    assert keys.page("org_a", None, second.key_id, 5) == [first]
    assert keys.page(None, "user_a", "", 5) == [first]
    assert keys.page("default", "user_a", "", 5) == []
