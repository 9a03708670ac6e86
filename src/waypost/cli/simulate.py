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
    secret: Annotated[
        str | None,
        typer.Option(
            envvar="WAYPOST_SIMULATE_SECRET",
            metavar="SECRET",
            help="Check Bedrock's signatures against this secret access key; --key is its access key id.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a simulated provider that answers, fails and bills on demand, in every dialect of a provider.

    It speaks OpenAI's chat completions and Responses, Anthropic's Messages, Gemini's API, Bedrock's Converse and
    Cohere's API on one address. Models and faults are chosen by model name; GET /bill says what it would charge and
    GET /asks what it was asked. Stop it with Ctrl-C.

    Examples:

      waypost simulate

      waypost simulate --port 0 --seed 7 --json
    """
    from waypost.simulator.run import SimulatorSettings, run

    try:
        settings = SimulatorSettings(host=host, port=port, seed=seed, key=key, secret=secret)
        run(settings, ready=lambda simulator: _announce(simulator, seed, as_json))
    except OSError:
        fail(
            f"{host}:{port} can not be listened on: it is taken or not an address of this machine.",
            Exit.UNREACHABLE,
            "Choose another port; --port 0 takes any free one.",
        )


def _announce(simulator: Simulator, seed: int, as_json: bool) -> None:
    """Say where it listens."""
    pages = {"bill": f"{simulator.root}/bill", "asks": f"{simulator.root}/asks"}
    if as_json:
        print_json({"url": simulator.url, "root": simulator.root, **pages, "seed": seed})
        return
    console = people()
    console.print(f"{OK} simulated provider at [bold]{simulator.url}[/], seed {seed}")
    for name, page in pages.items():
        console.print(f"  {name}   {page}")
    console.print(f"  config {{name: sim, dialect: openai_chat, base_url: {simulator.url}}}")
