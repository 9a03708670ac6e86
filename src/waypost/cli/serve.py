"""`waypost serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from waypost.cli.exits import Exit
from waypost.cli.failures import end_by
from waypost.cli.options import DEFAULT_DATA, ConfigFile, Data, Json, chosen_config
from waypost.cli.output import fail, people, print_json
from waypost.cli.serve_options import DrainDelay, Host, Port, Workers

if TYPE_CHECKING:
    from waypost.app.started import Started
    from waypost.errors import GatewayError


def serve(
    host: Host = None,
    port: Port = None,
    workers: Workers = 1,
    drain_delay: DrainDelay = "0s",
    data: Data = DEFAULT_DATA,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Run the gateway.

    Without a configuration it uses the providers whose keys are in the environment, model servers of this machine,
    and, if there is neither, a small local model. The first start prints an API key, once.

    The database is brought up to date at the start. Before an upgrade: waypost db backup FILE

    Examples:

      waypost serve

      OPENAI_API_KEY=… waypost serve --port 8080

      waypost serve --config waypost.yaml --data /var/lib/waypost --host 0.0.0.0

      waypost serve --workers 4
    """
    from waypost.app import Options
    from waypost.app import serve as serve_gateway
    from waypost.config.values import parse_duration

    try:
        delay = parse_duration(drain_delay)
    except ValueError as error:
        fail(f"--drain-delay: {error}.", Exit.USAGE)
    options = Options(data=data, config=chosen_config(config), host=host, port=port, drain_delay_s=delay)
    announce = _announce_json if as_json else _announce
    if workers > 1:
        from waypost.app.workers.serve import serve_workers

        raise typer.Exit(serve_workers(options, workers, announce, _ended))
    raise typer.Exit(serve_gateway(options, announce))


def _ended(error: GatewayError) -> int:
    """A worker ends by this, in its own process: told as by the command itself."""
    try:
        end_by(error)
    except typer.Exit as end:
        return int(end.exit_code)


def _announce_json(started: Started) -> None:
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


def _announce(started: Started) -> None:
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
