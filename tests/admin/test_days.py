from __future__ import annotations

from datetime import date
from typing import Any, cast

import pytest

from waypost.admin.ask import Ask
from waypost.admin.days import day, span_us
from waypost.errors import InvalidRequest, InvalidValue


class Asked:
    def __init__(self, **query: str) -> None:
        self.query = {name.strip("_"): value for name, value in query.items()}


def asked(**query: str) -> Ask:
    return cast(Any, Asked(**query))  # type: ignore[no-any-return]


def test_a_day() -> None:
    assert day(asked(from_="2027-01-31"), "from") == date(2027, 1, 31)
    assert day(asked(), "from") is None


@pytest.mark.parametrize(
    "text", ["", "2027-1-31", "2027-02-30", "20270131", "２０２７-01-31", "2027-01-31T00:00"]
)
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        day(asked(to=text), "to")
    assert caught.value.param == "to"


def test_a_span() -> None:
    assert span_us(asked(from_="1970-01-02", to="1970-01-03")) == (86_400_000_000, 172_800_000_000)
    assert span_us(asked()) == (None, None)
    with pytest.raises(InvalidValue):
        span_us(asked(from_="1970-01-03", to="1970-01-02"))
