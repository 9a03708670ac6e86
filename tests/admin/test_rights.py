from __future__ import annotations

import msgspec
import pytest

from admin.rig import World
from waypost.admin.rights import MACHINE, NOBODY, NOTHING, Caller, Rights, check_grant
from waypost.core.objects import Change
from waypost.core.people import OPERATOR, ROLES, Member, Organization, Role, Token, User
from waypost.errors import Forbidden


def of(world: World, name: str) -> Caller:
    return Caller(made_by=f"user:user_{name}", user=world.live.directory.find(User, f"user_{name}"))


def test_nobody_may_nothing(world: World) -> None:
    rights = Rights(world.live.directory, NOBODY)
    assert rights.of("org_acme") == rights.of("") == rights.anywhere("org_acme") == NOTHING
    assert not rights.belongs("org_acme")


def test_a_member_may_what_their_role_says_where_they_have_it(world: World) -> None:
    world.user("ann")
    world.member("ann", "acme", "developer", {"search": "admin"})
    rights = Rights(world.live.directory, of(world, "ann"))
    assert rights.of("org_acme") == ROLES["developer"]
    assert rights.of("org_acme", "team_search") == ROLES["developer"] | ROLES["admin"]
    assert rights.of("org_acme", "team_ads") == ROLES["developer"]
    assert rights.anywhere("org_acme") == ROLES["developer"] | ROLES["admin"]
    assert rights.of("org_other") == rights.of("") == NOTHING
    assert (rights.belongs("org_acme"), rights.belongs("org_other")) == (True, False)


def test_a_role_with_permissions_of_the_gateway_gives_none_of_them(world: World) -> None:
    world.user("ann")
    directory = world.live.directory
    role = Role("role_x", "org_acme", "x", ("teams:read", "gateway:write"))
    member = Member("mem_x", "org_acme", "user_ann", "x")
    directory.apply([Change("role", role), Change("member", member)], directory.version)
    assert Rights(directory, of(world, "ann")).of("org_acme") == {"teams:read"}


def test_operators_may_everything_everywhere(world: World) -> None:
    world.user("op", operator=True)
    for caller in (of(world, "op"), Caller(made_by=MACHINE)):
        rights = Rights(world.live.directory, caller)
        assert rights.of("org_acme") == rights.of("") == rights.of("org_none") == OPERATOR


def test_a_disabled_operator_may_nothing(world: World) -> None:
    world.user("op", operator=True, disabled=True)
    rights = Rights(world.live.directory, of(world, "op"))
    assert rights.of("") == NOTHING


def test_a_token_has_what_it_and_its_maker_have(world: World) -> None:
    world.user("ann")
    world.member("ann", "acme", "viewer")
    wide = Token("t", "", "t", bytes(32), "", "user:user_ann", ("teams:read", "teams:write"))
    caller = msgspec.structs.replace(of(world, "ann"), token=wide)
    assert Rights(world.live.directory, caller).of("org_acme") == {"teams:read"}
    elsewhere = msgspec.structs.replace(
        caller, token=msgspec.structs.replace(wide, organization_id="org_other")
    )
    assert Rights(world.live.directory, elsewhere).of("org_acme") == NOTHING
    assert not Rights(world.live.directory, elsewhere).belongs("org_acme")
    narrow = Caller(made_by=MACHINE, token=msgspec.structs.replace(wide, organization_id="org_acme"))
    assert Rights(world.live.directory, narrow).of("org_acme") == {"teams:read", "teams:write"}
    assert Rights(world.live.directory, narrow).of("") == NOTHING


def test_a_suspended_organization_can_only_be_read(world: World) -> None:
    world.user("ann")
    world.member("ann", "acme", "owner")
    acme = world.live.directory.find(Organization, "org_acme")
    assert acme is not None
    world.put(msgspec.structs.replace(acme, suspended=True))
    has = Rights(world.live.directory, of(world, "ann")).of("org_acme")
    assert "teams:read" in has
    assert all(each.endswith(":read") for each in has)


def test_nobody_gives_what_they_have_not() -> None:
    check_grant(ROLES["admin"], ROLES["developer"], "It")
    with pytest.raises(Forbidden, match="organizations:write"):
        check_grant(ROLES["admin"], ROLES["owner"], "It")


def test_what_was_shown_is_told_without_its_secret(world: World) -> None:
    assert (NOBODY.via, Caller(made_by=MACHINE).via) == ("", "machine")
    token = Token("tok_1", "", "t", bytes(32), "", MACHINE)
    assert Caller(made_by=MACHINE, token=token).via == "token:tok_1"
