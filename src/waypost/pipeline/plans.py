"""Stages 2 to 4 and 7 of a request without taking anything: where it would go, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from waypost.config.snapshot import Route, Snapshot
from waypost.core.asked import Asked
from waypost.core.key import Key
from waypost.core.rules import Rules
from waypost.dialects.dialect import Dialect
from waypost.dialects.fields import render_fields
from waypost.dialects.lane import Lanes
from waypost.dialects.structured import wanted_shape
from waypost.errors import Forbidden
from waypost.pipeline.admission import named_by
from waypost.pipeline.exchange import Call, LiveExchange
from waypost.pipeline.options import read_options
from waypost.pipeline.planning import Planner, Planning, facets_of
from waypost.pipeline.shadow import Nobody
from waypost.policy.admit import check_access, check_alternatives, cost_ceiling
from waypost.policy.directory import Directory
from waypost.ports import Clock
from waypost.routing.board import Board
from waypost.routing.own import OwnKeys
from waypost.routing.planned import Plan
from waypost.routing.requested.overlay import variants
from waypost.routing.requested.select import Selector


class Plans(Protocol):
    """Says where a request would go: for `explain` and for tables of cases. Nothing is held and nobody is called."""

    def plan_of(
        self, asked: Asked, dialect: Dialect, headers: Mapping[bytes, bytes], key: Key
    ) -> tuple[Route, Plan]:
        """The route that the request takes, and the plan on it. A plan without candidates is returned, not raised: its
        decision says what excluded them. Raises GatewayError for a request that would be refused before planning."""
        ...


class Planned:
    """`Plans` over a snapshot, a planner and a board: the very parts that requests are planned with."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        lanes: Lanes,
        clock: Clock,
        planner: Planner,
        board: Board,
        left_nusd: Callable[[Rules, float], int | None] = lambda _rules, _at: None,
        directory: Directory | None = None,
        own: OwnKeys | None = None,
    ) -> None:
        """`left_nusd`: what is left of budgets; `directory`: whose rules hold for a key, None: only its own; `own`:
        credentials that people brought."""
        self._directory = directory or Directory()
        self._snapshot = snapshot
        self._clock = clock
        self._board = board
        self._selector = Selector()
        self._planning = Planning(lanes, planner, clock, lambda live: facets_of(live, left_nusd), own)

    def plan_of(
        self, asked: Asked, dialect: Dialect, headers: Mapping[bytes, bytes], key: Key
    ) -> tuple[Route, Plan]:
        """See `Plans`. Raises InvalidRequest, ModelNotFound, Forbidden and Unpriced."""
        snapshot, at = self._snapshot(), self._clock.wall()
        body = render_fields(asked.fields)
        call = Call(dialect, body, headers, None, "explain", self._clock.monotonic(), Nobody())
        live = LiveExchange(call, snapshot, int(at * 1e6))
        live.key, live.board = key, self._board
        asked, live.wishes = read_options(asked, headers)
        live.shape = wanted_shape(dialect, asked)
        standing = live.standing = self._directory.standing(key)
        if standing.refusal is not None:
            raise Forbidden(standing.refusal)
        live.asked = asked
        live.selected = selected = self._selector.select(snapshot, asked, live.wishes, standing)
        live.route, live.asked = route, asked = selected.route, selected.asked
        check_access(standing, route, asked.model)
        check_alternatives(standing, asked)
        live.rules = self._directory.rules(standing, named_by(live, standing, route))
        for form in variants(route.node, asked, dialect, snapshot.settings.json):
            cost_ceiling(key, live.rules, route, form, snapshot.settings, at)
        return route, self._planning.draft(live)


#: Who asks on the command line of the machine itself: everything is allowed to it, and it can not ask a model.
OPERATOR = Key(key_id="control", name="the command line", digest=b"", hint="", created_at=0.0, operator=True)


def key_of(name: str, models: tuple[str, ...] = (), **fields: object) -> Key:
    """A key that is in no store, for a case of a table."""
    key = Key(key_id=name, name=name, digest=b"", hint="", created_at=0.0, models=models)
    return msgspec.structs.replace(key, **fields)
