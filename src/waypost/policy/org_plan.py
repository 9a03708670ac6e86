"""What has to be done so that organizations are as their file says. Pure: nothing is read or written here.

It knows names only, so whoever can say what there is (`policy.org_state`) can be planned for: the data folder now, and
a gateway that is asked over its control API just as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from waypost.config.load import refuse
from waypost.config.org_load import OrgLoaded, entries_of, name_of
from waypost.config.org_schema import (
    SECTIONS,
    BudgetConfig,
    KeyConfig,
    MachineConfig,
    MemberConfig,
    OrganizationConfig,
)
from waypost.config.org_trees import nodes_of
from waypost.config.problems import ConfigProblem, Path
from waypost.config.route_schema import NodeConfig, RouteConfig
from waypost.core.key import Key
from waypost.policy.org_state import PART_OF, Address, Entry, Part, PersonConfig, State

Action = Literal["create", "change", "delete"]
#: What is no field of the thing itself, but its name, or somebody else's: what a member is called is their person's.
_BESIDE: Final[dict[type[msgspec.Struct], frozenset[str]]] = {
    OrganizationConfig: frozenset(("name", *SECTIONS)),
    MemberConfig: frozenset(("email", "title")),
}
_NAME: Final = frozenset(("name",))
#: Fields that stay as they are when the file leaves them out.
_STAYING: Final[dict[type[msgspec.Struct], frozenset[str]]] = {
    OrganizationConfig: frozenset(("suspended",)),
    MachineConfig: frozenset(("disabled",)),
    PersonConfig: frozenset(("title",)),
    BudgetConfig: frozenset(("raised_by", "raised_until")),
}
#: Fields of which None says the same as another value.
_SAME: Final[dict[str, object]] = {"suspended": False, "disabled": False, "raised_by": 0}
#: Fields of a key that never change.
_FIXED: Final = ("user", "service_account", "operator")


class FieldChange(msgspec.Struct, frozen=True):
    """One field: what it is, and what it is to be."""

    field: str
    old: object
    new: object


class Step(msgspec.Struct, frozen=True):
    """One thing to do."""

    action: Action
    part: Part
    organization: str
    name: str
    fields: tuple[FieldChange, ...] = ()
    value: msgspec.Struct | None = None
    """What it is to be, as the file says it. None: it is to be gone."""
    entry: Entry | None = None
    """What there is now. None: nothing."""
    path: Path = ()
    """Where the file says so."""


class Plan(msgspec.Struct, frozen=True):
    """All that is to be done, in the order in which it can be."""

    steps: tuple[Step, ...]
    unchanged: int
    """Things that are as the file says."""
    left: tuple[Address, ...]
    """Things that the file does not name, in lists that it has, and that are left as they are: all, unless it is to be
    pruned; then rules of keys that go on working, and that a file can not name."""

    def count(self, action: Action) -> int:
        """How many steps do this."""
        return sum(step.action == action for step in self.steps)


class _Item(msgspec.Struct, frozen=True):
    address: Address
    value: msgspec.Struct
    path: Path


def make_plan(loaded: OrgLoaded, state: State, *, prune: bool) -> Plan:
    """The plan for a file. Raises ConfigInvalid when it wants what can not be; what names something that is not there
    is found by `policy.org_checks`."""
    steps: list[Step] = []
    problems: list[ConfigProblem] = []
    items = list(_items(loaded))
    unchanged = 0
    for item in items:
        step = _step(item, state.entries.get(item.address))
        if step is None:
            unchanged += item.address[0] != "user"
            continue
        steps.append(step)
        problems += _impossible(loaded, item, step, state)
    if problems:
        raise refuse(loaded.file, problems)
    extra = list(_extra(loaded, {item.address for item in items}, state))
    going = [each for each in extra if prune and not _is_kept(each[0], extra, state)]
    steps += (_gone(address, entry) for address, entry in reversed(going))
    left = tuple(each[0] for each in extra if each not in going)
    return Plan(tuple(steps), unchanged, left)


def _items(loaded: OrgLoaded) -> Iterator[_Item]:
    """What the file wants, each after what it may name."""
    entries = list(entries_of(loaded.content))
    for place, organization in enumerate(loaded.content.organizations):
        path: Path = ("organizations", place)
        yield _Item(("organization", organization.name, ""), organization, path)
    titles: dict[str, str | None] = {}
    for *_, entry in entries:
        if isinstance(entry, MemberConfig) and titles.get(entry.email) is None:
            titles[entry.email] = entry.title
    for section in SECTIONS:
        here = [each for each in entries if each[2] == section]
        for path, organization, _, entry in _in_turn(here) if section == "routes" else here:
            if isinstance(entry, MemberConfig) and entry.email in titles:
                person = PersonConfig(titles.pop(entry.email))
                yield _Item(("user", "", entry.email), person, path)
            yield _Item((PART_OF[section], organization.name, name_of(entry)), entry, path)


_Written = tuple[Path, OrganizationConfig, str, msgspec.Struct]


def _in_turn(entries: list[_Written]) -> Iterator[_Written]:
    """Routes, each after those of its organization that it includes; in a circle, as they are written."""
    waiting = {(each[1].name, name_of(each[3])): each for each in entries}
    for address in list(waiting):
        yield from _with_included(address, waiting)


def _with_included(address: tuple[str, str], waiting: dict[tuple[str, str], _Written]) -> Iterator[_Written]:
    found = waiting.pop(address, None)
    if found is None:
        return
    if isinstance(found[3], RouteConfig):
        for _, node in nodes_of(found[3]):
            if node.route is not None:
                yield from _with_included((address[0], node.route.removeprefix("route/")), waiting)
    yield found


def _step(item: _Item, entry: Entry | None) -> Step | None:
    part, organization, name = item.address
    fields = tuple(differences(item.value, None if entry is None else entry.value))
    if entry is not None and not fields:
        return None
    action: Action = "create" if entry is None else "change"
    return Step(action, part, organization, name, fields, item.value, entry, item.path)


def differences(new: msgspec.Struct, old: msgspec.Struct | None) -> Iterator[FieldChange]:
    """The fields that have to be changed; of what is not there yet, those that differ from their defaults."""
    staying = _STAYING.get(type(new), frozenset())
    for field in msgspec.structs.fields(new):
        if field.name in _BESIDE.get(type(new), _NAME):
            continue
        wanted = getattr(new, field.name)
        if wanted is None and field.name in staying:
            continue
        now = _default(field) if old is None else getattr(old, field.name)
        if _meaning(field.name, wanted) != _meaning(field.name, now):
            yield FieldChange(field.name, None if old is None else now, wanted)


def _meaning(field: str, value: object) -> object:
    if isinstance(value, dict | list | NodeConfig):
        return _exactly(value)
    return _SAME[field] if value is None and field in _SAME else value


def _exactly(value: object) -> object:
    """The value, with true and false told from 1 and 0."""
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, list):
        return [_exactly(each) for each in value]
    if isinstance(value, msgspec.Struct):
        return type(value), [_exactly(getattr(value, field)) for field in value.__struct_fields__]
    if isinstance(value, dict):
        return {key: _exactly(each) for key, each in value.items()}
    return value


def _default(field: msgspec.structs.FieldInfo) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        made: object = field.default_factory()
        return made
    return None if field.default is msgspec.NODEFAULT else field.default


def _impossible(loaded: OrgLoaded, item: _Item, step: Step, state: State) -> Iterator[ConfigProblem]:
    part, organization, name = item.address
    if part == "key" and (organization, name) in state.ambiguous:
        ids = state.ambiguous[organization, name]
        yield loaded.problem(
            (*item.path, "name"),
            f"{len(ids)} keys have this name",
            hint=f"Give all but one another name, or revoke them: waypost keys set {ids[0]} --name NAME",
        )
    if not isinstance(item.value, KeyConfig) or step.action != "change":
        return
    for change in step.fields:
        if change.field in _FIXED:
            yield loaded.problem(
                (*item.path, change.field),
                f"the key's {change.field.replace('_', ' ')} can not be changed",
                expected=str(change.old) if change.old is not None else "nothing: leave it out",
                hint="Make a key with another name, and revoke this one when nobody uses it any more.",
            )


def _extra(loaded: OrgLoaded, wanted: set[Address], state: State) -> Iterator[tuple[Address, Entry]]:
    """What there is beyond the file, in the lists that the file has; each after what it may name. A key that its name
    does not mean is called by its id too."""
    ordered = sorted(state.entries)
    for section in SECTIONS:
        homes = {each.name for each in loaded.content.organizations if getattr(each, section) is not None}
        for address in ordered:
            part, home, _ = address
            if part == PART_OF[section] and home in homes and address not in wanted:
                yield address, state.entries[address]
        for (home, name), others in sorted(state.namesakes.items()) if section == "keys" else ():
            if home in homes and ("key", home, name) not in wanted:
                yield from ((("key", home, f"{name} ({_id_of(each)})"), each) for each in others)


def _is_kept(address: Address, extra: Sequence[tuple[Address, Entry]], state: State) -> bool:
    """Whether it is a rule of a key that goes on working, and that the file can not name."""
    key_id = state.unsayable.get(address)
    alive = {_id_of(each) for others in state.namesakes.values() for each in others}
    return key_id in alive and key_id not in {_id_of(entry) for (part, *_), entry in extra if part == "key"}


def _id_of(entry: Entry) -> str:
    return entry.found.key_id if isinstance(entry.found, Key) else entry.found.id


def _gone(address: Address, entry: Entry) -> Step:
    return Step("delete", *address, entry=entry)
