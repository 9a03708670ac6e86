from __future__ import annotations

from waypost.errors import ConfigInvalid, StoreUnavailable


def test_every_problem_of_a_configuration_is_carried() -> None:
    assert ConfigInvalid("x", ["a", "b"]).problems == ("a", "b")


def test_what_the_operator_mends_may_be_asked_again() -> None:
    assert (StoreUnavailable("x").status, StoreUnavailable("x").repeatable) == (503, True)
