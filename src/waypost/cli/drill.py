"""`waypost drill`: outage rehearsals."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, cast

import typer

from waypost.cli.drill_options import (
    After,
    Delay,
    Duration,
    FaultName,
    OnlyKey,
    OnlyModels,
    OnlyOrg,
    OnlyRegion,
    OnlyRoute,
    Provider,
    Share,
    Stop,
)
from waypost.cli.exits import Exit
from waypost.cli.options import DEFAULT_DATA, Data, Gateway, Json, OperatorKey, Yes
from waypost.cli.output import fail, people, print_json, table, visible

if TYPE_CHECKING:
    from rich.console import RenderableType

    from waypost.cli.control import Counter
    from waypost.pipeline.rehearsal_report import Report

_POLL_S = 1.0


def drill(
    provider: Provider = None,
    fault: FaultName = "503",
    duration: Duration = "10m",
    key_name: OnlyKey = None,
    route: OnlyRoute = None,
    org: OnlyOrg = None,
    share: Share = "100%",
    model: OnlyModels = None,
    region: OnlyRegion = None,
    after: After = 4,
    delay: Delay = "2s",
    yes: Yes = False,
    stop: Stop = None,
    operator_key: OperatorKey = None,
    url: Gateway = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Rehearse the outage of a provider: some requests meet the fault in place of the provider, and you see what their
    clients see. All other requests go on as always. It ends by itself, or with Ctrl-C, and leaves a report.

    The exit code is 1 when a client saw an error, so that a rehearsal can be a check.

    Examples:

      waypost drill --provider openai --fault 503 --for 10m --key staging

      waypost drill --provider openai --fault cut --route fast --share 5% --json
    """
    from waypost.cli.control import Counter, find_door

    with Counter(find_door(data, url, operator_key)) as counter:
        if stop is not None:
            _print_told(_decode(counter.ask("DELETE", f"/v1/drills/{stop}")), as_json)
            return
        if not provider:
            fail("Say whose outage is rehearsed: --provider NAME.", Exit.USAGE)
        portion = _parse_share(share)
        everyone = key_name is None and route is None and portion >= 1
        _confirm(everyone and not yes and not as_json)
        wanted = {
            "providers": provider,
            "models": model or [],
            "region": region,
            "fault": fault,
            "key": key_name,
            "route": route,
            "organization": org,
            "share": portion,
            "duration": duration,
            "after": after,
            "delay": delay,
            "everyone": everyone and (yes or not as_json),
        }
        with Interrupt() as interrupt:
            begun = _decode(counter.ask("POST", "/v1/drills", wanted))
            told = follow(counter, begun, interrupt.wait, quiet=as_json)
    _end(told, as_json)


def _end(told: Report, as_json: bool) -> None:
    _print_told(told, as_json)
    if told.numbers.errors or told.lost:
        raise typer.Exit(int(Exit.REFUSED))


def _confirm(needed: bool) -> None:
    if needed:
        typer.confirm("This touches the requests of every client. Go on?", abort=True)


class Interrupt:
    """Takes Ctrl-C, from before a rehearsal begins until it has ended, so that none is left running by it."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._before: object = None

    def __enter__(self) -> Interrupt:
        self._before = signal.signal(signal.SIGINT, lambda *_: self._asked.set())
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, cast(Callable[[int, FrameType | None], object], self._before))

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until Ctrl-C. True: it was pressed; asked again, it waits again."""
        pressed = self._asked.wait(seconds)
        self._asked.clear()
        return pressed


def follow(counter: Counter, told: Report, wait: Callable[[float], bool], *, quiet: bool) -> Report:
    """Show a rehearsal until it has ended. `wait` lets some seconds pass; True, and it is ended. Returns its report."""
    from rich.live import Live

    path = f"/v1/drills/{told.id}"
    console = people(stderr=quiet)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while told.state != "ended":
            if console.is_terminal and not quiet:
                live.update(picture(told), refresh=True)
            told = _decode(counter.ask("DELETE" if wait(_POLL_S) else "GET", path))
    return told


def _decode(body: bytes) -> Report:
    import msgspec

    from waypost.pipeline.rehearsal_report import Report

    return msgspec.json.decode(body, type=Report)


def picture(told: Report) -> RenderableType:
    """What is shown while it runs."""
    from rich.console import Group

    from waypost.pipeline.rehearsal_report import lines, tell_fault, tell_traffic

    order = told.order
    state = f"{told.left_s:.0f} s left, Ctrl-C ends it" if told.state == "running" else "ending"
    title = f"{told.id}  {', '.join(order.providers)}: {tell_fault(order.fault)}, for {tell_traffic(order)}"
    numbers = table("", "")
    numbers.show_header = False
    for name, value in lines(told):
        numbers.add_row(name, visible(value))
    newest = table("newest", "outcome", "way", "total", right=("total",))
    for seen in told.recent:
        newest.add_row(
            seen.id, seen.outcome, visible(" → ".join(seen.way) or "–"), f"{seen.total_ms:,.0f} ms"
        )
    return Group(visible(title), visible(f"  {state}; {told.in_flight} under way\n"), numbers, newest)


def _print_told(told: Report, as_json: bool) -> None:
    from rich.console import Group

    from waypost.pipeline.rehearsal_report import lines, tell_fault, tell_traffic

    if as_json:
        print_json(told)
        return
    console = people()
    order = told.order
    console.print(visible(f"Outage rehearsal {told.id} ({told.state})"), style="bold")
    console.print(
        visible(f"  {', '.join(order.providers)}: {tell_fault(order.fault)}, for {tell_traffic(order)}\n"),
        style="dim",
    )
    shown = table("", "")
    shown.show_header = False
    for name, value in lines(told):
        shown.add_row(f"  {name}", visible(value))
    console.print(Group(shown))
    if told.state == "ended":
        console.print(visible(f"\n  The report is in the data folder: drills/{told.id}.md and .json"))


def _parse_share(text: str) -> float:
    try:
        portion = float(text.removesuffix("%")) / 100
    except ValueError:
        portion = 0.0
    if not 0 < portion <= 1:
        fail(
            f"--share {text!r} is not a share.", Exit.USAGE, "Write it like 5%, more than 0 and at most 100%."
        )
    return portion
