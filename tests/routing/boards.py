"""A board, conditions and views for tests of planning: everything is what it was set to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import msgspec

from transcript import provider, target
from waypost.config.nodes import NO_PREFERENCES, Facets, Node, Preferences, targets_of
from waypost.config.snapshot import Route
from waypost.config.targets import Target
from waypost.core.asked import Asked
from waypost.core.decision import Reason
from waypost.core.key import Key
from waypost.core.price import UnitRates
from waypost.core.usage import Units, Usage
from waypost.dialects.lane import Lane, Lanes
from waypost.dialects.registry import DIALECTS
from waypost.errors import UpstreamError
from waypost.routing.board import Headers, Kind
from waypost.routing.view import Lookup, View

KEY = Key(key_id="k1", name="app", digest=b"\0" * 32, hint="sk-wp-…", created_at=0.0)
ASKED = Asked(model="r", stream=False, fields={}, input_estimate=1000)
AT = 1_790_000_000.0
NOW = 1000.0

_LANE = Lanes(DIALECTS).find(DIALECTS["openai_chat"], ("openai_chat",))
assert _LANE is not None
LANE: Lane = _LANE


@dataclass
class FixedStanding:
    """A target's standing, as a test wants it."""

    in_flight: int = 0
    parked: float = 0.0
    ejected: float = 0.0
    is_busy: bool = False
    left: float = 1.0
    well: float = 1.0
    requests: int = 0
    failures: int = 0
    measures: Mapping[tuple[str, int], float] = field(default_factory=dict)
    """By kind and percentile."""
    half_open: bool = False

    def ready(self, now: float, tokens: int, crowded: bool) -> bool:
        return max(self.parked, self.ejected) <= now and not (crowded and self.is_busy) and self.left > 0.0

    def parked_until(self, now: float) -> float:
        return self.parked if self.parked > now else 0.0

    def ejected_until(self, now: float) -> float:
        return self.ejected if self.ejected > now else 0.0

    def probing(self, now: float) -> bool:
        return self.half_open

    def busy(self, now: float) -> bool:
        return self.is_busy

    def headroom(self, now: float, tokens: int) -> float:
        return self.left

    def measured(self, kind: Kind, percentile: int, input_tokens: int, now: float) -> float | None:
        return self.measures.get((kind, percentile))

    def failing(self, now: float, window_s: float) -> tuple[int, int]:
        return self.requests, self.failures

    def health(self, now: float) -> float:
        return self.well


class FixedBoard:
    """Standings by target, healthy unless set; counts how often `failing` could have been read."""

    def __init__(self, standings: Mapping[str, FixedStanding] | None = None) -> None:
        self.by_name = dict(standings or {})
        """By provider's name."""
        self._standings: dict[int, FixedStanding] = {}

    def of(self, target: Target) -> FixedStanding:
        found = self._standings.get(id(target))
        if found is None:
            found = self.by_name.get(target.provider.name) or FixedStanding()
            self._standings[id(target)] = found
        return found

    def of_all(self, targets: tuple[Target, ...]) -> list[FixedStanding]:
        return [self.of(target) for target in targets]

    def crowded(self) -> bool:
        return any(standing.is_busy for standing in self._standings.values())

    def try_enter(self, target: Target, now: float, tokens: int) -> bool:
        raise AssertionError("planning enters nothing")

    def leave(self, target: Target, now: float, tokens: int) -> None:
        raise AssertionError("planning leaves nothing")

    def succeeded(
        self,
        target: Target,
        now: float,
        tokens: int,
        headers: Headers,
        usage: Usage | None,
        first_token_s: float | None,
        total_s: float,
    ) -> None:
        raise AssertionError("planning changes nothing")

    def failed(self, target: Target, now: float, tokens: int, error: UpstreamError, headers: Headers) -> None:
        raise AssertionError("planning changes nothing")

    def may_retry(self, target: Target, now: float) -> bool:
        raise AssertionError("planning retries nothing")


class Holds:
    """A condition that holds when a facet is as it says."""

    def __init__(self, name: str, value: object) -> None:
        self.name, self.value = name, value

    @property
    def text(self) -> str:
        return f"{self.name} == {self.value!r}"

    def holds(self, facets: Facets) -> bool:
        try:
            return facets[self.name] == self.value
        except KeyError:
            return False


class PerToken:
    """A tariff of so many nano-dollars per input token, ten times as much per output token."""

    version = "per-token-1"
    flat = None

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.asked = 0

    def cost(self, usage: Usage, at: float, tier: str | None = None) -> int:
        self.asked += 1
        rate = self.rate * (3 if tier == "priority" else 1)
        return rate * (usage.input + 10 * usage.output + 5 * usage.audio_input)

    def ceiling(
        self,
        input_tokens: int,
        output_tokens: int,
        at: float,
        tier: str | None = None,
        units: Units | None = None,
    ) -> int:
        return self.rate * (input_tokens + 10 * output_tokens)

    def unit_rates(self, at: float) -> UnitRates | None:
        return None


def named(name: str, **changes: object) -> Target:
    """A target whose provider has this name; changes to the provider as `provider_region=…`."""
    about = {key.removeprefix("provider_"): value for key, value in changes.items() if key[:9] == "provider_"}
    rest = {key: value for key, value in changes.items() if key[:9] != "provider_"}
    return target(provider(name, **about), **rest)


def some(names: str, **changes: object) -> list[Target]:
    """A target for each letter."""
    return [named(name, **changes) for name in names]


def route_of(node: Node) -> Route:
    return Route("r", targets_of(node), node=node)


def all_can(target: Target) -> Lane | Reason:
    return LANE


def view(
    *,
    facets: Mapping[str, object] | None = None,
    serve: Callable[[Target], Lane | Reason] = all_can,
    preferences: Preferences = NO_PREFERENCES,
    features: Sequence[str] = (),
    now: float = NOW,
    **asked: object,
) -> View:
    changed = cast("Asked", msgspec.structs.replace(ASKED, **asked)) if asked else ASKED
    return View(
        asked=changed,
        key=KEY,
        at=AT,
        now=now,
        lanes=lambda targets: [serve(target) for target in targets],
        facets=Lookup(facets or {}),
        preferences=preferences,
        features=frozenset(features),
        reserve_output=100,
    )
