"""An organization written as rows: what the gateway finds is what the stores would have written."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path

from bench.seeding import Size, seed
from waypost.core.keytext import digest, looks_valid
from waypost.core.objects import TYPES
from waypost.policy.checks import check, check_key
from waypost.policy.directory import Directory
from waypost.stores.sql.keys import KeyRows
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.opening import open_database

SIZE = Size(keys=9, teams=4, budgets=16, organizations=2)


def test_everything_is_there_and_the_rules_of_each_key_hold(tmp_path: Path) -> None:
    texts = seed(tmp_path, SIZE)
    assert len(texts) == 9
    assert all(map(looks_valid, texts))
    database = open_database(tmp_path, {})
    assert database is not None
    with closing(database):
        keys, (changes, version) = KeyRows(database).list(), ObjectRows(database, lambda: 0.0).changed(0)
    assert {key.digest for key in keys} == {digest(text.encode()) for text in texts}
    assert Counter(change.kind for change in changes) == {
        "organization": 2, "project": 2, "team": 4, "limit": 6, "budget": 16,
    }  # fmt: skip
    assert version == len(changes) == changes[-1].object.revision
    assert all(isinstance(change.object, TYPES[change.kind]) for change in changes)
    for change in changes:
        check(change.object)
    directory = Directory()
    directory.apply(changes, version)
    for key in keys:
        check_key(key)
        rules = directory.standing(key).rules
        own = sum(bound.scope == "key" for bound in rules.bounds)
        assert {bound.scope: len(bound.budgets) for bound in rules.bounds} == {
            "organization": 2, "project": 1, "team": 1, **({"key": 1} if own else {}),
        }  # fmt: skip
        assert len(rules.paces) == 3
    assert sum(any(b.scope == "key" for b in directory.standing(key).rules.bounds) for key in keys) == 6


def test_few_keys_of_many_are_told(tmp_path: Path) -> None:
    assert len(seed(tmp_path, Size(keys=1_100))) == 512
