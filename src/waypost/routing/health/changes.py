"""What one node found out that all should know: a small value per ejection and parking, and per end of one."""

from __future__ import annotations

from typing import Literal

import msgspec

ChangeKind = Literal["ejected", "parked"]


class Change(msgspec.Struct, frozen=True, array_like=True):
    """The newest state of one breaker, or of one credential, or of one credential and model."""

    kind: ChangeKind
    provider: str
    key_name: str
    """Which of the provider's credentials; "" for ejections, which are of all."""
    model: str
    """"" when the whole credential is parked."""
    until: float
    """Unix seconds; 0.0: it is well again."""


class Outbox:
    """Changes that were not handed on yet: the newest of each, the oldest dropped beyond a bound."""

    __slots__ = ("_changes", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._changes: dict[tuple[ChangeKind, str, str, str], Change] = {}

    def put(self, change: Change) -> None:
        """Replaces what was said of the same before."""
        key = (change.kind, change.provider, change.key_name, change.model)
        self._changes.pop(key, None)
        self._changes[key] = change
        if len(self._changes) > self._most:
            del self._changes[next(iter(self._changes))]

    def take(self) -> tuple[Change, ...]:
        """All of them, oldest first; they are handed out once."""
        changes = tuple(self._changes.values())
        self._changes.clear()
        return changes
