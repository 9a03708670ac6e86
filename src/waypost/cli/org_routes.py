"""What commands know of organizations' routes without a gateway: the configuration, and what is built on it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from waypost.cli.exits import Exit
from waypost.cli.output import fail

if TYPE_CHECKING:
    from waypost.app.cases import Tenant
    from waypost.cli.directory import Book
    from waypost.config.org_schema import OrgFile
    from waypost.config.route_schema import NodeConfig
    from waypost.config.snapshot import Snapshot
    from waypost.core.objects import Change
    from waypost.core.people import Organization
    from waypost.policy.directory import Directory


def read_tree(file: Path) -> NodeConfig:
    """A tree from a file of YAML or JSON; `-` is standard input. Raises ConfigInvalid with the place of each fault."""
    from waypost.config.load import conformed, read_bytes, refuse
    from waypost.config.route_schema import NodeConfig
    from waypost.config.tree import Unreadable, parse_yaml

    if str(file) == "-":
        data, name = sys.stdin.buffer.read(), "(standard input)"
    else:
        data, name = read_bytes(file, "Name the file with the tree: --file FILE."), str(file)
    try:
        root, problems = parse_yaml(data, name)
    except Unreadable as stop:
        raise refuse(name, [stop.problem]) from None
    if root.value is None:
        fail(f"There is no tree in {name}.", Exit.USAGE, "It holds a node, such as: target: openai/gpt-5")
    return conformed(root, problems, NodeConfig, name)


def check_names(
    snapshot: Snapshot, directory: Directory, home: Organization, name: str, tree: NodeConfig
) -> None:
    """Raises ConfigInvalid for what leads nowhere under this configuration, or not where the organization may go."""
    from waypost.config.load import refuse
    from waypost.config.org_trees import render_tree, route_of

    if snapshot.ground is None:
        return
    others = [(each.name, each.tree) for each in directory.org_routes(home.id) if each.name != name]
    new = route_of(name, render_tree(tree))
    problems = snapshot.ground.find_problems(home.id, home.models, new, others)
    if problems:
        raise refuse(name, problems)


def with_own(snapshot: Snapshot, directory: Directory, home: Organization) -> Snapshot:
    """The snapshot, with the routes of an organization."""
    if snapshot.ground is None:
        return snapshot
    trees = [(each.name, each.tree) for each in directory.org_routes(home.id)]
    return msgspec.structs.replace(
        snapshot, own={home.id: snapshot.ground.build(home.id, home.models, trees)}
    )


def tenant_of(book: Book, org: str) -> tuple[Tenant, Organization]:
    """An organization as the data folder has it."""
    from waypost.app.cases import Tenant

    home = book.organization(org)
    return Tenant(book.directory, home.id), home


def tenant_of_file(file: Path, org: str) -> tuple[Tenant, Organization]:
    """An organization as its file says it. Raises ConfigInvalid."""
    from waypost.app.cases import Tenant
    from waypost.config.org_load import load_org_file
    from waypost.core.people import Organization
    from waypost.policy.directory import Directory

    content = load_org_file(file).content
    directory = Directory()
    directory.apply(_changes(content), 1)
    home = next((each for each in directory.all(Organization) if each.name == org), None)
    if home is None:
        fail(f"There is no organization {org!r} in {file}.", hint="Name one of it with --org.")
    return Tenant(directory, home.id), home


def _changes(content: OrgFile) -> list[Change]:
    """What routes depend on, with names for ids."""
    from waypost.config.org_trees import render_tree
    from waypost.core.objects import KIND_OF, Change, Object
    from waypost.core.org_route import OrgRoute
    from waypost.core.people import Organization, Team

    objects: list[Object] = []
    for each in content.organizations:
        home = f"org_{each.name}"
        objects.append(Organization(home, each.name, models=tuple(each.models), route=each.route))
        objects += [
            Team(f"{home}/{team.name}", home, team.name, models=tuple(team.models), route=team.route)
            for team in each.teams or ()
        ]
        objects += [
            OrgRoute(f"{home}/{one.name}", home, one.name, render_tree(one)) for one in each.routes or ()
        ]
    return [Change(KIND_OF[type(each)], each) for each in objects]
