"""Stage 4: may this key use this route now, and what could it cost at most."""

from __future__ import annotations

from waypost.config.snapshot import Route, Settings
from waypost.config.targets import Target
from waypost.core.asked import Asked
from waypost.core.key import Key, matches
from waypost.core.markup import charged
from waypost.core.price import Tariff
from waypost.core.rules import Rules, Standing
from waypost.errors import Forbidden, Unpriced

_ALTERNATIVES = ("fallbacks", "models", "preset")
_NAMED = "route/"
_NOTHING = frozenset((b"null", b"[]"))


def check_access(standing: Standing, route: Route, asked: str) -> None:
    """Raises Forbidden unless the key, and everybody it belongs to, may use the matched route.

    The route's canonical name decides. What the client wrote (an alias, a bare model id) counts only through the
    route it was matched to, so a spelling can not open what a name closes. Where a request put its route together
    itself, every model that it listed has to be allowed.
    """
    key = standing.key
    if key.models and not _is_own(key, route):
        _check_list(f"The key {key.name!r}", key.models, route, asked)
    approved = standing.approved
    for models, whose in zip(standing.models, standing.whose, strict=True):
        # Routes that the organization made itself lead only to what is approved for it, which need not name them.
        _check_list(f"What belongs to {whose}", models, route, asked, route.own if approved else ())
        approved = False


def _check_list(
    who: str, models: tuple[str, ...], route: Route, asked: str, open_names: tuple[str, ...] = ()
) -> None:
    closed = [name for name in route.requires if name not in open_names and not matches(models, (name,))]
    if not closed and (route.name in open_names or matches(models, (route.name,))):
        return
    named = asked if closed in ([], [route.name]) else closed[0]
    raise Forbidden(
        f"{who} may not use the model {named!r}. It may use: {', '.join(models)}.",
        param="model",
    )


def _is_own(key: Key, route: Route) -> bool:
    """The route that the operator gave the key is open to it, whatever its list of models says. A route that a request
    put together itself has names in `requires`, and never is."""
    if key.route is None or route.requires:
        return False
    return key.route == route.name or f"{_NAMED}{key.route.removeprefix('policy/')}" == route.name


def check_alternatives(standing: Standing, asked: Asked) -> None:
    """Raises Forbidden where a list of models holds for a key, its own or that of somebody it belongs to, and a request
    lets a provider choose others: Anthropic's `fallbacks` and OpenRouter's `models` name models that the provider
    itself goes to, unseen by the gateway, and a `preset` that is kept at OpenRouter may hold some. Selecting a route
    takes the first two out of the request; for them this is the net below it, for what would reach a provider all the
    same.

    https://platform.claude.com/docs/en/api/messages and https://openrouter.ai/docs/features/model-routing (2026-11-25)
    """
    key = standing.key
    if not (key.models or standing.models):
        return
    for name in _ALTERNATIVES:
        raw = asked.fields.get(name)
        if raw is not None and bytes(raw) not in _NOTHING:
            raise Forbidden(
                f"The key {key.name!r} may only use some models, and `{name}` lets the provider go to others. Leave it "
                "out: what `models` and `fallbacks` list at the top of the body, the gateway goes through itself.",
                param=name,
            )


def check_priced(key: Key, rules: Rules, route: Route, settings: Settings, param: str = "model") -> None:
    """Raises Unpriced when a budget could refuse, and it can not be known what the route costs."""
    for target in route.targets:
        if target.tariff is None and not settings.allow_unpriced and rules.hard:
            raise _unpriced(key, target, param)


def _unpriced(key: Key, target: Target, param: str) -> Unpriced:
    why = "" if target.tariff is None else " for what this request asks for"
    return Unpriced(
        f"A budget holds for the key {key.name!r}, and the price of {target.name!r} is unknown{why}, so the budget "
        "could not hold. Set `prices` for the model in waypost.yaml, or `ledger.allow_unpriced: true`.",
        param=param,
    )


def cost_ceiling(key: Key, rules: Rules, route: Route, asked: Asked, settings: Settings, at: float) -> int:
    """The most this request can cost at any of the route's targets, in nano-dollars; what is held for it.

    Where the client sets no output limit, `reserve_output_tokens` (or the model's own smaller maximum) is held for
    each answer. Raises Unpriced when a hard budget applies, a target's price is unknown and the operator does not allow
    it.
    """
    if not rules.bounds:
        return 0
    most = 0
    for target in route.targets:
        output = asked.expected_output(target.facts.max_output, settings.reserve_output_tokens)
        cost = _most(target.tariff, asked, output, at)
        if cost is None:
            if rules.hard and not settings.allow_unpriced:
                raise _unpriced(key, target, "model")
            continue
        if target.markup:
            cost = charged(cost, target.markup)
        if cost > most:
            most = cost
    return most


def _most(tariff: Tariff | None, asked: Asked, output: int, at: float) -> int | None:
    """None where it can not be known."""
    if tariff is None:
        return None
    cost = tariff.ceiling(asked.input_estimate, output, at, None, asked.units)
    if asked.tier is None or cost is None:
        return cost
    # The provider may serve the default tier whatever was asked for, so a cheap one lowers no hold.
    tiered = tariff.ceiling(asked.input_estimate, output, at, asked.tier, asked.units)
    return None if tiered is None else max(cost, tiered)
