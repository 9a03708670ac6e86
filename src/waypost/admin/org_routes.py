"""An organization's own routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from waypost.admin.ask import Ask
from waypost.admin.fields import Name, Time
from waypost.admin.resource import Resource
from waypost.config.org_trees import parse_tree, render_tree
from waypost.config.problems import ConfigProblem, problems_of
from waypost.config.route_schema import NodeConfig, RouteConfig
from waypost.core.objects import Object
from waypost.core.org_route import OrgRoute
from waypost.core.people import Permission
from waypost.errors import ConfigInvalid, InvalidValue

_SHOWN = 5

Tree = Annotated[
    msgspec.Raw,
    Meta(
        description="A node, as under `routes` of the configuration: exactly one of target, route, fallback, weighted, "
        "conditional, fastest, cheapest, least_busy, balanced, canary, shadow and hedge, with its settings.",
        extra_json_schema={"type": "object"},
    ),
]


class OrgRouteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A route, as it is to be."""

    tree: Tree
    """Where it leads: targets, the gateway's routes and other routes of the organization, as far as they are approved
    for it. Prices are the operator's to say."""


class OrgRouteView(msgspec.Struct, frozen=True, kw_only=True):
    """A route that the organization made. Its keys ask for it as `route/<name>`; nobody else can."""

    id: str
    name: Name
    tree: Tree
    broken: tuple[str, ...]
    """What is wrong with it under the configuration in force, each with its place in the tree: such as a provider that
    was taken away. What is left of it is used."""
    shadowed: bool
    """The gateway's configuration has a route of this name by now, and that one is used."""
    created_at: Time
    revision: int


class OrgRoutes(Resource):
    """An organization's own routes."""

    kind = "route"
    word = "route"
    plural = "routes"
    read: tuple[Permission, ...] = ("routes:read",)
    write: tuple[Permission, ...] = ("routes:write",)
    body = OrgRouteBody
    view = OrgRouteView
    example = {  # noqa: RUF012 - read only
        "tree": {
            "fallback": [{"target": "openai/gpt-5-mini"}, {"target": "openai/gpt-5-nano", "timeout": "20s"}]
        }
    }

    async def build(self, ask: Ask, body: OrgRouteBody, old: OrgRoute | None, name: str) -> Object:
        """See `Resource`."""
        name = self.checked_name(name, old)
        tree = await ask.blocking(_checked, bytes(body.tree))
        await ask.blocking(self._check_names, ask, name, tree)
        return OrgRoute(**ask.made("route", old), organization_id=ask.home, name=name, tree=render_tree(tree))

    def _check_names(self, ask: Ask, name: str, tree: NodeConfig) -> None:
        """Raises InvalidValue for what does not lead anywhere, or not where the organization may go."""
        trees, organization = ask.parts.trees, ask.organization
        if trees is None or organization is None:
            return
        fields = {field: getattr(tree, field) for field in NodeConfig.__struct_fields__}
        others = [each for each in ask.directory.org_routes(organization.id) if each.name != name]
        problems = trees.find_problems(organization, RouteConfig(name=name, **fields), others)
        if problems:
            raise refusal(problems)

    async def show(self, ask: Ask, found: OrgRoute) -> OrgRouteView:
        """See `Resource`."""
        trees = ask.parts.trees
        return OrgRouteView(
            id=found.id,
            name=found.name,
            tree=msgspec.Raw(found.tree.encode()),
            broken=() if trees is None else trees.faults(found),
            shadowed=trees is not None and trees.shadowed(found.name),
            created_at=found.created_at,
            revision=found.revision,
        )


def _checked(text: bytes) -> NodeConfig:
    try:
        return parse_tree(text)
    except ConfigInvalid as error:
        problems = [
            msgspec.structs.replace(each, path=f"tree.{each.path}" if each.path else "tree")
            for each in problems_of(error)
        ]
        raise refusal(problems) from None


def refusal(problems: Sequence[ConfigProblem]) -> InvalidValue:
    """What is told of a tree with these problems: each with its place, what belongs there, and what to do."""
    told = []
    for each in problems[:_SHOWN]:
        expected = f" (expected: {each.expected})" if each.expected else ""
        hint = f" {each.hint}" if each.hint else ""
        told.append(f"{each.path}: {each.message}{expected}.{hint}")
    if len(problems) > _SHOWN:
        told.append(f"And {len(problems) - _SHOWN} more.")
    return InvalidValue(" ".join(told), param=problems[0].path)
