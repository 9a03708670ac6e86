"""What a request prefers, on top of its route's order: OpenRouter's `provider` object."""

from __future__ import annotations

from collections.abc import Sequence

from waypost.config.nodes import Preferences
from waypost.core.decision import Rule
from waypost.routing.needs import names
from waypost.routing.order import by_measure, by_price
from waypost.routing.place import Place, Places
from waypost.routing.walk import Walk


def prefer(walk: Walk, places: Places, wanted: Preferences) -> Places:
    """The places as the request wants them: sorted, then those of named providers first, then what is too slow last.
    Places of providers it did not name are left out where it wants no fallbacks."""
    if wanted.sort is not None and len(places) > 1:
        places = _sorted(walk, places, wanted)
    if wanted.order:
        places = _named_first(walk, places, wanted)
    if wanted.max_latency_s or wanted.min_throughput:
        places = _slow_last(walk, places, wanted)
    return places


def only_first(walk: Walk, places: Places) -> Places:
    """The first place alone, for a request without fallbacks that names no providers."""
    for place in places[1:]:
        walk.exclude(place.target, "not_preferred", "the request wants no fallbacks")
    return places[:1]


def _sorted(walk: Walk, places: Places, wanted: Preferences) -> Places:
    if wanted.sort == "price":
        order, rule, scores = by_price(walk, places)
    else:
        by: Rule = "throughput" if wanted.sort == "throughput" else "latency"
        order, rule, scores = by_measure(walk, places, by)
    told = []
    for index in order:
        place = places[index]
        place.rule, place.score = rule, scores[index]
        told.append(place)
    return told


def _named_first(walk: Walk, places: Places, wanted: Preferences) -> Places:
    named: list[tuple[int, Place]] = []
    others: Places = []
    for place in places:
        index = _index(place, wanted.order)
        if index is not None:
            place.rule, place.score = "order", None
            named.append((index, place))
        elif wanted.fallbacks:
            others.append(place)
        else:
            walk.exclude(place.target, "not_preferred", "the request did not name its provider")
    named.sort(key=_first)
    return [place for _, place in named] + others


def _first(entry: tuple[int, Place]) -> int:
    return entry[0]


def _index(place: Place, patterns: Sequence[str]) -> int | None:
    provider = place.target.provider
    for index, pattern in enumerate(patterns):
        if names(provider, pattern):
            return index
    return None


def _slow_last(walk: Walk, places: Places, wanted: Preferences) -> Places:
    """A target that was not measured is taken to be as fast as is wanted."""
    fast: Places = []
    slow: Places = []
    for place in places:
        measure = _too_slow(walk, place, wanted)
        if measure is None:
            fast.append(place)
        else:
            place.rule, place.score = "preferred", measure
            slow.append(place)
    return fast + slow


def _too_slow(walk: Walk, place: Place, wanted: Preferences) -> float | None:
    """The first measure that is not as wanted."""
    measured, size, now = place.standing.measured, walk.view.asked.input_estimate, walk.now
    for percentile, most in wanted.max_latency_s.items():
        wait = measured("first_token", int(percentile[1:]), size, now)
        if wait is not None and wait > most:
            return wait
    for percentile, least in wanted.min_throughput.items():
        speed = measured("throughput", int(percentile[1:]), size, now)
        if speed is not None and speed < least:
            return speed
    return None
