"""Stage 7: from a request and its route to a plan, or to the words for why there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from waypost.config.nodes import NO_PREFERENCES, Facets
from waypost.config.snapshot import Route
from waypost.config.targets import Target
from waypost.core.decision import Excluded, Reason
from waypost.dialects.lane import Lane, Lanes
from waypost.errors import GatewayError, InvalidRequest, NoTarget
from waypost.pipeline import shape
from waypost.pipeline.conversation import can_serve, refuse_unknown
from waypost.pipeline.counting import can_count
from waypost.pipeline.exchange import LiveExchange
from waypost.ports import Clock
from waypost.routing.board import Board
from waypost.routing.planned import Candidate, Plan
from waypost.routing.view import View

#: What a body holds that shows the model something, in any dialect.
_PICTURES = (b'"image_url"', b'"input_image"', b'"image"', b"inlineData", b"inline_data")
_NONE = (b"null", b"[]")
#: Exclusions that pass by themselves.
_FOR_NOW = frozenset(("parked", "ejected", "busy"))


class Planner(Protocol):
    """`routing.plan.Planner`."""

    def plan(self, route: Route, view: View, board: Board) -> Plan: ...


class Planning:
    """Plans for exchanges. Stateless but for what it was given."""

    def __init__(
        self,
        lanes: Lanes,
        planner: Planner,
        board: Board,
        clock: Clock,
        facets: Callable[[LiveExchange], Facets],
    ) -> None:
        """`facets`: what conditions may ask of an exchange."""
        self._lanes = lanes
        self._planner = planner
        self._board = board
        self._clock = clock
        self._facets = facets

    def plan(self, live: LiveExchange) -> Plan | None:
        """The plan, which may have no candidates when all are out of order just now. None: no target counts tokens, and
        it can be done here. Raises InvalidRequest and NoTarget when no target can or may serve the request."""
        route = live.route
        assert route is not None  # noqa: S101 - stage 4 set it
        if live.shape is not None:
            shape.prepare(live.shape, route.targets)
        if len(route.targets) == 1 and route.node is None and live.preferences is NO_PREFERENCES:
            found = self._serve(live, route.targets[0])
            if not isinstance(found, str):
                return Plan((Candidate(route.targets[0], found, "only"),))
        plan = self._planner.plan(route, self._view(live), self._board)
        live.decision = plan.decision
        if not plan.candidates:
            excluded = () if plan.decision is None else plan.decision.excluded
            if any(each.reason in _FOR_NOW for each in excluded):
                return plan
            if can_count(live.call.dialect) and all(each.reason == "operation" for each in excluded):
                return None
            raise _none(live, route, excluded)
        return plan

    def _serve(self, live: LiveExchange, target: Target) -> Lane | Reason:
        dialect = live.call.dialect
        lane = self._lanes.find(dialect, target.provider.dialects)
        if lane is None:
            return "operation"
        if live.shape is not None:
            lane = shape.shaped_lane(dialect, lane, target.provider.quirks)
        return lane if can_serve(live, lane) else "conversation"

    def _view(self, live: LiveExchange) -> View:
        asked, key = live.asked, live.key
        assert asked is not None  # noqa: S101 - stage 3 set it
        assert key is not None  # noqa: S101 - stage 2 set it or raised
        return View(
            asked=asked,
            key=key,
            at=live.started_us / 1e6,
            now=self._clock.monotonic(),
            serve=lambda target: self._serve(live, target),
            facets=self._facets(live),
            preferences=live.preferences,
            features=features(live),
            reserve_output=live.snapshot.settings.reserve_output_tokens,
        )


def features(live: LiveExchange) -> frozenset[str]:
    """What a request uses that not every model has, as far as its outside shows."""
    asked, found = live.asked, []
    raw = None if asked is None else asked.fields.get("tools") or asked.fields.get("toolConfig")
    if raw is not None and bytes(raw) not in _NONE:
        found.append("tools")
    if live.shape is not None:
        found.append("json_schema")
    body = live.call.body
    if any(mark in body for mark in _PICTURES):
        found.append("vision")
    return frozenset(found)


def _none(live: LiveExchange, route: Route, excluded: tuple[Excluded, ...]) -> GatewayError:
    reasons = {each.reason for each in excluded}
    if reasons == {"conversation"} or (reasons <= {"conversation", "operation"} and live.unknown_previous):
        assert live.unknown_previous is not None  # noqa: S101 - nothing else gives this reason
        return refuse_unknown(live.unknown_previous)
    if reasons <= {"operation"}:
        return InvalidRequest(
            f"No target of {route.name!r} serves {live.call.dialect.operation}. Choose another model.",
            param="model",
        )
    why = "; ".join(f"{each.target}: {each.detail or each.reason}" for each in excluded[:8])
    return NoTarget(
        f"None of the targets of {route.name!r} is what this request and its route ask for ({why}). Ask for less, or "
        "name another model.",
        param="model",
    )
