"""What the board remembers: places, breakers and parkings, within bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from waypost.config.targets import Provider, Target
from waypost.config.tuning import Resilience
from waypost.core.credentials import is_own
from waypost.providers.spec import RateHeaders
from waypost.routing.health.breaker import Breaker
from waypost.routing.health.parking import Parking
from waypost.routing.health.place import Busy, Place
from waypost.routing.health.rate_headers import Names, names_of

#: Targets that are remembered at most. Clients can name any `provider/model`.
TARGETS_MOST: Final = 10_000
#: A target that was not used for so long is forgotten.
UNUSED_S: Final = 86_400.0
#: How much is dropped at once when there are too many: one in so many.
_DROPPED_SHARE: Final = 100

_K = TypeVar("_K")
_V = TypeVar("_V")

Key = tuple[str, str, str]
"""Provider, credential, model."""


class Registry:
    """Makes and forgets them. A breaker is shared by the operator's credentials of a provider, the parking of a
    credential by its models. The dicts stay the same objects."""

    def __init__(self, tuning: Callable[[], Resilience], busy: Busy, most: int) -> None:
        self._tuning = tuning
        self._busy = busy
        self._most = most
        self.places: dict[Key, Place] = {}
        self.breakers: dict[tuple[str, str], Breaker] = {}
        self.parkings: dict[Key, Parking] = {}
        """With model "": of the whole credential."""
        self.forgotten = 0
        """Grows with each place that goes."""
        self._names: dict[RateHeaders, Names] = {}
        self._shares: dict[tuple[str, str], int] = {}
        """How many places each breaker has."""

    def add(self, target: Target) -> Place:
        """A place for a target that has none."""
        provider = target.provider
        if len(self.places) >= self._most:
            self._shrink()
        key = (provider.name, provider.key_name, target.model)
        shared = _shared(key)
        self._shares[shared] = self._shares.get(shared, 0) + 1
        place = self.places[key] = Place(
            target,
            self.breaker(*shared),
            self.parking((provider.name, provider.key_name, "")),
            self.parking(key),
            self._names_of(provider.rates),
            self._busy,
        )
        return place

    def breaker(self, provider: str, model: str) -> Breaker:
        """The breaker of a model at a provider."""
        breaker = self.breakers.get((provider, model))
        if breaker is None:
            breaker = self.breakers[provider, model] = Breaker(self._tuning().breaker.window_s)
        return breaker

    def parking(self, key: Key) -> Parking:
        """The parking of a credential and a model, or of a whole credential."""
        parking = self.parkings.get(key)
        if parking is None:
            parking = self.parkings[key] = Parking()
        return parking

    def has_room(self) -> bool:
        """Whether breakers and parkings may be made for targets that have no place here."""
        return len(self.breakers) < self._most and len(self.parkings) < 2 * self._most

    def tidy(self, now: float) -> None:
        """Forget places that were not used for a day, unless they are in use, ejected or parked, and what belongs to
        none."""
        unused = [
            key
            for key, place in self.places.items()
            if place.idle(now) and (place.used_at is None or now - place.used_at >= UNUSED_S)
        ]
        self.forgotten += len(unused)
        _drop(self.places, unused)
        tuning = self._tuning().breaker
        self._drop_unplaced(
            [key for key, breaker in self.breakers.items() if breaker.idle(now, tuning)],
            [key for key, parking in self.parkings.items() if now >= parking.until],
        )

    def touch(self, place: Place) -> None:
        """It is used: the oldest in use come first, to the minute, and are forgotten first when there are too many."""
        provider = place.target.provider
        key = (provider.name, provider.key_name, place.target.model)
        if self.places.get(key) is place:
            self.places[key] = self.places.pop(key)

    def _shrink(self) -> None:
        """Room for more: those go that were used least recently, and what is in use, ejected or parked goes last."""
        wanted = max(1, self._most // _DROPPED_SHARE)
        light = (key for key, place in self.places.items() if not place.stands())
        for key in list(islice(light, wanted)) or list(islice(self.places, wanted)):
            self.forgotten += 1
            del self.places[key]
            del self.parkings[key]
            shared = _shared(key)
            self._shares[shared] -= 1
            if not self._shares[shared]:
                del self._shares[shared]
                del self.breakers[shared]

    def _drop_unplaced(self, breakers: list[tuple[str, str]], parkings: list[Key]) -> None:
        """Drop those of them that no place has."""
        self._shares = Counter(map(_shared, self.places))
        _drop(self.breakers, [key for key in breakers if key not in self._shares])
        held = set(self.places) | {(provider, key_name, "") for provider, key_name, _ in self.places}
        _drop(self.parkings, [key for key in parkings if key not in held])

    def replaced(self, before: Iterable[Provider], after: Iterable[Provider], now: float) -> None:
        """What was held against a provider that has another address or key now does not apply to it any more."""
        new = {(provider.name, provider.key_name): provider for provider in after}
        for old in before:
            provider = new.get((old.name, old.key_name))
            if provider is None or provider is old:
                continue
            moved = provider.origin != old.origin or provider.path != old.path
            if moved or _proof(provider) != _proof(old):
                for (name, key_name, _), parking in self.parkings.items():
                    if (name, key_name) == (old.name, old.key_name):
                        parking.free()
            for (provider_name, _), breaker in self.breakers.items() if moved else ():
                if provider_name == old.name:
                    breaker.close(now)
            if provider.rates != old.rates:
                for place in self._places_of(old):
                    place.names = self._names_of(provider.rates)

    def _places_of(self, provider: Provider) -> Iterator[Place]:
        return (
            place
            for (name, key_name, _), place in self.places.items()
            if (name, key_name) == (provider.name, provider.key_name)
        )

    def _names_of(self, rates: RateHeaders) -> Names:
        names = self._names.get(rates)
        if names is None:
            names = self._names[rates] = names_of(rates)
        return names


def _shared(key: Key) -> tuple[str, str]:
    """The breaker of a place: that of its provider and model, but one of its own for a credential that somebody brought
    (`Provider.watched`)."""
    provider, key_name, model = key
    return f"{provider}#{key_name}" if is_own(key_name) else provider, model


def _drop(things: dict[_K, _V], keys: list[_K]) -> None:
    for key in keys:
        del things[key]


def _proof(provider: Provider) -> tuple[bytes, object, dict[str, bytes]]:
    """What a provider is proven to with; compared, never shown."""
    credential = provider.credential
    authorizer = credential.authorizer
    others = {dialect: one.reveal() for dialect, one in provider.credentials.items()}
    return credential.reveal(), authorizer and authorizer.key, others
