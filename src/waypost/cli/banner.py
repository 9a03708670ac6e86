"""What `waypost serve` prints once it is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waypost.cli.output import people, print_json

if TYPE_CHECKING:
    from waypost.app.started import Started


def announce_json(started: Started) -> None:
    """For scripts."""
    print_json(
        {
            "url": started.url,
            "key": started.new_key,
            "keys": started.key_count,
            "providers": [provider.name for provider in started.found.providers],
            "local_model": started.found.local_model,
            "models": started.models,
            "recovered": started.recovered,
            "workers": started.workers,
        }
    )


def announce(started: Started) -> None:
    """For people: where it is, how it is asked, and what it found."""
    console = people()
    url = started.url.removesuffix("/")
    base = url if url.endswith("/v1") else f"{url}/v1"
    console.print(f"\n[bold]Waypost is ready.[/]  [dim]Ctrl-C stops it.[/]\n\n  Base URL  [bold]{base}[/]")
    if started.new_key is not None:
        console.print(
            f"  API key   [bold]{started.new_key}[/]  [dim]shown only now; only its hash is stored[/]"
        )
    else:
        count = "1 key" if started.key_count == 1 else f"{started.key_count} keys"
        console.print(f"  API key   {count} from before; for another one: waypost keys create --name NAME")
    _announce_targets(started)
    if started.workers > 1:
        limits = (
            "its share of each limit"
            if started.limits_split
            else "all limits together, over the shared store"
        )
        console.print(f"  Workers   {started.workers} [dim](one set of books; each holds {limits})[/]")
    if started.recovered:
        console.print(f"  Recovered {started.recovered}", markup=False)
    key = started.new_key or "$WAYPOST_KEY"
    model = started.example or started.found.local_model or "MODEL"
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Say hello."}}]}}'
    console.print("\n  Try it:\n")
    quote = "'" if started.new_key else '"'
    console.print(
        f"curl {base}/chat/completions \\\n  -H {quote}authorization: Bearer {key}{quote} \\\n"
        f"  -H 'content-type: application/json' \\\n  -d '{body}'\n",
        markup=False,
    )


def _announce_targets(started: Started) -> None:
    console = people()
    found = started.found
    for provider in found.providers:
        if found.local_model and found.local_model.startswith(f"{provider.name}/"):
            continue
        count = len(found.listed.get(provider.name, ()))
        models = f", {count} model{'s' if count > 1 else ''}" if count else ""
        console.print(f"  Found     {provider.name} [dim]({provider.origin_label}{models})[/]")
    if found.local_model:
        console.print(f"  Found     {found.local_model} [dim](small local model)[/]")
    if not found.providers and not found.local_model:
        console.print(
            "  Found     [yellow]no provider by itself[/] [dim](waypost doctor says what is missing)[/]"
        )
    for reason in found.ignored:
        console.print(f"  Ignored   {reason}", markup=False, style="dim")
