"""What objects name has to be there, and stays while it is named."""

from __future__ import annotations

import itertools

import pytest

from waypost.core.budget import Budget
from waypost.core.limit import Limit
from waypost.core.objects import KIND_OF, Object
from waypost.core.people import (
    DEFAULT,
    Invitation,
    MachineAccount,
    Member,
    Organization,
    Project,
    Role,
    Team,
    TeamRole,
    Token,
    User,
)
from waypost.core.scope import ScopeKind
from waypost.errors import Conflict
from waypost.stores.sql.engine import Database
from waypost.stores.sql.keys import KeyRows, NewKey
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.tables import KEYS

ACME = Organization("org_a", "acme")
OTHER = Organization("org_b", "other")
WEB = Team("team_w", "org_a", "web")
FOREIGN = Team("team_f", "org_b", "web")
SHOP = Project("proj_1", "org_a", "shop")
KEEPER = Role("role_1", "org_a", "keeper", ("keys:read",))
ANN = User("user_ann", "ann@acme.example")
BOB = User("user_bob", "bob@acme.example")
ANN_THERE = Member("mem_1", "org_a", "user_ann")
CI = MachineAccount("svc_1", "org_a", "ci")
D = b"d" * 32


@pytest.fixture
def where() -> dict[str, str]:
    """The rules are the same wherever the rows are; the contract's suite asks a few of them of every database."""
    return {}


@pytest.fixture
def objects(database: Database) -> ObjectRows:
    made = ObjectRows(database, lambda: 1000.0)
    for each in (ACME, OTHER, WEB, FOREIGN, SHOP, KEEPER, ANN, BOB, ANN_THERE, CI):
        made.put(each)
    return made


def key_of(database: Database, **columns: str) -> str:
    numbers = itertools.count(sum(ord(c) for c in str(columns)))
    _, key = KeyRows(database).create(
        NewKey("app"), 1.0, lambda n: bytes(next(numbers) % 248 for _ in range(n))
    )
    with database.write() as connection:
        connection.execute(KEYS.update().where(KEYS.c.key_id == key.key_id).values(columns))
    return key.key_id


def rule(scope: ScopeKind, scope_id: str, home: str = "org_a") -> Budget:
    return Budget("bud_1", home, "b", scope, scope_id, 5)


@pytest.mark.parametrize(
    ("found", "param", "words"),
    [
        (Team("t", "org_z", "x"), "organization_id", "no organization 'org_z'"),
        (Project("p", "org_z", "x"), "organization_id", "org_z"),
        (Role("r", "org_z", "x"), "organization_id", "org_z"),
        (Token("t", "org_z", "x", D, "", "operator"), "organization_id", "org_z"),
        (Token("t", "", "x", D, "", "user:user_z"), "made_by", "no user 'user_z'"),
        (Token("t", "org_b", "x", D, "", "service:svc_1"), "made_by", "service account"),
        (Member("m", "org_a", "user_z"), "name", "no user 'user_z'"),
        (Member("m", "org_a", "user_bob", teams=(TeamRole("team_f"),)), "teams", "no team 'team_f'"),
        (Member("m", "org_a", "user_bob", role="boss"), "role", "no role 'boss'"),
        (Member("m", "org_b", "user_bob", role="keeper"), "role", "in the organization 'org_b'"),
        (
            MachineAccount("s", "org_a", "x", teams=(TeamRole("team_w", "boss"),)),
            "teams",
            "no role 'boss'",
        ),
        (Invitation("i", "org_a", "eve@acme.example", D, role="boss"), "role", "boss"),
        (rule("organization", "org_b"), "scope_id", "org_b"),
        (rule("organization", "org_z", ""), "organization_id", "org_z"),
        (rule("team", "team_f"), "scope_id", "team_f"),
        (rule("team", "team_z", ""), "scope_id", "team_z"),
        (rule("project", "proj_z"), "scope_id", "proj_z"),
        (rule("service", "svc_1", "org_b"), "scope_id", "service account 'svc_1'"),
        (rule("user", "user_z"), "scope_id", "no user"),
        (rule("user", "user_bob"), "scope_id", "no member"),
        (rule("key", "k1"), "scope_id", "no key 'k1'"),
        (Limit("l", "org_a", "l", "team", "team_f", "requests", 5), "scope_id", "team_f"),
    ],
)
def test_what_is_not_there_can_not_be_named(
    objects: ObjectRows, found: Object, param: str, words: str
) -> None:
    before = objects.version()
    with pytest.raises(Conflict, match=words) as refused:
        objects.put(found)
    assert refused.value.param == param
    assert objects.version() == before


@pytest.mark.parametrize(
    "found",
    [
        Member("m", "org_a", "user_bob", "keeper", (TeamRole("team_w", "keeper"),)),
        Team("t", DEFAULT, "web"),
        Token("t", "org_a", "x", D, "", "service:svc_1"),
        Token("t", "", "x", D, "", "operator"),
        Token("t", "org_a", "x", D, "", "user:user_z", revoked_at=5.0),
        rule("gateway", "*", ""),
        rule("organization", "org_a"),
        rule("organization", DEFAULT, ""),
        rule("team", "team_w"),
        rule("team", "team_w", ""),
        rule("team", "*"),
        rule("project", "proj_1"),
        rule("service", "svc_1"),
        rule("user", "user_ann"),
        rule("user", "user_bob", ""),
        rule("tag", "anything"),
        rule("end_user", "*"),
    ],
)
def test_what_is_there_can_be_named(objects: ObjectRows, found: Object) -> None:
    assert objects.put(found).revision == 11


