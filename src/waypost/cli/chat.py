"""`waypost chat`: talk to a model through the running gateway."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from waypost.cli.options import DEFAULT_URL, Json, Url
from waypost.cli.output import fail, people, print_json

if TYPE_CHECKING:
    from waypost.cli.link import GatewayLink
    from waypost.cli.turn import Turn


def chat(
    message: Annotated[
        str | None, typer.Argument(metavar="[MESSAGE]", help="What to say. Left out: a conversation.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            envvar="WAYPOST_MODEL",
            metavar="MODEL",
            help="Model or route to ask. Default: the first one of the gateway.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            envvar="WAYPOST_KEY",
            metavar="KEY",
            help="Key to ask with. Better set by its variable.",
            show_envvar=True,
        ),
    ] = None,
    url: Url = DEFAULT_URL,
    system: Annotated[
        str | None,
        typer.Option(
            envvar="WAYPOST_SYSTEM", metavar="TEXT", help="Instructions for the whole conversation."
        ),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(envvar="WAYPOST_MAX_TOKENS", min=1, help="Longest answer, in tokens.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Talk to a model through the running gateway; tokens appear as they arrive, then what they cost.

    Without a message it is a conversation: an empty line or Ctrl-D ends it. Text piped in is one message.

    Examples:

      export WAYPOST_KEY=sk-wp-…

      waypost chat "Why is the sky blue?" --model fast

      git diff | waypost chat --system "Write a commit message." --json
    """
    import asyncio

    piped = None if sys.stdin.isatty() or message is not None else sys.stdin.read().strip()
    if message is None and piped == "":
        fail("There is nothing to say.", hint='waypost chat "Hello"')
    asyncio.run(_talk(message or piped, model, key, url, system, max_tokens, as_json))


async def _talk(
    message: str | None,
    model: str | None,
    key: str | None,
    url: str,
    system: str | None,
    max_tokens: int | None,
    as_json: bool,
) -> None:
    import asyncio

    from waypost.cli.link import GatewayLink
    from waypost.cli.turn import Conversation

    link = GatewayLink(url, key)
    try:
        conversation = Conversation(link, model or await _first_model(link), system, max_tokens)
        console = people()
        if message is not None:
            _finish(await conversation.say(message, None if as_json else _write), as_json)
            return
        console.print(f"[dim]{conversation.model} · an empty line ends it[/]")
        while said := (await asyncio.to_thread(_ask)):
            _finish(await conversation.say(said, None if as_json else _write), as_json)
    finally:
        await link.aclose()


async def _first_model(link: GatewayLink) -> str:
    from waypost.cli.turn import read_models

    models = await read_models(link)
    if not models:
        fail("The gateway offers no model to this key.", hint="waypost models list shows what it knows.")
    return models[0]


def _ask() -> str:
    try:
        return input("› ").strip()
    except EOFError:
        return ""


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _finish(turn: Turn, as_json: bool) -> None:
    if as_json:
        print_json(turn)
        return
    cost = "cost unknown" if turn.cost is None else f"${turn.cost}"
    tokens = (
        "tokens unknown"
        if turn.input_tokens is None
        else f"{turn.input_tokens} + {turn.output_tokens} tokens"
    )
    _write("\n")
    people().print(f"[dim]{turn.model} · {tokens} · {cost} · {turn.seconds:.1f} s[/]")
