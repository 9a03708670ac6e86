"""Stage 4: which route a request takes, whether it may, and what is set aside for it.

What holds for it is looked up once (`live.rules`): the rules of its key and of everybody the key belongs to, and those
of the scopes that it names itself. Limits are taken first, then money; what a later step refuses is given back when the
exchange is settled.
"""

from __future__ import annotations

from collections.abc import Mapping

from waypost.config.snapshot import Route
from waypost.core.asked import Asked
from waypost.core.key import Key
from waypost.core.limit import Need
from waypost.core.rules import FreeShare, Named, Rules, Standing
from waypost.core.usage import Usage
from waypost.errors import (
    BudgetExceeded,
    CallerError,
    CreditsExhausted,
    FreeTierExhausted,
    GatewayError,
    LimitError,
    NoTarget,
    StoreUnavailable,
)
from waypost.pipeline import free_tier, headers
from waypost.pipeline.exchange import LiveExchange
from waypost.pipeline.limit_headers import lines_of
from waypost.pipeline.planning import facets_of
from waypost.policy.admit import check_access, check_alternatives, cost_ceiling
from waypost.policy.bounds import without_given
from waypost.policy.directory import Directory
from waypost.policy.limit_terms import TOKENS
from waypost.policy.permit import check_metadata, check_network, check_operation, tags_of
from waypost.ports import Clock, Hold, Ledger, Limits
from waypost.routing.own import OwnKeys, brings
from waypost.routing.requested.overlay import variants
from waypost.routing.requested.select import Selected, Selector, trimmed

#: The scopes that metadata, or the body, tells.
_SAID = frozenset(("end_user", "tag"))
_ROUTE = "route/"
_UNPAID_MOST = 4096


