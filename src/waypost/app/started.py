"""What a person is told once the gateway listens."""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec

from waypost.app.surroundings import Found
from waypost.config.snapshot import Snapshot
from waypost.ledger.recovery import RecoveryReport
from waypost.stores.sql.keys import KeyRows, NewKey


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
    workers: int = 1
    limits_split: bool = False
    """Each worker holds its share of limits by itself, as no store to count them together is configured."""


#: Called once, when requests are answered.
Announce = Callable[[Started], None]


def started_of(keys: KeyRows, at: float, url: str, found: Found, snapshot: Snapshot, workers: int) -> Started:
    """What there is to tell at Unix time `at`. The first key is made here, once requests are answered: a start that
    fails must not use up the one time it is shown. Raises StoreUnavailable."""
    known, new_key = keys.count(), None
    if not known:
        issued, _ = keys.create(NewKey(name="first"), at, os.urandom)
        known, new_key = 1, issued.text
    return Started(
        url=url,
        new_key=new_key,
        key_count=known,
        found=found,
        models=len(snapshot.routes),
        recovered=None,
        example=example_of(snapshot),
        workers=workers,
        limits_split=snapshot.shared is None or not snapshot.shared.limits,
    )


def url_of(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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