def test_rules_on_keys(objects: ObjectRows, database: Database) -> None:
    mine, foreign = key_of(database, organization_id="org_a"), key_of(database, organization_id="org_b")
    objects.put(rule("key", mine))
    with pytest.raises(Conflict, match="no key"):
        objects.put(rule("key", foreign))
    objects.put(Budget("bud_2", "", "b", "key", foreign, 5))


@pytest.mark.parametrize(
    ("needed", "dependent", "words"),
    [
        (ACME, None, "the team 'web', the project 'shop', the role 'keeper' and 2 more"),
        (WEB, Member("mem_2", "org_a", "user_bob", teams=(TeamRole("team_w"),)), "the member 'user_bob'"),
        (WEB, MachineAccount("s", "org_a", "x", teams=(TeamRole("team_w"),)), "the service account 'x'"),
        (WEB, Invitation("i", "org_a", "eve@x.example", D, teams=(TeamRole("team_w"),)), "invitation"),
        (WEB, Limit("l", "", "slow", "team", "team_w", "requests", 5), "the limit 'slow'"),
        (SHOP, rule("project", "proj_1"), "the budget 'b'"),
        (KEEPER, Member("mem_2", "org_a", "user_bob", "keeper"), "the member 'user_bob'"),
        (
            KEEPER,
            MachineAccount("s", "org_a", "x", "", "viewer", (TeamRole("team_w", "keeper"),)),
            "account 'x'",
        ),
        (ANN, None, "the membership of 'org_a'"),
        (BOB, rule("user", "user_bob", ""), "the budget 'b'"),
        (BOB, Token("t", "", "laptop", D, "", "user:user_bob"), "the token 'laptop'"),
        (CI, Token("t", "org_a", "laptop", D, "", "service:svc_1"), "the token 'laptop'"),
        (CI, rule("service", "svc_1"), "the budget 'b'"),
        (FOREIGN, Budget("bud_1", "", "b", "team", "team_f", 5), "the budget 'b'"),
        (OTHER, Budget("bud_1", "", "b", "organization", "org_b", 5), "the team 'web', the budget 'b'"),
    ],
)
def test_what_is_needed_is_not_deleted(
    objects: ObjectRows, needed: Object, dependent: Object | None, words: str
) -> None:
    if dependent is not None:
        objects.put(dependent)
    kind = KIND_OF[type(needed)]
    with pytest.raises(Conflict) as refused:
        objects.delete(kind, needed.id)
    assert words in refused.value.message
    assert objects.get(kind, needed.id) is not None
    if dependent is not None and needed is not OTHER:
        objects.delete(KIND_OF[type(dependent)], dependent.id)
        assert objects.delete(kind, needed.id) is True


@pytest.mark.parametrize(
    ("needed", "column"),
    [
        (OTHER, "organization_id"),
        (WEB, "team_id"),
        (SHOP, "project_id"),
        (BOB, "user_id"),
        (CI, "service_id"),
    ],
)
def test_keys_keep_what_they_belong_to_until_they_are_revoked(
    objects: ObjectRows, database: Database, needed: Object, column: str
) -> None:
    objects.delete("team", "team_f")
    key_id = key_of(database, **{column: needed.id})
    kind = KIND_OF[type(needed)]
    with pytest.raises(Conflict, match=rf"the key 'app' \({key_id}\)"):
        objects.delete(kind, needed.id)
    KeyRows(database).revoke(key_id, 5.0)
    assert objects.delete(kind, needed.id) is True


def test_history_keeps_nothing(objects: ObjectRows) -> None:
    objects.put(Invitation("i", "org_a", "eve@x.example", D, teams=(TeamRole("team_w"),), accepted_at=5.0))
    objects.put(Token("t", "", "old", D, "", "user:user_bob", revoked_at=5.0))
    assert objects.delete("team", "team_w") is True
    assert objects.delete("user", "user_bob") is True


def test_a_role_that_somebody_has_keeps_its_name(objects: ObjectRows) -> None:
    objects.put(Role("role_1", "org_a", "warden", ("keys:read",)))
    objects.put(Member("mem_2", "org_a", "user_bob", "warden"))
    objects.put(Role("role_1", "org_a", "warden", ("keys:read", "keys:write")))
    with pytest.raises(Conflict, match="can not be renamed while the member 'user_bob'"):
        objects.put(Role("role_1", "org_a", "keeper", ("keys:read",)))


def test_nothing_moves_to_another_organization_or_person(objects: ObjectRows) -> None:
    with pytest.raises(Conflict) as refused:
        objects.put(Team("team_w", "org_b", "web2"))
    assert refused.value.param == "organization_id"
    with pytest.raises(Conflict, match="stays with its person"):
        objects.put(Member("mem_1", "org_a", "user_bob"))
