"""What commands print: calm tables for people, one JSON document per line for scripts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from waypost.cli.exits import Exit

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from waypost.config.problems import ConfigProblem

#: Where there is no screen, nothing is cut or wrapped.
WIDE = 1000
OK, WRONG, NOTE = "[green]✓[/]", "[red]✗[/]", "[yellow]•[/]"


def people(*, stderr: bool = False) -> Console:
    """A console for people. Rich itself leaves colours out for NO_COLOR and for what is not a terminal."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = WIDE
    return console


def print_json(value: object) -> None:
    """One JSON document on one line of stdout."""
    import msgspec

    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def print_secret(text: str) -> None:
    """A text that is stored nowhere. It comes before all words about it: were they to fail, it would be lost."""
    sys.stdout.write(f"\n  {text}\n\n")
    sys.stdout.flush()


def fail(message: str, code: Exit = Exit.REFUSED, hint: str | None = None) -> NoReturn:
    """Say on stderr what is wrong and what to do, and end."""
    from rich.text import Text

    console = people(stderr=True)
    console.print(Text.assemble(("✗ ", "red"), message))
    if hint:
        console.print(Text.assemble(("  → ", "dim"), hint))
    import typer  # only here: a gateway that serves has no use for it

    raise typer.Exit(int(code))


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """A table without a frame."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def visible(text: str) -> Text:
    """What somebody else wrote, a client's model name or body, safe on a terminal: no markup is read in it, and
    control characters, which can rewrite the screen or the clipboard, are shown as `�`."""
    from rich.text import Text

    return Text("".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text))


def print_problems(problems: Sequence[ConfigProblem], *, stderr: bool = True) -> None:
    """Configuration problems, the place of each first, so that editors can jump to it."""
    from rich.text import Text

    from waypost.config.problems import render_problem

    console = people(stderr=stderr)
    for problem in problems:
        head, *rest = render_problem(problem).split("\n")
        console.print(Text(head, style="bold"))
        for line in rest:
            console.print(Text(line, style="dim"))


def show_time(unix: float | None) -> str:
    """A moment as UTC to the minute; `never` for none."""
    if unix is None:
        return "never"
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M")


def show_usd(nano: int | None) -> str:
    """Nano-dollars as `$0.000123`; `unknown` for a price nobody knows."""
    from waypost.core.money import render_usd

    return "unknown" if nano is None else f"${render_usd(nano)}"


def show_ms(micro: int | None) -> str:
    """Microseconds as milliseconds."""
    return "–" if micro is None else f"{micro / 1000:,.0f} ms"
