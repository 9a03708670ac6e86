from __future__ import annotations

from transcript import provider, target
from waypost.config.targets import Target
from waypost.errors import Unavailable, UpstreamError
from waypost.routing.board import Headers
from waypost.routing.fixed_board import FixedBoard, FixedStanding
from waypost.routing.rehearsed import RehearsedBoard

BROKEN, WHOLE = target(provider("broken")), target(provider("whole"))


class Counting(FixedBoard):
    """Writes down whom it was told of."""

    def __init__(self, down: tuple[str, ...] = ()) -> None:
        super().__init__(down)
        self.told: list[tuple[str, str]] = []

    def try_enter(self, target: Target, now: float, tokens: int) -> bool:
        self.told.append(("enter", target.name))
        return super().try_enter(target, now, tokens)

    def leave(self, target: Target, now: float, tokens: int, began: float | None = None) -> None:
        self.told.append(("leave", target.name))

    def failed(
        self,
        target: Target,
        now: float,
        tokens: int,
        error: UpstreamError,
        headers: Headers,
        began: float | None = None,
    ) -> None:
        self.told.append(("failed", target.name))

    def succeeded(self, target: Target, *rest: object) -> None:
        self.told.append(("succeeded", target.name))

    def may_retry(self, target: Target, now: float) -> bool:
        self.told.append(("retry", target.name))
        return True


def test_what_is_broken_is_told_to_the_rehearsals_own_board_alone() -> None:
    real, own = Counting(), Counting()
    board = RehearsedBoard(real, own, lambda each: each is BROKEN)
    for each in (BROKEN, WHOLE):
        board.try_enter(each, 1.0, 1)
        board.failed(each, 1.0, 1, Unavailable("down"), [])
        board.succeeded(each, 1.0, 1, [], None, None, 1.0)
        board.leave(each, 1.0, 1)
        board.may_retry(each, 1.0)
    assert {name for _, name in real.told} == {"whole/m1"}
    assert {name for _, name in own.told} == {"broken/m1"}
    assert [what for what, _ in own.told] == [what for what, _ in real.told]
    assert len(own.told) == 5


def test_a_breaker_that_the_rehearsal_opened_holds_for_the_rehearsal() -> None:
    real, own = FixedBoard(), FixedBoard(down=["broken"])
    board = RehearsedBoard(real, own, lambda each: each is BROKEN)
    assert board.of(BROKEN).ejected_until(1.0) > 1e9
    assert board.of(BROKEN).health(1.0) == 0.0
    assert not board.try_enter(BROKEN, 1.0, 1)
    assert real.of(BROKEN).ejected_until(1.0) == 0.0
    assert board.of(WHOLE).ejected_until(1.0) == 0.0


def test_a_real_outage_counts_as_well_and_what_was_measured_is_real() -> None:
    class Measured(FixedStanding):
        def measured(self, *_: object) -> float | None:
            return 0.25

        def failing(self, *_: object) -> tuple[int, int]:
            return (4, 1)

    class Known(FixedBoard):
        def of(self, target: Target) -> FixedStanding:
            standing = Measured(parked=True)
            standing.in_flight = 3
            return standing

    board = RehearsedBoard(Known(), FixedBoard(), lambda _: True)
    standing = board.of(BROKEN)
    assert standing.parked_until(1.0) > 1e9
    assert standing.measured("first_token", 50, 10, 1.0) == 0.25
    assert (standing.failing(1.0, 60.0), standing.in_flight) == ((4, 1), 3)
    assert (standing.busy(1.0), standing.probing(1.0), standing.headroom(1.0, 1)) == (False, False, 1.0)
