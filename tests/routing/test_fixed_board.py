from __future__ import annotations

import pytest

from transcript import provider, target
from waypost.errors import Unavailable
from waypost.routing.fixed_board import FixedBoard

A, B = target(provider("a")), target(provider("b", key_name="two"))


@pytest.mark.parametrize("name", ["b", "b/m1", "b#two/m1"])
def test_a_target_is_down_by_its_provider_its_name_or_its_label(name: str) -> None:
    board = FixedBoard(down=[name])
    assert (board.of(A).ejected_until(5.0), board.of(B).ejected_until(5.0) > 1e9) == (0.0, True)
    assert (board.try_enter(A, 5.0, 1), board.try_enter(B, 5.0, 1)) == (True, False)
    assert (board.of(A).health(5.0), board.of(B).health(5.0)) == (1.0, 0.0)


def test_a_parked_one_is_not_down() -> None:
    board = FixedBoard(parked=["a"])
    assert board.of(A).parked_until(5.0) > 1e9
    assert board.of(A).ejected_until(5.0) == 0.0
    assert not board.try_enter(A, 5.0, 1)


def test_attempts_change_nothing() -> None:
    board = FixedBoard()
    before = board.of(A)
    board.failed(A, 1.0, 1, Unavailable("down"), [])
    board.succeeded(A, 1.0, 1, [], None, 0.1, 0.2)
    board.leave(A, 1.0, 1)
    after = board.of(A)
    assert after is before
    assert (
        after.ejected_until(2.0),
        after.failing(2.0, 60.0),
        after.measured("first_token", 50, 9, 2.0),
    ) == (
        0.0,
        (0, 0),
        None,
    )
    assert board.may_retry(A, 1.0)
    assert (after.headroom(1.0, 1), after.busy(1.0), after.probing(1.0)) == (1.0, False, False)
