from __future__ import annotations

import pytest

from waypost.dialects.dialect import Dialect
from waypost.dialects.registry import DIALECTS
from waypost.dialects.shown import shown_status
from waypost.errors import Overcrowded, Unavailable


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_an_overload_is_529_to_clients_that_know_it(dialect: Dialect) -> None:
    known = dialect.name.startswith("anthropic")
    assert shown_status(Overcrowded("x"), dialect) == (529 if known else 503)
    assert shown_status(Unavailable("x"), dialect) == 502
