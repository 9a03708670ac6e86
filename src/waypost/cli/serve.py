"""`waypost serve`."""

from __future__ import annotations

import typer

from waypost.cli.exits import Exit
from waypost.cli.options import DEFAULT_DATA, ConfigFile, Data, Json, chosen_config
from waypost.cli.output import fail
from waypost.cli.serve_options import DrainDelay, Host, Port, Workers


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
    from waypost.cli.serving import Order, serve_gateway
    from waypost.config.values import parse_duration

    try:
        delay = parse_duration(drain_delay)
    except ValueError as error:
        fail(f"--drain-delay: {error}.", Exit.USAGE)
    order = Order(
        host=host,
        port=port,
        workers=workers,
        drain_delay_s=delay,
        data=data,
        config=chosen_config(config),
        as_json=as_json,
    )
    raise typer.Exit(serve_gateway(order))
