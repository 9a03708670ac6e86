"""The board of health: every target's standing, kept in memory by the outcomes of attempts.

It owns all state of its package. No I/O: times are handed in, randomness and the wall clock are injected. Each call
costs a few microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from waypost.config.targets import Provider, Target
from waypost.config.tuning import Resilience
from waypost.core.usage import Usage
from waypost.errors import UpstreamError
from waypost.routing.board import Headers
from waypost.routing.health.breaker import Event, Random
from waypost.routing.health.changes import Change, ChangeKind, Outbox
from waypost.routing.health.effects import Park, effect_of
from waypost.routing.health.parking import CREDENTIAL_MOST_S
from waypost.routing.health.place import Busy, Place
from waypost.routing.health.registry import TARGETS_MOST, Registry
from waypost.routing.health.windows import size_of

_TIDY_EVERY_S: Final = 600.0
_TOUCH_EVERY_S: Final = 60.0
_TOGETHER_MOST: Final = 1024
#: The speed of a shorter answer says little.
_LEAST_OUTPUT: Final = 10


def never_busy(target: Target, in_flight: int, now: float) -> bool:
    """No target has a limit of its own."""
    del target, in_flight, now
    return False


def _perhaps() -> bool:
    """Some target may be busy."""
    return True


def _nobody() -> None:
    """There are no other nodes."""


class HealthBoard:
    """A `Board`.

    `tuning` is asked anew each time it matters, so that a new configuration takes effect. `wall`: Unix seconds.
    """

    def __init__(
        self,
        tuning: Callable[[], Resilience],
        random: Random,
        wall: Callable[[], float],
        busy: Busy = never_busy,
        most: int = TARGETS_MOST,
        crowded: Callable[[], bool] = _perhaps,
    ) -> None:
        self._tuning = tuning
        self._random = random
        self.crowded = crowded
        """See `Board`."""
        self._wall = wall
        self._registry = Registry(tuning, busy, most)
        self._places = self._registry.places
        self._outbox = Outbox(most)
        self._together: dict[int, tuple[tuple[Target, ...], int, list[Place]]] = {}
        """And how many places had been forgotten then."""
        self._tidy_at = 0.0
        self.on_change: Callable[[], None] = _nobody
        """Called when `export_changes` has something. It must not wait."""
        self.ejections: dict[str, int] = {}
        """How often a breaker opened, by provider."""
        self.parked: dict[tuple[str, Park], int] = {}
        """How often something was parked, by provider and reason."""

    # --- the contract ---------------------------------------------------------------------------------------------

    def of(self, target: Target) -> Place:
        """See `Board`."""
        provider = target.provider
        place = self._places.get((provider.name, provider.key_name, target.model))
        return place if place is not None else self._registry.add(target)

    def of_all(self, targets: tuple[Target, ...]) -> list[Place]:
        """See `Board`. Those of several are kept by the tuple's identity until places are forgotten."""
        if len(targets) == 1:
            return [self.of(targets[0])]
        registry, kept = self._registry, self._together.get(id(targets))
        if kept is not None and kept[1] == registry.forgotten:
            return kept[2]
        places = [self.of(target) for target in targets]
        if len(self._together) >= _TOGETHER_MOST:
            self._together.clear()
        self._together[id(targets)] = (targets, registry.forgotten, places)
        return places

    def try_enter(self, target: Target, now: float, tokens: int) -> bool:
        """See `Board`."""
        place = self.of(target)
        breaker = place.breaker
        if breaker.state != "closed" or place.parking.held or place.credential.held:
            if not place.admits(now):
                return False
            self._probe(place, now)
        self._enter(place, target, now, tokens)
        return True

    def force_probe(self, target: Target, now: float, tokens: int) -> bool:
        """`try_enter` for the target that failed least recently, when all targets of a route are ejected: it does not
        wait for the end of the ejection. False when its credential is parked, when another probe is under way, or
        when it failed just now (in the last tenth of the first ejection's length)."""
        place = self.of(target)
        if not (place.credential.admits(now) and place.parking.admits(now)):
            return False
        if not place.breaker.may_force(now, self._tuning().breaker):
            return False
        self._probe(place, now)
        self._enter(place, target, now, tokens)
        return True

    def leave(self, target: Target, now: float, tokens: int, began: float | None = None) -> None:
        """See `Board`. `began`: the `now` of its `try_enter`."""
        place = self.of(target)
        self._left(place, tokens)
        self._release(place, "nothing", now, began)

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
        """See `Board`. `total_s` is counted from the `now` of its `try_enter`. With `headers` empty, what `told` took
        before stays."""
        place = self.of(target)
        self._left(place, tokens)
        began = now - total_s
        breaker = place.breaker
        was = breaker.state
        if was == "closed" and not breaker.failures:
            breaker.requests.add(now)  # as `tell` would, in one step: it is so for nearly every request
        else:
            breaker.tell("success", now, began, self._tuning().breaker, self._random)
            if breaker.state != was:
                self._say("ejected", place, 0.0, now)
        if place.parking.held and place.parking.succeeded(began):
            self._say("parked", place, 0.0, now)
        if place.credential.held and place.credential.succeeded(began):
            self._say("parked", place, 0.0, now, whole=True)
        if headers and place.names:
            seen = began + (first_token_s or total_s)
            place.quota.told(headers, seen, self._wall() + seen - now)
        speed = None
        size = tokens
        if usage is not None:
            size = usage.input or tokens
            if usage.output >= _LEAST_OUTPUT and total_s > 0:
                speed = usage.output / total_s
        place.history.answered(now, size_of(size), first_token_s, speed)

    def failed(
        self,
        target: Target,
        now: float,
        tokens: int,
        error: UpstreamError,
        headers: Headers,
        began: float | None = None,
    ) -> None:
        """See `Board`. `began`: the `now` of its `try_enter`; without it an old attempt's end passes for a probe's."""
        place = self.of(target)
        self._left(place, tokens)
        if headers and place.names:
            # At once: a target that only fails should not hold on to its headers.
            place.quota.told(headers, now, self._wall())
            place.quota.read(place.names, now)
        effect = effect_of(error)
        place.history.failed(now, error.code, effect.counts)
        self._release(place, "failure" if effect.breaker else "nothing", now, began)
        if effect.park != "no":
            self._park(place, effect.park, error.retry_after_s, now, began)

    def may_retry(self, target: Target, now: float) -> bool:
        """See `Board`."""
        return self.of(target).retries.take(now, self._tuning().retries)

    # --- beside the contract --------------------------------------------------------------------------------------

    def told(self, target: Target, now: float, headers: Headers) -> None:
        """The headers of an answer came in, and its body is still to come: a stream's quota is known at its start."""
        place = self.of(target)
        if place.names:
            place.quota.told(headers, now, self._wall())

    def known(self, target: Target) -> Place | None:
        """Its standing if it was used; unlike `of` it makes none."""
        provider = target.provider
        place = self._places.get((provider.name, provider.key_name, target.model))
        return None if place is None or place.used_at is None else place

    def places(self) -> Iterator[Place]:
        """Every target that was used, as it stands."""
        return (place for place in self._places.values() if place.used_at is not None)

    def export_changes(self) -> tuple[Change, ...]:
        """What this board found out since it was last asked, for other nodes; each once, with times to come only."""
        wall = self._wall()
        return tuple(change for change in self._outbox.take() if change.until == 0.0 or change.until > wall)

    def absorb(self, change: Change, now: float) -> None:
        """Take what another node found out. It does not come out again of `export_changes`."""
        wait = change.until - self._wall()
        well = change.until == 0.0
        if not well and wait <= 0:
            return
        if change.kind == "ejected":
            self._absorb_ejection(change, well, wait, now)
        else:
            self._absorb_parking(change, well, wait, now)

    def replaced(self, before: Iterable[Provider], after: Iterable[Provider], now: float) -> None:
        """A new configuration is in force. What was held against a provider that has another address or key now does
        not apply to it any more."""
        self._registry.replaced(before, after, now)
        self._together.clear()

    def tidy(self, now: float) -> None:
        """Forget targets that were not used for a day, and what belongs to none. It is done from time to time without
        being asked."""
        self._tidy_at = now + _TIDY_EVERY_S
        self._registry.tidy(now)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _enter(self, place: Place, target: Target, now: float, tokens: int) -> None:
        place.in_flight += 1
        place.tokens += tokens
        place.target = target
        if now - place.touched_at > _TOUCH_EVERY_S:
            self._registry.touch(place)
            place.touched_at = now
        place.used_at = now
        place.retries.entered(now)
        if now >= self._tidy_at:
            self.tidy(now)

    def _probe(self, place: Place, now: float) -> None:
        place.credential.enter(now)
        place.parking.enter(now)
        place.breaker.enter(now)

    def _left(self, place: Place, tokens: int) -> None:
        if place.in_flight > 0:
            place.in_flight -= 1
            left = place.tokens - tokens
            place.tokens = left if place.in_flight and left > 0 else 0

    def _release(self, place: Place, event: Event, now: float, began: float | None) -> None:
        breaker = place.breaker
        if event != "nothing" or breaker.state != "closed":
            was, until = breaker.state, breaker.until
            breaker.tell(event, now, began, self._tuning().breaker, self._random)
            if breaker.state == "open" and (was != "open" and until != breaker.until):
                provider = place.target.provider
                if not provider.own:
                    self.ejections[provider.name] = self.ejections.get(provider.name, 0) + 1
                self._say("ejected", place, breaker.until, now)
        if place.parking.held:
            place.parking.release(began)
        if place.credential.held:
            place.credential.release(began)

    def _park(
        self, place: Place, reason: Park, wait_s: float | None, now: float, began: float | None
    ) -> None:
        whole = reason != "throttled"
        parking = place.credential if whole else place.parking
        if wait_s is None and not whole:
            wait_s = place.quota.exhausted_s(now)
        until = parking.until
        parked = parking.park(reason, wait_s, now, began, self._tuning().parking, self._random)
        if parked and not place.target.provider.own:
            label = (place.target.provider.name, reason)
            self.parked[label] = self.parked.get(label, 0) + 1
        if parking.until != until:
            self._say("parked", place, parking.until, now, whole=whole)

    def _say(self, kind: ChangeKind, place: Place, until: float, now: float, *, whole: bool = False) -> None:
        """`until` in monotonic seconds; 0.0: well again. What becomes of somebody's own credential is not told: each
        node finds it out."""
        provider = place.target.provider
        if provider.own:
            return
        self._outbox.put(
            Change(
                kind,
                provider.name,
                "" if kind == "ejected" else provider.key_name,
                "" if whole else place.target.model,
                until and self._wall() + until - now,
            )
        )
        self.on_change()

    def _absorb_ejection(self, change: Change, well: bool, wait: float, now: float) -> None:
        breaker = self._registry.breakers.get((change.provider, change.model))
        if well:
            if breaker is not None and breaker.state == "open":
                breaker.close(now)
            return
        tuning = self._tuning().breaker
        if breaker is None:
            if not self._registry.has_room():
                return
            breaker = self._registry.breaker(change.provider, change.model)
        breaker.hear(now + min(wait, tuning.ejection_max_s), now)

    def _absorb_parking(self, change: Change, well: bool, wait: float, now: float) -> None:
        key = (change.provider, change.key_name, change.model)
        parking = self._registry.parkings.get(key)
        if well:
            if parking is not None:
                parking.free()
            return
        if parking is None:
            if not self._registry.has_room():
                return
            parking = self._registry.parking(key)
        most = self._tuning().parking.most_s if change.model else CREDENTIAL_MOST_S
        parking.hear(now + min(wait, most), now)
