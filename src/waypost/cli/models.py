"""`waypost models`: what clients can ask for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waypost.cli.options import DEFAULT_DATA, ConfigFile, Data, Json, chosen_config
from waypost.cli.output import fail, people, print_json, table, visible

if TYPE_CHECKING:
    from waypost.config.snapshot import Route, Snapshot
from waypost.config.targets import Target

app = typer.Typer(
    no_args_is_help=True,
    help="See the models that clients can ask for, with prices and sizes.\n\n"
    "Read from the configuration, the environment and what providers listed before; no gateway is needed.",
)

_UNIT_WORDS = {
    "audio_per_minute": "per minute of sound",
    "per_million_characters": "per million characters",
    "per_image": "per image",
    "per_search": "per search",
}

Pattern = Annotated[
    str | None,
    typer.Argument(metavar="[PATTERN]", help="Only names that match, such as openai/* or *mini*."),
]


@app.command("list")
def list_models(
    pattern: Pattern = None, data: Data = DEFAULT_DATA, config: ConfigFile = None, as_json: Json = False
) -> None:
    """List models: configured ones and routes first, then what each provider offers. Prices in USD per million tokens,
    of the first target; `show` also tells what is priced otherwise.

    Examples:

      waypost models list

      waypost models list 'openai/*' --json
    """
    from fnmatch import fnmatchcase

    snapshot = _snapshot(data, config)
    routes = [
        route for route in snapshot.routes.values() if pattern is None or fnmatchcase(route.name, pattern)
    ]
    if as_json:
        for route in routes:
            print_json(_view(route))
        return
    console = people()
    if not routes:
        console.print("No models." if pattern is None else f"No model matches {pattern}.", markup=False)
        for name in snapshot.providers:
            console.print(f"  Any model of {name} can be asked for as {name}/MODEL.", markup=False)
        return
    shown = table("model", "targets", "context", "input", "output", right=("context", "input", "output"))
    for route in routes:
        first = route.targets[0] if route.targets else None
        prices = _prices(first) if first else None
        shown.add_row(
            visible(route.name),
            visible(_named(route) if route.kind in ("config", "route") else ""),
            f"{first.facts.context:,}" if first and first.facts.context else "–",
            *_columns(first, prices),
        )
    console.print(shown)


@app.command()
def show(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="What a client would send as `model`.")],
    data: Data = DEFAULT_DATA,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Show one model: its targets in the order they are tried, prices, sizes and abilities.

    Examples:

      waypost models show fast

      waypost models show openai/gpt-5-mini --json
    """
    from waypost.config.outline import outline

    route = _snapshot(data, config).find(model)
    if as_json:
        print_json(_view(route))
        return
    console = people()
    console.print(f"[bold]{route.name}[/]  [dim]{route.kind}[/]")
    for line in outline(route.node) if route.node is not None else ():
        console.print(f"  {line}", markup=False)
    for target in _once(route):
        place = "" if route.node else f"  [dim]priority {target.priority}, weight {target.weight}[/]"
        console.print(f"\n  {target.name}{place}")
        _print_costs(target)
        if target.facts.context:
            console.print(f"    context   {target.facts.context:,} tokens")
        if target.facts.max_output:
            console.print(f"    output    {target.facts.max_output:,} tokens at most")
        if target.facts.features:
            console.print(f"    features  {', '.join(target.facts.features)}", markup=False)
        if target.facts.modalities:
            console.print(f"    reads     {', '.join(target.facts.modalities)}", markup=False)
    if not route.targets:
        fail(f"{route.name} has no target.")


def _print_costs(target: Target) -> None:
    from waypost.core.markup import render_percent

    console, prices = people(), _prices(target)
    costs = [f"${prices[0]} in, ${prices[1]} out per million tokens"] if prices else []
    costs += _unit_lines(target)
    for number, cost in enumerate(costs or ["unknown"]):
        console.print(f"    {'' if number else 'price':<9} {cost}", markup=False)
    if costs and target.markup:
        on = f"on ${prices[2]} in and ${prices[3]} out" if prices else "in these prices"
        console.print(f"    mark-up   {render_percent(target.markup)}, {on}")
    if target.tariff is not None:
        console.print(f"    from      {target.tariff.version}", markup=False)


