from __future__ import annotations

import pytest

from waypost.admin.fields import check_name, dollars, email, in_words_of_the_api, is_name, nano
from waypost.errors import InvalidRequest, InvalidValue


def test_names() -> None:
    assert check_name("a.b_c-1") == "a.b_c-1"
    for text in ("", "A", "_a", "a/b", "a\n", "a" * 64):
        assert not is_name(text)
        with pytest.raises(InvalidValue):
            check_name(text)


def test_money_is_exact() -> None:
    assert nano("0.000000001", "limit") == 1
    assert dollars(nano("12.50", "limit")) == "12.5"
    with pytest.raises(InvalidValue):
        nano("x", "limit")


def test_addresses_are_in_lower_case() -> None:
    assert email("Ann@Example.com") == "ann@example.com"
    for text in ("ann", "a@b c", "a@b\n", "@b"):
        with pytest.raises(InvalidValue):
            email(text)


def test_what_is_stored_is_called_as_bodies_call_it() -> None:
    error = InvalidRequest("limit_nusd is an amount above 0.", param="limit_nusd")
    assert in_words_of_the_api(error) == ("limit is an amount above 0.", "limit")
    assert in_words_of_the_api(InvalidRequest("No.", param="per")) == ("No.", "per")
    assert in_words_of_the_api(InvalidRequest("No.")) == ("No.", None)
