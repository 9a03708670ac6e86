from __future__ import annotations

from waypost.core.objects import KIND_OF, PREFIXES, TYPES, home_of
from waypost.core.org_route import OrgRoute


def test_it_is_an_object_of_the_directory_that_belongs_to_its_organization() -> None:
    route = OrgRoute("rte_1", "org_acme", "smart", '{"target":"lab/m"}')
    assert TYPES[KIND_OF[type(route)]] is OrgRoute
    assert route.id.startswith(PREFIXES["route"])
    assert home_of(route) == "org_acme"