class Admission:
    """Admits. Holds no state of any exchange."""

    def __init__(
        self,
        *,
        clock: Clock,
        directory: Directory,
        limits: Limits,
        ledger: Ledger,
        own: OwnKeys | None = None,
    ) -> None:
        """`own`: the credentials that people brought."""
        self._own = own or OwnKeys()
        #: Rules without what the operator gives, beside those that they were made of: accounts are kept by identity.
        self._unpaid: dict[int, tuple[Rules, Rules]] = {}
        self._clock = clock
        self._directory = directory
        self._limits = limits
        self._ledger = ledger
        self._selector = Selector()

    def recognize(self, live: LiveExchange, key: Key) -> None:
        """Whose request it is, as soon as its key is known. Raises Forbidden for one from elsewhere, or for what the
        key is not for."""
        live.key = key
        live.standing = self._directory.standing(key)
        call = live.call
        if key.networks and call.principal is None:
            check_network(key, None if call.peer is None else call.peer[0])
        if key.endpoints:
            check_operation(key, call.dialect.operation)

    async def admit(self, live: LiveExchange) -> None:
        """Set aside what the request may use. Raises GatewayError for one that is refused."""
        standing, asked = live.standing, live.asked
        assert standing is not None  # noqa: S101 - stage 2 set it or raised
        assert asked is not None  # noqa: S101 - stage 3 set it or raised
        selected = self._selector.select(live.snapshot, asked, live.wishes, standing)
        self._enter(live, selected, standing)
        reason = self._ledger.ready
        if reason is not None:
            raise StoreUnavailable(f"New requests can not be accounted for now: {reason.rstrip('.')}.")
        key = standing.key
        if key.required_tags:
            check_metadata(key, _metadata(live))
        try:
            await self._take(live, standing, selected.route)
        except BudgetExceeded as error:
            if error.route is None or not await self._instead(live, standing, error):
                if live.taken is not None:
                    self._give_back(live)  # before its headers are made: it took nothing
                    self._tell(live, live.rules, self._clock.monotonic())
                raise

    async def admit_own(self, live: LiveExchange, route: Route) -> None:
        """The same for what the gateway asks for itself, which no key pays: only the operator's rules for everything
        hold for it, and those of the organization that had it asked. Raises LimitError and StoreUnavailable."""
        standing = self._directory.own(route.owner)
        if standing.rules.bounds or standing.rules.paces or standing.asks:
            await self._take(live, standing, route)

    def tell(self, live: LiveExchange) -> None:
        """Have a refusal tell of the limits of its key, where it came before they were taken."""
        if live.standing is not None and live.standing.rules.paces and not live.told:
            self._tell(live, live.standing.rules, self._clock.monotonic())

    # --- the steps ---------------------------------------------------------------------------------------------------

    def _enter(self, live: LiveExchange, selected: Selected, standing: Standing) -> None:
        """The request takes a route. Raises Forbidden when it may not."""
        route, asked = selected.route, selected.asked
        live.selected, live.route, live.asked = selected, route, asked
        if live.original is not None:
            live.original = (live.original[0], trimmed(live.original[1], asked))
        if standing.key.models or standing.models:
            check_access(standing, route, asked.model)
            check_alternatives(standing, asked)

    async def _take(
        self, live: LiveExchange, standing: Standing, route: Route, *, instead: bool = False
    ) -> None:
        """Set limits and money aside. What is taken `instead` and costs nothing has room on a budget that is overdrawn,
        too. Raises LimitError and StoreUnavailable."""
        live.unpaid = None
        rules = standing.rules
        if standing.asks:
            rules = self._directory.rules(standing, named_by(live, standing, route))
        live.rules = rules
        if rules.paces and not self._take_limits(live, rules, route):
            await self._ask_limits(live, rules, route)
        at, amount, free = live.started_us / 1e6, 0, False
        try:
            if rules.free is not None and await self._take_free(live, standing, route, rules.free, at):
                return
            if rules.bounds:
                amount = self._ceiling(live, standing, route, at)
                free = instead and not amount and self._is_priced(live, route, at)
            hold = self._ledger.try_reserve(rules, amount, at, free=free)
            live.hold = hold if hold is not None else await self._held(rules, amount, at, free=free)
        except (CreditsExhausted, FreeTierExhausted) as refused:
            if not self._brings(live, route):
                raise
            await self._take_unpaid(live, standing, route, rules, refused)

    async def _take_free(
        self, live: LiveExchange, standing: Standing, route: Route, share: FreeShare, at: float
    ) -> bool:
        """Set it aside on the free tier, and where that has no room on prepaid credit. False: it costs nothing, and
        needs neither."""
        rules, tier = live.rules, share.tier
        live.rules = share.rules
        amount = self._ceiling(live, standing, route, at)
        if not amount and self._is_priced(live, route, at):
            live.rules = rules
            return False
        try:
            if not tier.covers((*route.requires, route.name)):
                raise free_tier.not_covered(route.name, tier)
            live.hold = await self._held(share.rules, amount, at)
        except FreeTierExhausted as refused:
            if share.alone:
                raise
            live.rules = rules
            try:
                live.hold = await self._held(rules, amount, at)
            except CreditsExhausted as error:
                raise free_tier.neither(refused, error) from None
            return True
        live.told = (*live.told, free_tier.header(tier, self._ledger.left_free(share, at), at))
        return True

    def _brings(self, live: LiveExchange, route: Route) -> bool:
        """Whether the route leads to credentials that were brought, whose owner pays the provider."""
        if not self._own.homes or live.key is None:
            return False
        return brings(self._own.route(route, live.key, live.started_us / 1e6, live.snapshot.version))

    async def _take_unpaid(
        self, live: LiveExchange, standing: Standing, route: Route, rules: Rules, refused: BudgetExceeded
    ) -> None:
        """Set nothing aside on what the operator gives, and leave out the operator's keys."""
        kept = self._unpaid.get(id(rules))
        if kept is None or kept[0] is not rules:
            if len(self._unpaid) >= _UNPAID_MOST:
                self._unpaid.clear()
            kept = self._unpaid[id(rules)] = (rules, without_given(rules))
        live.rules, live.unpaid = kept[1], refused
        at = live.started_us / 1e6
        live.hold = await self._held(live.rules, self._ceiling(live, standing, route, at), at)

    async def _held(self, rules: Rules, amount: int, at: float, *, free: bool = False) -> Hold:
        """What was set aside, once what it is set aside on is in memory."""
        while (hold := self._ledger.try_reserve(rules, amount, at, free=free)) is None:
            await self._ledger.load(rules, at, amount)
        return hold

    def _ceiling(self, live: LiveExchange, standing: Standing, route: Route, at: float) -> int:
        asked, settings, call = live.asked, live.snapshot.settings, live.call
        assert asked is not None  # noqa: S101 - stage 3 set it or raised
        key, rules = standing.key, live.rules
        if route.node is None:
            return cost_ceiling(key, rules, route, asked, settings, at)
        forms = variants(route.node, asked, call.dialect, settings.json, call.path)
        return max(cost_ceiling(key, rules, route, form, settings, at) for form in forms)

    def _is_priced(self, live: LiveExchange, route: Route, at: float) -> bool:
        """Whether everything that may be asked has a price: what then costs 0 is known to."""
        asked = live.asked
        assert asked is not None  # noqa: S101 - stage 3 set it or raised
        least = Usage(asked.input_estimate, units=asked.units)
        return all(
            target.tariff is not None and target.tariff.cost(least, at) is not None
            for target in route.targets
        )

    def _take_limits(self, live: LiveExchange, rules: Rules, route: Route) -> bool:
        """False: who counts them has to be asked."""
        paces, now = rules.paces, self._clock.monotonic()
        try:
            taken = live.taken = self._limits.take(paces, _needed(live, rules, route), now)
        except GatewayError:
            self._tell(live, rules, now)
            raise
        if taken is None:
            return False
        self._tell(live, rules, now)
        return True

    async def _ask_limits(self, live: LiveExchange, rules: Rules, route: Route) -> None:
        now = self._clock.monotonic()
        try:
            live.taken = await self._limits.ask(rules.paces, _needed(live, rules, route), now)
        finally:
            self._tell(live, rules, now)

    def _tell(self, live: LiveExchange, rules: Rules, now: float) -> None:
        shown = self._limits.shown(rules.paces, now)
        live.told = lines_of(shown, live.call.dialect.family, self._clock)

    async def _instead(self, live: LiveExchange, standing: Standing, error: BudgetExceeded) -> bool:
        """Take the route that an exhausted budget names, where the key may and there is room. False: it is not so."""
        named, routes = error.route or "", live.snapshot.routes
        route = routes.get(named) or routes.get(_ROUTE + named) or _own(live, standing, named)
        selected, told = live.selected, live.told
        if route is None or selected is None:
            return False
        self._give_back(live)
        try:
            self._enter(live, Selected(route, selected.asked), standing)
            await self._take(live, standing, route, instead=True)
        except (LimitError, CallerError):
            self._give_back(live)
            live.selected, live.route, live.asked, live.told = selected, selected.route, selected.asked, told
            return False
        live.told = (*live.told, headers.instead(error.budget, route.name))
        return True

    def _give_back(self, live: LiveExchange) -> None:
        if live.taken is not None:
            live.taken.end((), False, self._clock.monotonic())
            live.taken = None


