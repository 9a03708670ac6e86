"""Stage 7: from a request and its route to a plan, or to the words for why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from waypost.config.nodes import NO_PREFERENCES, Facets
from waypost.config.snapshot import Route
from waypost.config.targets import Target
from waypost.core.decision import Decision, Excluded, Reason
from waypost.core.rules import Rules
from waypost.dialects.lane import Lane, Lanes
from waypost.errors import AllDown, GatewayError, InvalidRequest, NoTarget
from waypost.pipeline import shape
from waypost.pipeline.conversation import can_serve, refuse_unknown
from waypost.pipeline.counting import can_count
from waypost.pipeline.exchange import LiveExchange
from waypost.ports import Clock
from waypost.routing.board import Board
from waypost.routing.facets import NOTHING_SAID, RequestFacets, Said
from waypost.routing.own import OwnKeys, brought_alone
from waypost.routing.planned import Chosen, Plan
from waypost.routing.requested.wishes import NO_WISHES
from waypost.routing.view import View

#: What a body holds that shows the model something, in any dialect.
_PICTURES = (b'"image_url"', b'"input_image"', b'"image"', b"inlineData", b"inline_data")
_NONE = (b"null", b"[]")
#: Plans kept; clients can name any model of a provider.
_ALONE_MOST = 4096
#: The same of the lanes of several targets.
_TOGETHER_MOST = 1024
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
        clock: Clock,
        facets: Callable[[LiveExchange], Facets],
        own: OwnKeys | None = None,
    ) -> None:
        """`facets`: what conditions may ask of an exchange. `own`: the credentials that people brought."""
        self._lanes = lanes
        self._planner = planner
        self._clock = clock
        self._facets = facets
        self._own = own or OwnKeys()
        #: Plans of routes with one target, by client dialect and route: nothing is to be decided there.
        self._alone: dict[tuple[str, str], Plan] = {}
        self._together: dict[tuple[str, int], tuple[tuple[Target, ...], list[Lane | Reason]]] = {}

    def plan(self, live: LiveExchange) -> Plan | None:
        """The plan, which may have no candidates when all are out of order just now. None: no target counts tokens, and
        it can be done here. Raises InvalidRequest and NoTarget when no target can or may serve the request, and
        BudgetExceeded when only those could that nobody pays for."""
        plan = self.draft(live)
        live.decision = plan.decision
        if not plan.candidates:
            excluded = () if plan.decision is None else plan.decision.excluded
            if live.unpaid is not None and any(each.reason == "credit" for each in excluded):
                raise live.unpaid  # nobody is left but who is not paid for
            if any(each.reason in _FOR_NOW for each in excluded):
                return plan
            if can_count(live.call.dialect) and all(each.reason == "operation" for each in excluded):
                return None
            assert live.route is not None  # noqa: S101 - stage 4 set it
            raise _none(live, live.route, excluded)
        return plan

    def draft(self, live: LiveExchange) -> Plan:
        """The plan, whatever it comes to: where it has no candidates, its decision says why. Raises InvalidRequest for
        a JSON schema that answers can not be checked against."""
        plan = self._drafted(live)
        return plan if live.unpaid is None else brought_alone(plan)

    def _drafted(self, live: LiveExchange) -> Plan:
        route = live.route
        assert route is not None  # noqa: S101 - stage 4 set it
        own = None
        if self._own.homes and live.key is not None:
            own = self._own.route(route, live.key, live.started_us / 1e6, live.snapshot.version)
            if own is not None:
                route = own.route
        if live.shape is not None:
            shape.prepare(live.shape, route.targets)
        selected = live.selected
        plain = selected is None or (selected.preferences is NO_PREFERENCES and not selected.notes)
        if len(route.targets) == 1 and route.node is None and plain:
            single = self._single(live, route)
            if single is not None:
                return single
        plan = self._planner.plan(route, self._view(live), live.board)
        hedge = live.wishes.hedge
        if hedge is not None:
            plan = msgspec.structs.replace(plan, hedge_after_s=self._hedge(live, plan, hedge))
        if (selected is not None and selected.notes) or (own is not None and own.excluded):
            made = plan.decision or Decision()
            notes = () if selected is None else selected.notes
            excluded = () if own is None else own.excluded
            made = msgspec.structs.replace(
                made, notes=(*notes, *made.notes), excluded=(*made.excluded, *excluded)
            )
            plan = msgspec.structs.replace(plan, decision=made)
        return plan

    def _single(self, live: LiveExchange, route: Route) -> Plan | None:
        """The plan for a route with one target; None where it can not serve the request."""
        target, plain = route.targets[0], live.shape is None and live.unknown_previous is None
        key = (live.call.dialect.name, route.name)
        if plain:
            known = self._alone.get(key)
            if known is not None and known.candidates[0].target is target:
                return known
        found = self._serve(live, target)
        if isinstance(found, str):
            return None
        plan = Plan((Chosen(target, found, "only"),))
        if plain:
            if len(self._alone) >= _ALONE_MOST:
                self._alone.clear()
            self._alone[key] = plan
        return plan

    def _hedge(self, live: LiveExchange, plan: Plan, wanted: float | str) -> float | None:
        """Seconds until the second target is asked too, as the request itself wants it."""
        if isinstance(wanted, float):
            return wanted
        if wanted == "off" or not plan.candidates:
            return None
        standing = live.board.of(plan.candidates[0].target)
        tokens = 0 if live.asked is None else live.asked.input_estimate
        return standing.measured("first_token", 95, tokens, self._clock.monotonic())

    def _lanes_of(self, live: LiveExchange, targets: tuple[Target, ...]) -> Sequence[Lane | Reason]:
        """Those of several are kept where they are the same for every request of the client's dialect."""
        if len(targets) == 1 or live.shape is not None or live.unknown_previous is not None:
            return [self._serve(live, target) for target in targets]
        key = (live.call.dialect.name, id(targets))
        kept = self._together.get(key)
        if kept is None:
            if len(self._together) >= _TOGETHER_MOST:
                self._together.clear()
            kept = self._together[key] = (targets, [self._serve(live, target) for target in targets])
        return kept[1]

    def _serve(self, live: LiveExchange, target: Target) -> Lane | Reason:
        dialect = live.call.dialect
        lane = self._lanes.find(dialect, target.dialects)
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
            lanes=lambda targets: self._lanes_of(live, targets),
            facets=self._facets(live),
            preferences=NO_PREFERENCES if live.selected is None else live.selected.preferences,
            features=features(live),
            reserve_output=live.snapshot.settings.reserve_output_tokens,
        )


def code_of_none(decision: Decision) -> str:
    """The code of the error that a client gets when nobody is left to ask."""
    reasons = {each.reason for each in decision.excluded}
    if reasons & _FOR_NOW:
        return AllDown.code
    return InvalidRequest.code if reasons <= {"operation", "conversation"} else NoTarget.code


def facets_of(live: LiveExchange, left_nusd: Callable[[Rules, float], int | None]) -> RequestFacets:
    """What conditions and sticky draws of its route may ask of an exchange."""
    asked, key, at, wishes = live.asked, live.key, live.started_us / 1e6, live.wishes
    assert asked is not None  # noqa: S101 - stage 3 set it
    assert key is not None  # noqa: S101 - stage 2 set it or raised
    said = NOTHING_SAID
    if wishes is not NO_WISHES:
        said = Said(wishes.user, wishes.session, wishes.trace, wishes.metadata or None)
    return RequestFacets(
        asked, live.call.dialect, live.call.headers, key, at, lambda: left_nusd(live.rules, at), said
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
