"""What a person is told once the gateway listens."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from waypost.app.surroundings import Found
from waypost.config.snapshot import Snapshot
from waypost.ledger.recovery import RecoveryReport


class Started(msgspec.Struct, frozen=True):
    """What a person wants to know once the gateway listens."""

    url: str
    new_key: str | None
    """The first key's text, once, when the data folder had none."""
    key_count: int
    found: Found
    models: int
    recovered: str | None
    example: str | None = None
    """A model for a first try: configured before discovered, and one for chat as far as is known."""


#: Called once, when requests are answered.
Announce = Callable[[Started], None]


def example_of(snapshot: Snapshot) -> str | None:
    chats = (name for name, route in snapshot.routes.items() if route.targets[0].facts.mode in (None, "chat"))
    return next(chats, None)


def reachable(host: str) -> str:
    """An address of this machine at which `host` is listened on."""
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound


def summary_of(report: RecoveryReport) -> str | None:
    """One sentence on what an unclean end left to do; None after a clean one."""
    if report.clean:
        return None
    text = f"recovered from an unclean end: {report.settled} settled requests posted, {report.estimated} estimated"
    if report.damaged or report.set_aside:
        text += f", {report.damaged} damaged lines; kept for you: {', '.join(report.set_aside) or 'nothing'}"
    return text
