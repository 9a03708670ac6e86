from __future__ import annotations

import os

import msgspec
import pytest
from sqlalchemy import select

from waypost.core.credentials import Credential
from waypost.core.people import Member, Organization, Team, User
from waypost.errors import Conflict, InvalidRequest
from waypost.policy.credentials import PURPOSE, secret_of
from waypost.stores.sealing import Seals
from waypost.stores.sql.credentials import reseal_credentials
from waypost.stores.sql.engine import Database
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.tables import OBJECTS

OLD, NEW = b"o" * 32, b"n" * 32
SECRET = "sk-of-the-store-0123456789"


def credential(number: int = 1, root: bytes = OLD, **more: object) -> Credential:
    made = Credential(
        f"cred_{number}", "org_a", f"main{number}", "openai", "https://o.example", owner_id="org_a"
    )
    sealed = Seals([root], os.urandom).seal(PURPOSE, made.row, SECRET.encode())
    return msgspec.structs.replace(made, **{"sealed": sealed, **more})


@pytest.fixture
def objects(database: Database) -> ObjectRows:
    rows = ObjectRows(database, lambda: 1000.0)
    for each in (
        Organization("org_a", "acme"),
        Organization("org_b", "other"),
        Team("team_a", "org_a", "web"),
        Team("team_b", "org_b", "web"),
        User("user_1", "ann@example.com"),
        Member("mem_1", "org_a", "user_1", "admin"),
    ):
        rows.put(each)
    return rows


def test_one_is_kept_and_sealed(objects: ObjectRows, database: Database) -> None:
    put = objects.put(credential())
    assert objects.named("credential", "org_a", "main1") == put
    with database.read() as connection:
        records = [bytes(each) for each in connection.scalars(select(OBJECTS.c.record))]
    assert not any(SECRET.encode() in record for record in records)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"sealed": b""}, "secret"),
        ({"name": "Not A Slug"}, "name"),
        ({"provider": ""}, "provider"),
        ({"origin": ""}, "origin"),
        ({"owner_id": "org_b"}, "owner_id"),
        ({"weight": -1}, "weight"),
        ({"use": "always"}, "use"),
        ({"owner": "nobody"}, "owner"),
        ({"expires_at": float("nan")}, "expires_at"),
    ],
)
def test_values_that_make_no_sense(objects: ObjectRows, changes: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        objects.put(credential(**changes))
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("owner", "owner_id"), [("team", "team_b"), ("team", "team_x"), ("user", "user_2"), ("user", "user_x")]
)
def test_owners_are_of_the_organization(objects: ObjectRows, owner: str, owner_id: str) -> None:
    objects.put(User("user_2", "ben@example.com"))
    with pytest.raises(Conflict) as refused:
        objects.put(credential(owner=owner, owner_id=owner_id))
    assert refused.value.param == "owner_id"


def test_what_is_deleted_is_not_even_kept_sealed(objects: ObjectRows, database: Database) -> None:
    made = credential()
    objects.put(made)
    assert objects.delete("credential", made.id)
    with database.read() as connection:
        records = [bytes(each) for each in connection.scalars(select(OBJECTS.c.record))]
    assert not any(made.sealed in record for record in records)
    (change,) = (each for each in objects.changed(0)[0] if each.kind == "credential")
    assert change.deleted


def test_a_team_with_one_stays_and_a_member_takes_theirs_along(objects: ObjectRows) -> None:
    objects.put(credential(1, owner="team", owner_id="team_a"))
    objects.put(credential(2, owner="user", owner_id="user_1"))
    objects.put(credential(3))
    with pytest.raises(Conflict, match="the credential 'main1'"):
        objects.delete("team", "team_a")
    with pytest.raises(Conflict, match="the credential 'main1'"):
        objects.delete("organization", "org_a")
    before = objects.version()
    assert objects.delete("member", "mem_1")
    gone = {change.object.id for change in objects.changed(before)[0]}
    assert gone == {"mem_1", "cred_2"}
    assert objects.get("credential", "cred_2") is None
    assert objects.get("credential", "cred_3") is not None


def test_all_are_sealed_anew(objects: ObjectRows) -> None:
    for number in range(1, 6):
        objects.put(credential(number, NEW if number == 2 else OLD))
    both = Seals([NEW, OLD], os.urandom)
    assert reseal_credentials(objects, both) == (4, ())
    assert reseal_credentials(objects, both) == (0, ())
    newest = Seals([NEW], os.urandom)
    for number in range(1, 6):
        found = objects.get("credential", f"cred_{number}")
        assert isinstance(found, Credential)
        assert secret_of(newest, found) == SECRET


def test_one_whose_root_key_is_gone_is_told_of_and_keeps_nobody_up(objects: ObjectRows) -> None:
    objects.put(credential(1, b"g" * 32))
    objects.put(credential(2, OLD))
    assert reseal_credentials(objects, Seals([NEW, OLD], os.urandom)) == (1, ("cred_1",))


def test_one_that_is_changed_meanwhile_keeps_the_change(objects: ObjectRows) -> None:
    objects.put(credential(1))

    class Racing(ObjectRows):
        def put(self, found, *, revision=None):  # type: ignore[no-untyped-def]
            super().put(msgspec.structs.replace(self.get("credential", found.id), weight=7))
            return super().put(found, revision=revision)

    racing = Racing(objects._database, lambda: 1000.0)
    assert reseal_credentials(racing, Seals([NEW, OLD], os.urandom)) == (0, ("cred_1",))
    found = objects.get("credential", "cred_1")
    assert isinstance(found, Credential)
    assert found.weight == 7
