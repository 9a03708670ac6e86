"""`POST /v1/route/explain`: where a request would go, in which order and why, without sending it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from waypost.config.snapshot import Route, Settings, Snapshot
from waypost.config.targets import Target
from waypost.core.asked import Asked, PathAsk
from waypost.core.decision import Considered, Decision
from waypost.core.key import Key
from waypost.core.markup import charged, render_percent
from waypost.core.usage import Usage
from waypost.dialects.dialect import Dialect
from waypost.dialects.fields import parse_body
from waypost.errors import InvalidRequest
from waypost.pipeline.explained import Left, Place, explain_decision
from waypost.pipeline.plans import Plans
from waypost.ports import Clock
from waypost.routing.board import Board
from waypost.routing.planned import Candidate, Plan

_USUAL = "openai_chat"


class Question(msgspec.Struct, frozen=True):
    """What is to be explained."""

    request: bytes
    """The body, as a client would send it."""
    dialect: str = _USUAL
    headers: Mapping[bytes, bytes] = {}
    model: str = ""
    """For dialects that have the model in the path."""
    stream: bool = False
    """For dialects that have it in the path."""


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    request: msgspec.Raw
    dialect: str = _USUAL
    headers: dict[str, str] | None = None
    model: str = ""
    stream: bool = False


_ENVELOPE = msgspec.json.Decoder(_Envelope)


class AskedFor(msgspec.Struct, frozen=True):
    """What the request was read as."""

    model: str
    dialect: str
    operation: str
    stream: bool
    input_tokens: int
    """Estimated, at the high side."""
    output_tokens: int
    """What costs are reckoned with: the request's own limit, else what the gateway holds."""


class Matched(msgspec.Struct, frozen=True):
    """The route that the request takes."""

    name: str
    kind: str


class Explanation(msgspec.Struct, frozen=True):
    """The answer."""

    object: str
    asked: AskedFor
    route: Matched
    key: str
    candidates: tuple[Place, ...]
    excluded: tuple[Left, ...]
    notes: tuple[str, ...]
    hedge_after_ms: float | None = None
    shadows: tuple[str, ...] = ()
    retry_after_s: float | None = None
    """With no candidates, because all are parked or ejected: when one may be asked."""


class Explain:
    """Explains requests. Takes no hold, counts on no limit and calls nobody."""

    def __init__(
        self,
        plans: Plans,
        dialects: Mapping[str, Dialect],
        snapshot: Callable[[], Snapshot],
        board: Board,
        clock: Clock,
    ) -> None:
        self._plans = plans
        self._dialects = dialects
        self._snapshot = snapshot
        self._board = board
        self._clock = clock

    def explain(self, body: bytes, headers: Mapping[bytes, bytes], key: Key) -> Explanation:
        """`body` is an envelope with the `request` in it, or a plain chat body; the request's own `headers` count where
        the envelope has none. Raises GatewayError: InvalidRequest for what can not be read, and whatever the request
        itself would be refused with."""
        settings = self._snapshot().settings
        question = read_question(body, headers, settings)
        dialect = self._dialects.get(question.dialect)
        if dialect is None:
            names = ", ".join(self._dialects)
            raise InvalidRequest(
                f"There is no dialect {question.dialect[:64]!r}. Take one of: {names}.", param="dialect"
            )
        asked = dialect.parse_ask(question.request, settings.json, _path(dialect, question))
        route, plan = self._plans.plan_of(asked, dialect, question.headers, key)
        return self._render(asked, dialect, key, route, plan, settings)

    def _render(
        self, asked: Asked, dialect: Dialect, key: Key, route: Route, plan: Plan, settings: Settings
    ) -> Explanation:
        decision = plan.decision or Decision()
        order = tuple(self._considered(each, asked, settings) for each in plan.candidates)
        told = explain_decision(Decision(order, decision.excluded, decision.notes))
        limit = _output(asked, None, settings)
        return Explanation(
            object="route.explanation",
            asked=AskedFor(
                asked.model, dialect.name, dialect.operation, asked.stream, asked.input_estimate, limit
            ),
            route=Matched(route.name, route.kind),
            key=key.name,
            candidates=tuple(map(_with_markup, told.candidates, plan.candidates)),
            excluded=told.excluded,
            notes=told.notes,
            hedge_after_ms=None if plan.hedge_after_s is None else plan.hedge_after_s * 1000,
            shadows=tuple(each.target.label for each in plan.shadows),
            retry_after_s=plan.soonest_s,
        )

    def _considered(self, candidate: Candidate, asked: Asked, settings: Settings) -> Considered:
        target, now = candidate.target, self._clock.monotonic()
        standing = self._board.of(target)
        return Considered(
            target=target.label,
            rule=candidate.rule,
            score=candidate.score,
            cost_nusd=expected_cost(asked, target, settings, self._clock.wall()),
            first_token_s=standing.measured("first_token", 50, asked.input_estimate, now),
        )


def _with_markup(place: Place, candidate: Candidate) -> Place:
    markup = candidate.target.markup
    return place if not markup else msgspec.structs.replace(place, markup=render_percent(markup))


def expected_cost(asked: Asked, target: Target, settings: Settings, at: float) -> int | None:
    """Nano-dollars for the estimated input and all the output that may come; None when the price is unknown."""
    if target.tariff is None:
        return None
    usage = Usage(asked.input_estimate, _output(asked, target, settings), units=asked.units)
    cost = target.tariff.cost(usage, at, asked.tier)
    return None if cost is None else charged(cost, target.markup)


def _output(asked: Asked, target: Target | None, settings: Settings) -> int:
    limit = asked.max_output
    if limit is None:
        most = None if target is None else target.facts.max_output
        limit = min(most or settings.reserve_output_tokens, settings.reserve_output_tokens)
    return limit * asked.choices


def read_question(body: bytes, headers: Mapping[bytes, bytes], settings: Settings) -> Question:
    """Raises InvalidRequest and TooLarge."""
    fields = parse_body(body, settings.json, frozenset())
    if "request" not in fields or "messages" in fields:
        return Question(body, headers=headers)
    try:
        said = _ENVELOPE.decode(body)
    except msgspec.ValidationError as fault:
        raise InvalidRequest(
            f"The question is not what it has to be: {fault}. It takes {', '.join(_Envelope.__struct_fields__)}; a "
            "plain chat request is taken as well.",
            param="request",
        ) from None
    given = headers
    if said.headers is not None:
        given = {name.lower().encode(): value.encode() for name, value in said.headers.items()}
    return Question(bytes(said.request), said.dialect, given, said.model, said.stream)


def _path(dialect: Dialect, question: Question) -> PathAsk:
    """What the path would have said."""
    if not question.model:
        return PathAsk()
    for entry in dialect.entries:
        if entry.stream == question.stream and "{model}" in entry.path:
            return PathAsk(question.model, entry.stream, entry.form)
    return PathAsk(question.model, question.stream)
