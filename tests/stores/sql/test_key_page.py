from __future__ import annotations

import itertools

import pytest

from waypost.core.people import Organization, Team
from waypost.stores.sql.engine import Database
from waypost.stores.sql.key_page import KeyFilter
from waypost.stores.sql.keys import KeyRows, NewKey
from waypost.stores.sql.objects import ObjectRows


@pytest.fixture
def rows(database: Database) -> KeyRows:
    objects = ObjectRows(database, lambda: 1.0)
    for each in (Organization("org_a", "acme"), Team("team_a", "org_a", "web")):
        objects.put(each)
    made, numbers = KeyRows(database), itertools.count()

    def randomness(n: int) -> bytes:
        return bytes((next(numbers) * 37) % 248 for _ in range(n))

    for number in range(6):
        home = {"organization_id": "org_a", "team_id": "team_a" if number % 2 else None} if number < 4 else {}
        _, key = made.create(NewKey(f"k{number}", **home), 10.0 + number // 2, randomness)  # type: ignore[arg-type]
        if number == 0:
            made.rotate(key.key_id, 50.0, randomness, overlap_s=5)
        if number == 1:
            made.revoke(key.key_id, 50.0)
    return made


def names(rows: KeyRows, wanted: KeyFilter, after: str = "", limit: int = 10) -> set[str]:
    return {key.name for key in rows.page(wanted, after, limit)}


def test_pages_follow_each_other_newest_first(rows: KeyRows) -> None:
    seen, after = [], ""
    while page := rows.page(KeyFilter(), after, 2):
        seen += page
        after = page[-1].key_id
    assert [key.created_at for key in seen] == [12.0, 12.0, 11.0, 11.0, 10.0, 10.0]
    assert {key.name for key in seen} == {"k0", "k1", "k2", "k3", "k4", "k5"}
    assert rows.page(KeyFilter(), "nobody", 5) == []


def test_a_rotated_key_is_one_key(rows: KeyRows) -> None:
    assert len(rows.page(KeyFilter(organization_id="org_a"), "", 4)) == 4


def test_pages_of_those_who_have_keys(rows: KeyRows) -> None:
    assert names(rows, KeyFilter(organization_id="org_a")) == {"k0", "k1", "k2", "k3"}
    assert names(rows, KeyFilter(organization_id="default")) == {"k4", "k5"}
    assert names(rows, KeyFilter(team_id="team_a")) == {"k1", "k3"}
    assert names(rows, KeyFilter(team_id="team_a", revoked=False)) == {"k3"}
    assert names(rows, KeyFilter(revoked=True)) == {"k1"}
    assert names(rows, KeyFilter(user_id="user_a")) == set()
