from __future__ import annotations

from typing import get_args

from waypost.core.objects import KIND_OF, PREFIXES, TYPES, Kind, Object, home_of
from waypost.core.people import Organization, Team, User


def test_every_kind_has_a_type_and_a_prefix() -> None:
    kinds = set(get_args(Kind))
    assert set(TYPES) == set(PREFIXES) == kinds
    assert set(TYPES.values()) == set(get_args(Object))
    assert len(set(PREFIXES.values())) == len(kinds)
    assert all(KIND_OF[found] == kind for kind, found in TYPES.items())


def test_what_every_object_has() -> None:
    for found in TYPES.values():
        fields = {"id", "name", "created_at", "revision"}
        assert fields <= set(found.__struct_fields__)
        assert ("organization_id" in found.__struct_fields__) == (found not in (Organization, User))


def test_where_it_belongs() -> None:
    assert home_of(Organization("o", "o")) == home_of(User("u", "u@example.org")) == ""
    assert home_of(Team("t", "o", "t")) == "o"
