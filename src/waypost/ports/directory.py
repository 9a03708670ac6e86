"""The directory: who there is and what rules hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from waypost.core.deed import Deed
from waypost.core.objects import Change, Kind, Object


class Objects(Protocol):
    """The durable side of the directory. Blocking; called by the control plane and by whoever keeps the directory in
    memory true. Raises StoreUnavailable.

    Every change raises the version of the directory in its own transaction, and is its object's `revision`.
    """

    def by(self, deed: Deed) -> Objects:
        """The same, for somebody whom the audit log tells of: every change has its row there, or does not happen."""
        ...

    def put(self, found: Object, *, revision: int | None = None) -> Object:
        """Add an object, or replace the one of its id; returned with its new revision. `revision`: what is replaced has
        to be at it (0: there must be none), else Conflict is raised. Also raises Conflict when another object of the
        kind has the name in the same organization, and when the object belongs to, or names, one that is not there;
        InvalidRequest for values that make no sense (`policy.checks`)."""
        ...

    def delete(self, kind: Kind, object_id: str, *, revision: int | None = None) -> bool:
        """Delete one; False when there is none. Raises Conflict when it is at another revision, and while others belong
        to it."""
        ...

    def get(self, kind: Kind, object_id: str) -> Object | None:
        """One object by its id."""
        ...

    def named(self, kind: Kind, organization_id: str, name: str) -> Object | None:
        """One object by its name in its organization (empty for organizations, users and what is the gateway's own)."""
        ...

    def page(self, kind: Kind, organization_id: str | None, after: str, limit: int) -> Sequence[Object]:
        """Objects of a kind in the order of their names, from behind the name `after`; of one organization, or of all
        with None (then in the order of their ids, and `after` is an id)."""
        ...

    def version(self) -> int:
        """How many changes the directory has seen."""
        ...

    def changed(self, since: int) -> tuple[Sequence[Change], int]:
        """What was changed after a version, deletions included, in order; and the version now."""
        ...