def _snapshot(data: Path, config: Path | None) -> Snapshot:
    from waypost.catalog.discovery import ListedModel
    from waypost.cli.surroundings import load_config, open_database, resolve_config
    from waypost.stores.sql.discovered import DiscoveredModels

    loaded = load_config(chosen_config(config))
    database = open_database(data, create=False)
    listed: dict[str, tuple[ListedModel, ...]] = {}
    if database is not None:
        for provider, models in DiscoveredModels(database).list().items():
            listed[provider] = tuple(ListedModel(model, facts) for model, facts in models.items())
    return resolve_config(loaded, listed)


def _once(route: Route) -> list[Target]:
    """Its targets; where they are in a tree, each model of a provider once."""
    if route.node is None:
        return list(route.targets)
    first: dict[str, Target] = {}
    for target in route.targets:
        first.setdefault(target.name, target)
    return list(first.values())


def _named(route: Route) -> str:
    """The names of its targets, each once."""
    return ", ".join(dict.fromkeys(target.name for target in route.targets))


def _prices(target: Target) -> tuple[str, str, str, str] | None:
    """Input and output price in USD per million tokens, of a short request now; and both without the mark-up. None:
    not known, or not priced by tokens."""
    from waypost.app.clock import SystemClock
    from waypost.core.markup import charged
    from waypost.core.money import PER_MILLION, render_usd
    from waypost.core.usage import Usage

    if target.tariff is None:
        return None
    now = SystemClock.wall()
    # A thousand tokens: below every long-context band, and exact for every price of a thousandth of a cent or more.
    flat = target.tariff.cost(Usage(), now)
    if flat is None:
        return None
    per = PER_MILLION // 1000
    asked = ((target.tariff.cost(Usage(input=1000), now) or 0) - flat) * per
    answered = ((target.tariff.cost(Usage(output=1000), now) or 0) - flat) * per
    with_markup = charged(asked, target.markup), charged(answered, target.markup)
    return render_usd(with_markup[0]), render_usd(with_markup[1]), render_usd(asked), render_usd(answered)


def _unit_prices(target: Target) -> dict[str, str | dict[str, str]]:
    """What is not priced by tokens, in USD with the mark-up, under the names of `prices`."""
    from waypost.app.clock import SystemClock
    from waypost.app.prices import unit_prices
    from waypost.core.money import render_usd

    if target.tariff is None:
        return {}
    found = unit_prices(target.tariff, target.markup, SystemClock.wall())
    return {
        name: {kind: render_usd(each) for kind, each in price.items()}
        if isinstance(price, dict)
        else render_usd(price)
        for name, price in found.items()
    }


def _unit_lines(target: Target) -> list[str]:
    lines: list[str] = []
    for name, price in _unit_prices(target).items():
        if isinstance(price, dict):
            lines += [f"${each} per image of {kind}" for kind, each in price.items()]
        else:
            lines.append(f"${price} {_UNIT_WORDS[name]}")
    return lines


def _columns(target: Target | None, prices: tuple[str, ...] | None) -> tuple[str, str]:
    """What the list says of the prices for input and output."""
    if prices:
        return prices[0], prices[1]
    lines = _unit_lines(target) if target else []
    return (lines[0], "–") if lines else ("unknown", "unknown")


def _view(route: Route) -> dict[str, object]:
    from waypost.config.outline import outline
    from waypost.core.markup import render_percent

    targets: list[dict[str, object]] = []
    for target in route.targets:
        prices, units = _prices(target), _unit_prices(target)
        targets.append(
            {
                "provider": target.provider.name,
                "key": target.provider.key_name or None,
                "model": target.model,
                "priority": target.priority,
                "weight": target.weight,
                "prices": {**({"input": prices[0], "output": prices[1]} if prices else {}), **units}
                if prices or units
                else None,
                "markup": render_percent(target.markup),
                "price_version": target.tariff.version if target.tariff else None,
                "facts": target.facts,
            }
        )
    order = None if route.node is None else outline(route.node)
    return {"name": route.name, "kind": route.kind, "order": order, "targets": targets}
