from __future__ import annotations

from routing.boards import LANE, FixedStanding, named
from waypost.config.nodes import Overlay
from waypost.dialects.lane import Lanes
from waypost.dialects.registry import DIALECTS
from waypost.routing.place import READY, Place
from waypost.routing.planned import Chosen, through


def test_through_another_lane_all_else_stays() -> None:
    other = Lanes(DIALECTS).find(DIALECTS["anthropic_messages"], ("openai_chat",))
    assert other is not None
    overlay, at = Overlay(retries=3), named("p")
    place = Place(at, "p/m1", LANE, FixedStanding(), READY, overlay, "price", 0.5, "org")
    assert through(place, other) == Chosen(at, other, "price", 0.5, overlay, "org")
