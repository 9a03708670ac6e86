"""Whether those whom a key belongs to let it work."""

from __future__ import annotations

from waypost.core.key import Key
from waypost.core.people import MachineAccount, Member, Organization, Team, User


def refusal(
    key: Key,
    organization: Organization | None,
    team: Team | None,
    user: User | None,
    member: Member | None,
    machine: MachineAccount | None,
) -> str | None:
    """Why a key does not work because of whom it belongs to, for people; None: it does. What is None is not there."""
    if organization is None:
        return f"The organization of the key {key.name!r} does not exist any more."
    if organization.suspended:
        return f"The organization {organization.name!r} is suspended. Ask its owner."
    if key.team_id is not None and team is None:
        return f"The team of the key {key.name!r} does not exist any more. Make another key."
    if key.user_id is not None:
        if user is None or user.disabled:
            return f"The person to whom the key {key.name!r} belongs may not use the gateway any more."
        if not user.operator and member is None:
            return f"The person to whom the key {key.name!r} belongs is no member of {organization.name!r}."
    if key.service_id is not None and (machine is None or machine.disabled):
        return f"The service account of the key {key.name!r} is disabled or does not exist any more."
    return None
