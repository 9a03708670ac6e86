from __future__ import annotations

import pytest

from waypost.routing.view import Lookup


def test_facets_from_a_table_are_those_of_the_table() -> None:
    facets = Lookup({"user": "ann"})
    assert facets["user"] == "ann"
    with pytest.raises(KeyError):
        facets["session"]