_NO_NEED = Need()


def _needed(live: LiveExchange, rules: Rules, route: Route) -> Need:
    """What limits are asked for."""
    for pace in rules.paces:
        if pace.limit.unit in TOKENS:
            assert live.asked is not None  # noqa: S101 - stage 3 set it or raised
            return _need(live.asked, route, live.snapshot.settings.reserve_output_tokens)
    return _NO_NEED


def _need(asked: Asked, route: Route, reserve: int) -> Need:
    """What limits on tokens are asked for: the estimated input, and as much output as is held money for."""
    output = max(asked.expected_output(target.facts.max_output, reserve) for target in route.targets)
    return Need(asked.input_estimate, output, asked.max_output is not None)


def _own(live: LiveExchange, standing: Standing, named: str) -> Route | None:
    """A route of the organization, while it leads anywhere."""
    try:
        return live.snapshot.find_own(standing.key.organization_id, _ROUTE + named.removeprefix(_ROUTE))
    except NoTarget:
        return None


def named_by(live: LiveExchange, standing: Standing, route: Route) -> Named:
    """The scopes that a request names, as far as there are rules for any. Raises InvalidRequest for too many tags."""
    asks = standing.asks
    end_user: str | None = None
    tags: tuple[str, ...] = ()
    if live.key is not None and not asks.isdisjoint(_SAID):
        facets = facets_of(live, _nothing_left)
        if "end_user" in asks:
            said = facets["user"]
            end_user = said if isinstance(said, str) else None
        if "tag" in asks:
            tags = tags_of(_metadata(live))
    return Named(
        end_user,
        tags,
        route.name if "route" in asks else None,
        tuple([target.model for target in route.targets]) if "model" in asks else (),
        tuple([target.provider.name for target in route.targets]) if "provider" in asks else (),
    )


def _metadata(live: LiveExchange) -> Mapping[str, object]:
    metadata = facets_of(live, _nothing_left)["metadata"]
    return metadata if isinstance(metadata, Mapping) else {}


def _nothing_left(_rules: Rules, _at: float) -> None:
    return None
