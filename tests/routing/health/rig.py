"""A board with a clock that stands still, and targets for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from waypost.config.targets import Credential, Provider, Target
from waypost.config.tuning import BreakerTuning, Resilience
from waypost.core.origin import Origin
from waypost.core.usage import Usage
from waypost.errors import UpstreamError
from waypost.providers.rows.shapes import OPENAI_RATES
from waypost.providers.spec import RateHeaders
from waypost.routing.health.board import HealthBoard

#: Sat, 21 Nov 2026 10:00:00 GMT, when the monotonic clock shows 0.
WALL = 1_795_255_200.0
STEADY = Resilience(breaker=BreakerTuning(jitter=0.0))
"""The defaults, without jitter."""


def provider(
    name: str = "p", key: str = "", rates: RateHeaders = OPENAI_RATES, secret: bytes = b"k", host: str = "a"
) -> Provider:
    return Provider(
        name=name,
        dialects=("openai_chat",),
        origin=Origin("https", host, 443),
        path="/v1",
        credential=Credential(secret),
        rates=rates,
        key_name=key,
    )


def target(name: str = "p", model: str = "m", key: str = "", rates: RateHeaders = OPENAI_RATES) -> Target:
    return Target(provider=provider(name, key, rates), model=model)


class Rig:
    """Attempts at targets, at a time that only tests move."""

    def __init__(
        self,
        tuning: Resilience = STEADY,
        random: Callable[[], float] = lambda: 0.5,
        most: int = 10_000,
        board: HealthBoard | None = None,
    ) -> None:
        self.now = 100.0
        self.tuning = tuning
        self.board = board or HealthBoard(lambda: self.tuning, random, lambda: WALL + self.now, most=most)
        self.sent = 0

    def enter(self, at: Target, tokens: int = 100) -> bool:
        entered = self.board.try_enter(at, self.now, tokens)
        self.sent += entered
        return entered

    def ok(
        self,
        at: Target,
        *,
        headers: Sequence[tuple[bytes, bytes]] = (),
        usage: Usage | None = None,
        first_token_s: float | None = None,
        total_s: float = 0.0,
    ) -> None:
        self.board.succeeded(at, self.now, 100, headers, usage, first_token_s, total_s)

    def fail(
        self,
        at: Target,
        error: UpstreamError,
        *,
        headers: Sequence[tuple[bytes, bytes]] = (),
        began: float | None = None,
    ) -> None:
        self.board.failed(at, self.now, 100, error, headers, began)

    def attempt(self, at: Target, error: UpstreamError | None = None) -> bool:
        """One whole attempt that takes no time. False: it may not be made."""
        if not self.enter(at):
            return False
        if error is None:
            self.ok(at)
        else:
            self.fail(at, error)
        return True
