"""A route that an organization made for itself."""

from __future__ import annotations

from typing import Final

import msgspec

#: Of one organization; and of one tree, as text.
ROUTES_MAX: Final = 100
TEXT_MAX: Final = 65_536
#: What requests may be made to work for: conditions, and targets that change the body, of one tree with those of its
#: organization that it includes; and of one target, what it leaves out of the body.
DEAR_MAX: Final = 64
DROPS_MAX: Final = 16


class OrgRoute(msgspec.Struct, frozen=True):
    """A named tree, as `routes` of the configuration has them. Only keys of its organization may ask for it."""

    id: str
    organization_id: str
    name: str
    """What clients ask for, behind `route/`."""
    tree: str
    """JSON: the node of `config.route_schema`, in the one spelling of `config.org_trees.render_tree`."""
    created_at: float = 0.0
    revision: int = 0
