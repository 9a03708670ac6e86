"""Stage 7: the order in which a route's targets are tried."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from waypost.config.snapshot import Route
from waypost.config.targets import Target

#: Uniform in [0, 1), injected.
Random = Callable[[], float]


def plan(route: Route, random: Random) -> tuple[Target, ...]:
    """Lower priority numbers first; within one priority a weighted draw without replacement.

    So a target of weight 3 is first three times as often as its neighbour of weight 1, and the neighbour is what a
    failure goes to next.
    """
    if len(route.targets) == 1:
        return route.targets
    order: list[Target] = []
    for _, group in groupby(route.targets, key=_priority):
        order.extend(_draw(list(group), random))
    return tuple(order)


def _priority(target: Target) -> int:
    return target.priority


def _draw(group: list[Target], random: Random) -> list[Target]:
    drawn: list[Target] = []
    while len(group) > 1:
        drawn.append(group.pop(_pick(group, random() * sum(target.weight for target in group))))
    return drawn + group


def _pick(group: list[Target], point: float) -> int:
    """The index of the target whose share of the weights holds `point`."""
    for index, target in enumerate(group):
        point -= target.weight
        if point < 0:
            return index
    return len(group) - 1
