from __future__ import annotations

from waypost.core.people import OPERATOR, PERMISSIONS, ROLES


def test_no_role_of_an_organization_reaches_the_installation() -> None:
    assert all(not each.startswith("gateway:") for role in ROLES.values() for each in role)
    assert frozenset(PERMISSIONS) == OPERATOR


def test_what_tells_the_roles_apart() -> None:
    assert all(role <= ROLES["owner"] for role in ROLES.values())
    assert "organizations:write" not in ROLES["admin"]
    assert "keys:write" in ROLES["admin"]
    assert {"budgets:write", "limits:write"} <= ROLES["billing"]
    assert not {"keys:write", "members:write", "credentials:read"} & ROLES["billing"]
    for name in ("viewer", "auditor"):
        assert all(each.endswith(":read") for each in ROLES[name])
    assert "audit:read" in ROLES["auditor"]
    assert "usage:read" not in ROLES["developer"]
