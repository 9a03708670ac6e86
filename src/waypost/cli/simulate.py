"""`waypost simulate`: a provider to try things against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from waypost.cli.exits import Exit
from waypost.cli.options import Json
from waypost.cli.output import OK, fail, people, print_json

if TYPE_CHECKING:
    from waypost.simulator.run import Simulator


def simulate(
    host: Annotated[
        str, typer.Option(envvar="WAYPOST_SIMULATE_HOST", metavar="HOST", help="Address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            envvar="WAYPOST_SIMULATE_PORT", min=0, max=65535, help="Port to listen on; 0 for any free one."
        ),
    ] = 4200,
    seed: Annotated[
        int,
        typer.Option(envvar="WAYPOST_SIMULATE_SEED", help="The same seed gives the same answers and faults."),
    ] = 1,
    key: Annotated[
        str | None,
        typer.Option(
            envvar="WAYPOST_SIMULATE_KEY",
            metavar="KEY",
            help="Ask for this API key. Default: any key, or none.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a simulated provider of the OpenAI dialect that answers, fails and bills on demand.

    Models and faults are chosen by model name; GET /bill says what it would charge. Stop it with Ctrl-C.

    Examples:

      waypost simulate

      waypost simulate --port 0 --seed 7 --json
    """
    from waypost.simulator.run import SimulatorSettings, run

    def ready(simulator: Simulator) -> None:
        if as_json:
            print_json({"url": simulator.url, "bill": f"{simulator.root}/bill", "seed": seed})
            return
        console = people()
        console.print(f"{OK} simulated provider at [bold]{simulator.url}[/], seed {seed}")
        console.print(f"  bill   {simulator.root}/bill")
        console.print(f"  config {{name: sim, dialect: openai_chat, base_url: {simulator.url}}}")

    try:
        run(SimulatorSettings(host=host, port=port, seed=seed, key=key), ready=ready)
    except OSError:
        fail(
            f"{host}:{port} can not be listened on: it is taken or not an address of this machine.",
            Exit.UNREACHABLE,
            "Choose another port; --port 0 takes any free one.",
        )
