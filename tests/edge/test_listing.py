from __future__ import annotations

import pytest

from waypost.edge.listing import pick
from waypost.errors import ModelNotFound


def test_a_row_as_it_stands_in_the_list_whoever_it_is_for() -> None:
    assert pick(b'{"data":[{"id":"a"},{"id":"b","x":1}]}', "b") == b'{"id":"b","x":1}'
    assert pick(b'{"models":[{"id":"a","name":"models/a"}]}', "a") == b'{"id":"a","name":"models/a"}'


def test_a_model_that_is_not_in_it() -> None:
    with pytest.raises(ModelNotFound, match="'c'"):
        pick(b'{"data":[{"id":"a"}]}', "c")
