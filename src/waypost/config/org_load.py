"""Reading an organization's file: bytes → tree → checked against its schema → one spelling for each value."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path as FilePath
from typing import TypeVar

import msgspec

from waypost.config.load import conformed, read_bytes, refuse
from waypost.config.org_schema import (
    SECTIONS,
    BudgetConfig,
    LimitConfig,
    MemberConfig,
    OrganizationConfig,
    OrgFile,
)
from waypost.config.problems import ConfigProblem, Path, render_path
from waypost.config.tree import Node, Unreadable, parse_yaml
from waypost.config.values import parse_moment, render_moment
from waypost.core.money import parse_usd, render_usd
from waypost.core.scope import EACH

T = TypeVar("T", bound=msgspec.Struct)

#: Fields of any of the schema's structs that have more than one spelling.
_MONEY = ("limit", "budget", "raised_by")
_MOMENTS = ("expires", "windows_from", "raised_until")
_ADDRESSES = ("email", "user")


class OrgLoaded:
    """An organization's file that has the right shape, and where each value of it stands."""

    __slots__ = ("_root", "content", "file")

    def __init__(self, content: OrgFile, file: str, root: Node) -> None:
        self.content = content
        self.file = file
        self._root = root

    def problem(
        self, path: Path, message: str, *, expected: str | None = None, hint: str | None = None
    ) -> ConfigProblem:
        """A problem with the value at `path`, with its line and column."""
        line, column = self._root.locate(path)
        return ConfigProblem(self.file, line, column, render_path(path), message, expected, hint)


def load_org_file(path: FilePath) -> OrgLoaded:
    """Read an organization's file. Raises ConfigInvalid with every problem found."""
    missing = "Name another one with -f, or write what there is into it: waypost export --org NAME > FILE"
    return load_org_bytes(read_bytes(path, missing), str(path))


def load_org_bytes(data: bytes, file: str = "org.yaml") -> OrgLoaded:
    """Read it from bytes. Raises ConfigInvalid with every problem found."""
    try:
        root, problems = parse_yaml(data, file)
    except Unreadable as stop:
        raise refuse(file, [stop.problem]) from None
    written = conformed(root, problems, OrgFile, file)
    loaded = OrgLoaded(written, file, root)
    problems = [*_bad_moments(loaded), *_twice(loaded)]
    if problems:
        raise refuse(file, problems)
    organizations = [settled_organization(each) for each in written.organizations]
    return OrgLoaded(OrgFile(organizations=organizations), file, root)


def settled_organization(found: OrganizationConfig) -> OrganizationConfig:
    """The same, with one spelling for each amount, date, address and subject, so that what is the same compares so."""
    changes: dict[str, object] = {}
    for section in SECTIONS:
        entries = getattr(found, section)
        if entries is not None:
            changes[section] = [_settled(each, found.name) for each in entries]
    return msgspec.structs.replace(found, **changes)


def _settled(found: T, organization: str) -> T:
    changes: dict[str, object] = {}
    for field in found.__struct_fields__:
        value = getattr(found, field)
        if field in _MONEY and isinstance(value, Decimal):
            changes[field] = Decimal(render_usd(parse_usd(value)))
        elif field in _MOMENTS and value is not None:
            changes[field] = render_moment(parse_moment(value))
        elif field in _ADDRESSES and value is not None:
            changes[field] = value.lower()
    if isinstance(found, BudgetConfig | LimitConfig):
        if found.scope == "organization" and found.subject == organization:
            changes["subject"] = EACH
        elif found.scope == "user":
            changes["subject"] = found.subject.lower()
    return msgspec.structs.replace(found, **changes)


def entries_of(content: OrgFile) -> Iterator[tuple[Path, OrganizationConfig, str, msgspec.Struct]]:
    """Everything that belongs to an organization: where it stands, whose it is, in which list, and what it is."""
    for place, organization in enumerate(content.organizations):
        for section in SECTIONS:
            for number, entry in enumerate(getattr(organization, section) or ()):
                yield ("organizations", place, section, number), organization, section, entry


def name_of(entry: msgspec.Struct) -> str:
    """What an entry of a list is called."""
    return str(getattr(entry, "email" if isinstance(entry, MemberConfig) else "name"))


def _bad_moments(loaded: OrgLoaded) -> Iterator[ConfigProblem]:
    for path, _, _, entry in entries_of(loaded.content):
        for field in _MOMENTS:
            text = getattr(entry, field, None)
            if text is None:
                continue
            try:
                parse_moment(text)
            except ValueError:
                yield loaded.problem(
                    (*path, field),
                    "there is no such date",
                    expected="a date such as 2027-01-31 or 2027-01-31T12:00:00Z",
                )


def _twice(loaded: OrgLoaded) -> Iterator[ConfigProblem]:
    """What has the name of something before it; people who are called two things."""
    seen: dict[tuple[str, str, str], Path] = {}
    for place, organization in enumerate(loaded.content.organizations):
        yield from _told_twice(loaded, seen, ("", "", organization.name), ("organizations", place), "name")
    titles: dict[str, str] = {}
    for path, organization, section, entry in entries_of(loaded.content):
        field = "email" if isinstance(entry, MemberConfig) else "name"
        key = (organization.name, section, name_of(entry).lower())
        yield from _told_twice(loaded, seen, key, path, field)
        if not isinstance(entry, MemberConfig) or entry.title is None:
            continue
        if titles.setdefault(entry.email.lower(), entry.title) != entry.title:
            yield loaded.problem(
                (*path, "title"),
                "this person has another title before",
                hint="A title holds for the whole gateway: keep one of the two.",
            )


def _told_twice(
    loaded: OrgLoaded,
    seen: dict[tuple[str, str, str], Path],
    key: tuple[str, str, str],
    path: Path,
    field: str,
) -> Iterator[ConfigProblem]:
    before = seen.setdefault(key, path)
    if before != path:
        yield loaded.problem(
            (*path, field), f"{render_path(before)} has this name already", hint="Keep one of the two."
        )
