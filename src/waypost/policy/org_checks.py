"""What a plan for an organization's file names, and what values it holds: refused before anything is written. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from waypost.config.org_load import OrgLoaded, entries_of, name_of
from waypost.config.org_schema import (
    BudgetConfig,
    KeyConfig,
    LimitConfig,
    MachineConfig,
    MemberConfig,
    OrganizationConfig,
)
from waypost.config.problems import ConfigProblem, Path, did_you_mean
from waypost.core.people import ROLES, Organization, User
from waypost.core.scope import EACH
from waypost.errors import InvalidRequest
from waypost.policy.checks import check, check_key
from waypost.policy.org_objects import PART_OF_SCOPE, key_of, object_of
from waypost.policy.org_plan import Plan, Step, differences
from waypost.policy.org_state import PART_OF, Address, Entry, Part, State

#: What fields of objects and keys are called in the file, where that differs.
_FIELDS: Final = {
    "limit_nusd": "limit",
    "raise_nusd": "raised_by",
    "raise_until": "raised_until",
    "anchor_at": "windows_from",
    "scope_id": "subject",
    "expires_at": "expires",
    "service_id": "service_account",
}
_WORDS: Final[dict[Part, str]] = {"service_account": "service account"}
#: Parts that are not deleted while something belongs to them.
_NEEDED: Final[tuple[Part, ...]] = ("role", "team", "project", "service_account")
_SECTIONS: Final = {part: section for section, part in PART_OF.items()}
_SHOWN: Final = 3

Reference = tuple[Path, Part, str]
"""Where a name stands, in its entry; of what; and the name."""


def find_plan_problems(loaded: OrgLoaded, plan: Plan, state: State) -> list[ConfigProblem]:
    """Everything that would be refused where it is written, as far as it can be known before."""
    named = _Names(loaded, plan, state)
    problems: list[ConfigProblem] = []
    changed = {step.path: step for step in plan.steps if step.action != "delete" and step.part != "user"}
    for path, organization, _, entry in entries_of(loaded.content):
        for place, part, name in _references(entry):
            missing = named.missing(part, organization.name, name)
            if missing and (path in changed or named.going(part, organization.name, name)):
                problems.append(named.problem((*path, *place), part, organization.name, name))
        if _elsewhere(entry):
            told = "a rule of an organization can not be on another one"
            hint = "Leave it out: it is this organization."
            problems.append(loaded.problem((*path, "subject"), told, hint=hint))
    for step in plan.steps:
        problems += _bad_values(loaded, step)
    problems += _still_needed(loaded, plan, state)
    for number, organization in enumerate(loaded.content.organizations):
        if _loses_its_owners(organization, plan, state):
            told = "this takes the last owner out of the organization"
            hint = "Name an owner here, or suspend the organization first."
            problems.append(loaded.problem(("organizations", number, "members"), told, hint=hint))
    return problems


def _still_needed(loaded: OrgLoaded, plan: Plan, state: State) -> Iterator[ConfigProblem]:
    """What is to be deleted while something that the file leaves out, and that stays, belongs to it."""
    going = {id(step.entry) for step in plan.steps if step.value is None}
    needed = {address: list(told) for address, told in state.needed.items()}
    for (part, home, name), entry in _staying(loaded, state):
        if id(entry) in going:
            continue
        what = f"the {_WORDS.get(part, part)} {name!r}"
        for _, of, about in _references(entry.value):
            needed.setdefault((of, home, about), []).append(what)
    places = {each.name: place for place, each in enumerate(loaded.content.organizations)}
    for step in plan.steps:
        told = needed.get((step.part, step.organization, step.name))
        if step.value is not None or step.part not in _NEEDED or not told:
            continue
        more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        yield loaded.problem(
            ("organizations", places[step.organization], _SECTIONS[step.part]),
            f"the {_WORDS.get(step.part, step.part)} {step.name!r} can not be deleted: "
            f"{', '.join(told[:_SHOWN])}{more} would be left without it",
            hint="Keep it here, or delete, revoke or move first what needs it.",
        )


def _staying(loaded: OrgLoaded, state: State) -> Iterator[tuple[Address, Entry]]:
    """What there is and the file does not name. What it does name is looked at as it is to be."""
    named: set[Address] = {
        (PART_OF[section], organization.name, name_of(entry))
        for _, organization, section, entry in entries_of(loaded.content)
    }
    yield from (each for each in state.entries.items() if each[0] not in named)
    for (home, name), others in state.namesakes.items():
        yield from ((("key", home, name), each) for each in others)


def _loses_its_owners(organization: OrganizationConfig, plan: Plan, state: State) -> bool:
    """Whether somebody who may everything in it leaves or is made less, and nobody is left who may."""
    suspended = organization.suspended
    if suspended is None:
        entry = state.entries.get(("organization", organization.name, ""))
        suspended = entry is not None and isinstance(entry.found, Organization) and entry.found.suspended
    owners = {
        name
        for (part, home, name), entry in state.entries.items()
        if (part, home) == ("member", organization.name) and getattr(entry.value, "role", "") == "owner"
    }
    after = set(owners)
    for step in plan.steps:
        if (step.part, step.organization) == ("member", organization.name):
            (after.add if getattr(step.value, "role", "") == "owner" else after.discard)(step.name)
    disabled = {
        name
        for (part, _, name), entry in state.entries.items()
        if part == "user" and isinstance(entry.found, User) and entry.found.disabled
    }
    return not suspended and bool(owners - after) and not after - disabled


class _Names:
    """What there will be when the plan is done."""

    def __init__(self, loaded: OrgLoaded, plan: Plan, state: State) -> None:
        self._loaded = loaded
        self._gone = {(step.part, step.organization, step.name) for step in plan.steps if step.value is None}
        self._there = set(state.entries)
        self._there.update((step.part, step.organization, step.name) for step in plan.steps)
        self._operators = {
            name
            for (part, _, name), entry in state.entries.items()
            if part == "user" and isinstance(entry.found, User) and entry.found.operator
        }

    def missing(self, part: Part, organization: str, name: str) -> bool:
        """Whether nothing has this name, or nothing will."""
        if part == "role" and name in ROLES:
            return False
        if part == "user":  # whose a key is: operators may have keys everywhere
            return name not in self._operators and self.missing("member", organization, name)
        address = (part, organization, name)
        return address not in self._there or address in self._gone

    def going(self, part: Part, organization: str, name: str) -> bool:
        """Whether the plan deletes it."""
        return ("member" if part == "user" else part, organization, name) in self._gone

    def problem(self, path: Path, part: Part, organization: str, name: str) -> ConfigProblem:
        """That it is not there."""
        part = "member" if part == "user" else part
        word = _WORDS.get(part, part)
        if self.going(part, organization, name):
            return self._loaded.problem(
                path,
                f"the {word} {name[:80]!r} is to be deleted",
                hint="Keep it in the file, or name another.",
            )
        known = {each for found, home, each in self._there if (found, home) == (part, organization)}
        if part == "role":
            known |= set(ROLES)
        hint = did_you_mean(name, sorted(known)) or f"Add it to the {word}s of {organization!r}."
        return self._loaded.problem(path, f"there is no {word} {name[:80]!r} in {organization!r}", hint=hint)


def _elsewhere(entry: msgspec.Struct) -> bool:
    if not isinstance(entry, BudgetConfig | LimitConfig):
        return False
    return entry.scope == "organization" and entry.subject != EACH


def _references(entry: msgspec.Struct) -> Iterator[Reference]:
    match entry:
        case MemberConfig() | MachineConfig():
            yield ("role",), "role", entry.role
            for number, each in enumerate(entry.teams):
                yield ("teams", number, "team"), "team", each.team
                yield ("teams", number, "role"), "role", each.role
        case KeyConfig():
            owners: tuple[Part, ...] = ("team", "project", "user", "service_account")
            for part in owners:
                name = getattr(entry, part)
                if name is not None:
                    yield (part,), part, name
        case BudgetConfig() | LimitConfig():
            part_of = PART_OF_SCOPE.get(entry.scope)
            if part_of is not None and entry.subject != EACH:
                yield ("subject",), "member" if part_of == "user" else part_of, entry.subject


def _bad_values(loaded: OrgLoaded, step: Step) -> Iterator[ConfigProblem]:
    """What `policy.checks` says of the whole of it, as if it were new."""
    if step.value is None:
        return
    whole = msgspec.structs.replace(step, entry=None, fields=tuple(differences(step.value, None)))
    try:
        if step.part == "key":
            check_key(key_of(whole, _stand_in, 0.0))
        else:
            check(object_of(whole, _stand_in, "new", 0.0))
    except InvalidRequest as error:
        field = _FIELDS.get(error.param or "", error.param or "")
        path = (*step.path, field) if hasattr(step.value, field) else step.path
        yield loaded.problem(path, error.message.rstrip("."))


def _stand_in(part: Part, organization: str, name: str) -> str:
    """An id that differs where the names do."""
    del organization
    return name if part == "team" else "id"
