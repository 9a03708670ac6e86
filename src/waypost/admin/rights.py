"""What somebody may do, at the moment they do it: never more than the one who made their token has now."""

from __future__ import annotations

from typing import Final

import msgspec

from waypost.core.people import (
    OPERATOR,
    MachineAccount,
    Member,
    Organization,
    Permission,
    Token,
    User,
)
from waypost.core.signin import Session
from waypost.errors import Forbidden
from waypost.policy.directory import Directory

NOTHING: Final[frozenset[Permission]] = frozenset()
_GATEWAY: Final = frozenset(each for each in OPERATOR if each.startswith("gateway:"))
_READ: Final = frozenset(each for each in OPERATOR if each.endswith(":read"))
#: Who made what was made on the machine itself.
MACHINE: Final = "operator"


class Caller(msgspec.Struct, frozen=True):
    """Who asks. Nobody, when all of it is empty."""

    made_by: str = ""
    """As in `core.people.Token.made_by`: whose rights these are."""
    user: User | None = None
    machine: MachineAccount | None = None
    token: Token | None = None
    session: Session | None = None
    way: str = ""
    """How somebody came in who shows neither token nor session: `sign-in` or `invitation`."""

    @property
    def via(self) -> str:
        """What was shown, for the audit: never the secret."""
        if self.token is not None:
            return f"token:{self.token.id}"
        if self.session is not None:
            return "session"
        return self.way or ("machine" if self.made_by == MACHINE else "")


NOBODY: Final = Caller()


class Rights:
    """One caller's, read from the directory whenever it is asked."""

    __slots__ = ("_caller", "_directory")

    def __init__(self, directory: Directory, caller: Caller) -> None:
        self._directory = directory
        self._caller = caller

    def of(self, organization_id: str, team_id: str | None = None) -> frozenset[Permission]:
        """What the caller may in an organization, and in one of its teams. Empty id: in the gateway as a whole."""
        has = self._of_maker(organization_id, team_id)
        token = self._caller.token
        if token is None or not has:
            return has
        if token.organization_id and token.organization_id != organization_id:
            return NOTHING
        return has & frozenset(token.permissions) if token.permissions else has

    def anywhere(self, organization_id: str) -> frozenset[Permission]:
        """What the caller may in an organization or in any one team of it."""
        has = self.of(organization_id)
        for team_id in self.teams(organization_id):
            has |= self.of(organization_id, team_id)
        return has

    def teams(self, organization_id: str) -> tuple[str, ...]:
        """The teams in which the caller has a role of their own."""
        owner = self._owner(organization_id)
        return () if owner is None else tuple(each.team_id for each in owner.teams)

    def belongs(self, organization_id: str) -> bool:
        """Whether the caller may know that the organization is there."""
        token = self._caller.token
        if token is not None and token.organization_id and token.organization_id != organization_id:
            return False
        return self._everything or self._owner(organization_id) is not None

    @property
    def _everything(self) -> bool:
        user = self._caller.user
        return self._caller.made_by == MACHINE or (user is not None and user.operator and not user.disabled)

    def _of_maker(self, organization_id: str, team_id: str | None) -> frozenset[Permission]:
        if self._everything:
            return OPERATOR
        owner = self._owner(organization_id)
        organization = self._directory.find(Organization, organization_id)
        if owner is None or organization is None:
            return NOTHING
        has = self._directory.permissions(owner, team_id) - _GATEWAY
        return has & _READ if organization.suspended else has

    def _owner(self, organization_id: str) -> Member | MachineAccount | None:
        user, machine = self._caller.user, self._caller.machine
        if user is not None and not user.disabled:
            return self._directory.member(organization_id, user.id)
        if machine is not None and not machine.disabled and machine.organization_id == organization_id:
            return machine
        return None


def check_grant(has: frozenset[Permission], given: frozenset[Permission], what: str) -> None:
    """Nobody gives, or takes away, what they have not themselves. Raises Forbidden."""
    beyond = sorted(given - has)
    if beyond:
        raise Forbidden(f"{what} has permissions that you do not have: {', '.join(beyond)}.")
