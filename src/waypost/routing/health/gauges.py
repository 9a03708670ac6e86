"""What `/metrics` shows of the board."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from waypost.routing.board import BreakerState
from waypost.routing.health.board import HealthBoard
from waypost.telemetry.metrics import Labelled

#: Most targets that are shown one by one.
SHOWN_MOST: Final = 500
_STATES: Final[dict[BreakerState, float]] = {"closed": 0.0, "half_open": 1.0, "open": 2.0}


def health_gauges(
    board: HealthBoard, now: float, known: Callable[[str, str], bool], most: int = SHOWN_MOST
) -> list[Labelled]:
    """Breakers and parkings by provider and model, for the targets that are `known` (provider, model): configured or
    discovered, because clients can name any model, and a name in a label is there for good. At most `most` of them."""
    breakers: dict[tuple[str, str], float] = {}
    in_flight: dict[tuple[str, str], float] = {}
    parked: dict[tuple[str, str], float] = {}
    for place in board.places():
        if place.target.provider.own:
            continue  # what becomes of somebody's own credential says nothing of the provider
        label = (place.target.provider.name, place.target.model)
        if label not in breakers and (len(breakers) >= most or not known(*label)):
            continue
        breakers[label] = _STATES["half_open" if place.probing(now) else place.breaker.state]
        in_flight[label] = in_flight.get(label, 0.0) + place.in_flight
        parked[label] = parked.get(label, 0.0) + (place.parked_until(now) > 0)
    names = ("provider", "model")
    return [
        Labelled("waypost_target_breaker", names, list(breakers.items())),
        Labelled("waypost_target_in_flight", names, list(in_flight.items())),
        Labelled("waypost_target_parked", names, list(parked.items())),
        Labelled("waypost_ejections_total", ("provider",), [((p,), n) for p, n in board.ejections.items()]),
        Labelled("waypost_parkings_total", ("provider", "reason"), list(board.parked.items())),
    ]
