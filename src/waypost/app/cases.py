"""Tables of cases for routes: a request, and where it has to go. Planned on the configuration, without a network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

import msgspec

from waypost.config.snapshot import Snapshot
from waypost.core.decision import Considered, Decision
from waypost.core.key import Key
from waypost.core.people import DEFAULT, Team
from waypost.dialects.lane import Lanes
from waypost.dialects.registry import DIALECTS
from waypost.errors import ConfigError, GatewayError, InvalidRequest
from waypost.pipeline.explained import tell_excluded, tell_place
from waypost.pipeline.planning import code_of_none
from waypost.pipeline.plans import Planned, Plans, key_of
from waypost.policy.directory import Directory
from waypost.ports import Clock
from waypost.routing.fixed_board import FixedBoard
from waypost.routing.plan import Planner


class CaseKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asks."""

    name: str = "case"
    models: tuple[str, ...] = ()
    route: str | None = None
    team: str | None = None
    """With an organization: the name of its team that the key is in."""


class Tenant(msgspec.Struct, frozen=True):
    """The organization whose keys ask in all cases."""

    directory: Directory
    organization_id: str = DEFAULT

    def key(self, said: CaseKey) -> Key:
        """Raises ConfigError for a team that there is not."""
        teams = {
            each.name: each.id
            for each in self.directory.all(Team)
            if each.organization_id == self.organization_id
        }
        if said.team is not None and said.team not in teams:
            raise ConfigError(f"There is no team {said.team!r} for the key of a case.")
        return key_of(
            said.name,
            said.models,
            route=said.route,
            team_id=teams.get(said.team or ""),
            organization_id=self.organization_id,
        )


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What has to come of it. Whatever is left out may be as it likes. Targets are `provider/model`, with `#key` behind
    the provider where it has several."""

    route: str | None = None
    first: str | tuple[str, ...] | None = None
    """Or one of several, where chance decides."""
    order: tuple[str, ...] | None = None
    """All of them, in order."""
    excluded: dict[str, str] = {}
    """A target, and the reason's word; `any` for any reason."""
    error: str | None = None
    """The code of the error that the client gets."""


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of a table."""

    name: str
    request: dict[str, object]
    """The body. A chat without `messages` is given one."""
    expect: Expected
    dialect: str = "openai_chat"
    headers: dict[str, str] = {}
    key: CaseKey = CaseKey()
    at: str | None = None
    """When it is asked, such as `2026-01-31T09:00:00Z`. Left out: now."""
    down: tuple[str, ...] = ()
    """Providers, or targets, whose breaker is open."""
    parked: tuple[str, ...] = ()
    """Providers, or targets, whose credential may not be used."""
    seed: int = 0
    """Where chance decides, the same seed decides in the same way."""


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    cases: tuple[Case, ...]


class Difference(msgspec.Struct, frozen=True):
    """One thing that is not as expected."""

    what: str
    expected: str
    got: str


class Verdict(msgspec.Struct, frozen=True):
    """What came of a case."""

    name: str
    passed: bool
    differences: tuple[Difference, ...]
    route: str | None
    order: tuple[str, ...]
    why: tuple[str, ...]
    excluded: dict[str, str]
    error: str | None


class _Moment:
    """A clock that stands still."""

    def __init__(self, at: float) -> None:
        self._at = at

    def wall(self) -> float:
        return self._at

    def monotonic(self) -> float:
        return self._at


def read_cases(value: object) -> Table:
    """A table from the plain values of a YAML or JSON file. Raises ConfigError."""
    try:
        table = msgspec.convert(value if isinstance(value, dict) else {"cases": value}, Table)
    except msgspec.ValidationError as fault:
        raise ConfigError(f"The table of cases is not what it has to be: {fault}.") from None
    for case in table.cases:
        _moment(case)
    return table


def run_cases(
    cases: Sequence[Case], snapshot: Snapshot, clock: Clock, tenant: Tenant | None = None
) -> list[Verdict]:
    """Plan each case on the snapshot, and compare. `tenant`: whose keys ask; None: keys of no organization's own."""
    tenant = tenant or Tenant(Directory())
    return [_run(case, snapshot, clock, tenant) for case in cases]


def _plans(case: Case, snapshot: Snapshot, clock: Clock, directory: Directory) -> Plans:
    """What says where a case's request goes: everything is healthy, but what the case says is not."""
    board = FixedBoard(case.down, case.parked)
    planner = Planner(Random(case.seed).random)  # noqa: S311 - it has to be repeatable
    return Planned(lambda: snapshot, Lanes(DIALECTS), clock, planner, board, directory=directory)


def _run(case: Case, snapshot: Snapshot, clock: Clock, tenant: Tenant) -> Verdict:
    at = _moment(case)
    plans = _plans(case, snapshot, clock if at is None else _Moment(at), tenant.directory)
    key = tenant.key(case.key)
    route: str | None = None
    decision, error = Decision(), None
    try:
        route, decision, error = _ask(case, snapshot, plans, key)
    except GatewayError as refused:
        error = refused.code
    got = {one.target: one.reason for one in decision.excluded}
    order = tuple(one.target for one in decision.order)
    why = (*map(tell_place, decision.order), *(f"{e.target}: {tell_excluded(e)}" for e in decision.excluded))
    found = tuple(_compare(case.expect, route, order, {**got}, error))
    return Verdict(case.name, not found, found, route, order, why, {**got}, error)


def _ask(case: Case, snapshot: Snapshot, plans: Plans, key: Key) -> tuple[str, Decision, str | None]:
    dialect = DIALECTS.get(case.dialect)
    if dialect is None:
        raise InvalidRequest(f"There is no dialect {case.dialect!r}.")
    body = case.request
    if case.dialect == "openai_chat" and "messages" not in body:
        body = {**body, "messages": [{"role": "user", "content": "Say hello."}]}
    asked = dialect.parse_ask(msgspec.json.encode(body), snapshot.settings.json)
    headers = {name.lower().encode(): value.encode() for name, value in case.headers.items()}
    route, plan = plans.plan_of(asked, dialect, headers, key)
    order = tuple(Considered(each.target.label, each.rule, each.score) for each in plan.candidates)
    left = plan.decision or Decision()
    error = None if plan.candidates else code_of_none(left)
    return route.name, Decision(order, left.excluded, left.notes), error


def _compare(
    expect: Expected, route: str | None, order: tuple[str, ...], excluded: dict[str, str], error: str | None
) -> list[Difference]:
    found: list[Difference] = []

    def differ(what: str, expected: str | None, got: str | None) -> None:
        if expected != got:
            found.append(Difference(what, expected or "none", got or "none"))

    if expect.error is not None or error is not None:
        differ("error", expect.error, error)
    if expect.route is not None:
        differ("route", expect.route, route)
    if expect.first is not None:
        first = order[0] if order else None
        several = (expect.first,) if isinstance(expect.first, str) else expect.first
        if first not in several:
            differ("first", " or ".join(several), first)
    if expect.order is not None:
        differ("order", ", ".join(expect.order), ", ".join(order))
    for target, reason in expect.excluded.items():
        got = excluded.get(target)
        if got is None or reason not in ("any", got):
            differ(f"excluded {target}", reason, got or "not excluded")
    return found


def _moment(case: Case) -> float | None:
    if case.at is None:
        return None
    try:
        moment = datetime.fromisoformat(case.at)
    except ValueError:
        raise ConfigError(
            f"The case {case.name!r}: `at` is no moment. Write it like 2026-01-31T09:00:00Z."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
