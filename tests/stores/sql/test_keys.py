import asyncio
import itertools
import subprocess
import sys
import threading

import msgspec
import pytest

from ledger.books import AT
from waypost.core.key import KeyChanges
from waypost.core.keytext import digest, looks_valid
from waypost.core.people import MachineAccount, Member, Organization, Project, Team, User
from waypost.errors import Conflict, InvalidRequest, NotFound, StoreUnavailable
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.keys import KeyRows, NewKey, SqlKeys
from waypost.stores.sql.objects import ObjectRows


@pytest.fixture
def randomness():
    numbers = itertools.count()
    return lambda n: bytes((next(numbers) * 37) % 248 for _ in range(n))


@pytest.fixture
def rows(database):
    return KeyRows(database)


@pytest.fixture
def keys(rows):
    made = SqlKeys(rows, cache_max=3)
    yield made
    made.close()


def test_a_created_key_can_be_read_by_the_digest_of_its_text(rows, randomness):
    new = NewKey("app", AT + 60, ("fast", "openai/*"), 60, 5_000, "day", True)
    issued, key = rows.create(new, AT, randomness)

    assert looks_valid(issued.text)
    assert rows.read(digest(issued.text.encode())) == (key, 1)
    assert (key.key_id, key.hint, key.created_at) == (issued.key_id, issued.hint, AT)
    assert (key.name, key.expires_at, key.models, key.rpm) == ("app", AT + 60, ("fast", "openai/*"), 60)
    assert (key.budget_nusd, key.budget_per, key.log_content, key.revoked_at) == (5_000, "day", True, None)


@pytest.mark.parametrize(("field", "value"), [("priority", "urgent"), ("route", ""), ("route", "x" * 201)])
def test_what_a_key_can_not_be_given_is_refused(rows, randomness, field, value):
    with pytest.raises(InvalidRequest) as refused:
        rows.create(NewKey("app", **{field: value}), AT, randomness)
    assert refused.value.param == field
    assert rows.list() == []
    assert rows.count() == 0


@pytest.mark.parametrize("where", [{}], ids=["sqlite"])
def test_the_text_is_not_in_the_files(rows, randomness, tmp_path):
    issued, _ = rows.create(NewKey("app"), AT, randomness)
    secret = issued.text.split("_")[1].encode()

    assert not any(secret in path.read_bytes() for path in tmp_path.iterdir())


def test_keys_are_listed_and_found_by_id_and_by_name(rows, randomness):
    first = rows.create(NewKey("app"), AT, randomness)[1]
    second = rows.create(NewKey("app"), AT + 1, randomness)[1]

    assert rows.list() == [first, second]
    assert rows.count() == 2
    assert rows.find("app") == [first, second]
    assert rows.find(second.key_id) == [second]
    assert rows.find("none") == []
    assert rows.get(first.key_id) == first
    with pytest.raises(NotFound):
        rows.get("none")


def test_a_revoked_key_keeps_the_time_it_was_revoked_at(rows, randomness):
    key = rows.create(NewKey("app"), AT, randomness)[1]

    assert rows.revoke(key.key_id, AT + 1).revoked_at == AT + 1
    assert rows.revoke(key.key_id, AT + 2).revoked_at == AT + 1
    with pytest.raises(InvalidRequest):
        rows.rotate(key.key_id, AT + 3, randomness)
    with pytest.raises(NotFound):
        rows.revoke("none", AT)


def test_a_rotated_key_is_the_same_key_with_two_secrets_for_a_while(rows, randomness):
    old, key = rows.create(NewKey("app", budget_nusd=5), AT, randomness)
    new, renewed = rows.rotate(key.key_id, AT + 10, randomness, overlap_s=60)

    assert new.text != old.text
    assert (renewed.key_id, renewed.budget_nusd, renewed.expires_at) == (key.key_id, 5, None)
    assert rows.read(old.digest)[0].expires_at == AT + 70
    assert rows.list() == [renewed]
    assert rows.count() == 1
    rows.rotate(key.key_id, AT + 20, randomness)
    assert rows.read(old.digest)[0].expires_at == AT + 20
    with pytest.raises(InvalidRequest):
        rows.rotate(key.key_id, AT, randomness, overlap_s=-1)


def test_the_end_of_the_key_is_not_put_off_by_a_rotation(rows, randomness):
    old, key = rows.create(NewKey("app", expires_at=AT + 5), AT, randomness)
    new, _ = rows.rotate(key.key_id, AT, randomness, overlap_s=60)

    assert rows.read(old.digest)[0].expires_at == rows.read(new.digest)[0].expires_at == AT + 5


@pytest.mark.parametrize(
    ("new", "param"),
    [
        (NewKey(""), "name"),
        (NewKey("a", rpm=0), "rpm"),
        (NewKey("a", budget_nusd=-1), "budget"),
        (NewKey("a", budget_per="fortnight"), "budget_per"),
    ],
)
def test_values_that_make_no_sense_are_refused_by_field(rows, randomness, new, param):
    with pytest.raises(InvalidRequest) as refusal:
        rows.create(new, AT, randomness)
    assert refusal.value.param == param
    assert rows.list() == []


def home(database) -> None:
    objects = ObjectRows(database, lambda: AT)
    for each in (
        Organization("org_a", "acme"),
        Organization("org_b", "other"),
        Team("team_a", "org_a", "web"),
        Team("team_b", "org_b", "web"),
        Project("proj_a", "org_a", "shop"),
        User("user_a", "ann@acme.example"),
        User("user_o", "root@acme.example", operator=True),
        Member("mem_a", "org_a", "user_a"),
        MachineAccount("svc_a", "org_a", "ci"),
    ):
        objects.put(each)


def test_a_key_knows_to_whom_it_belongs(database, rows, randomness):
    home(database)
    new = NewKey(
        "app",
        organization_id="org_a",
        team_id="team_a",
        project_id="proj_a",
        user_id="user_a",
        tags=("beta",),
        required_tags=("cost",),
        endpoints=("chat",),
        networks=("10.0.0.0/8",),
        made_by="user:user_a",
    )
    issued, key = rows.create(new, AT, randomness)

    assert rows.read(issued.digest)[0] == rows.get(key.key_id) == key
    assert all(getattr(key, field) == getattr(new, field) for field in new.__struct_fields__)
    assert key.revision == 1
    assert (
        rows.create(NewKey("ci", organization_id="org_a", service_id="svc_a"), AT, randomness)[1].user_id
        is None
    )
    assert rows.create(NewKey("root", organization_id="org_b", user_id="user_o"), AT, randomness)[1]


@pytest.mark.parametrize(
    ("param", "belongs"),
    [
        ("organization_id", {"organization_id": "org_z"}),
        ("team_id", {"organization_id": "org_a", "team_id": "team_b"}),
        ("team_id", {"team_id": "team_a"}),
        ("project_id", {"organization_id": "org_b", "project_id": "proj_a"}),
        ("user_id", {"organization_id": "org_b", "user_id": "user_a"}),
        ("user_id", {"organization_id": "org_b", "user_id": "user_z"}),
        ("service_id", {"organization_id": "org_b", "service_id": "svc_a"}),
    ],
)
def test_a_key_belongs_to_what_is_there_in_its_organization(database, rows, randomness, param, belongs):
    home(database)
    with pytest.raises(Conflict) as refused:
        rows.create(NewKey("app", **belongs), AT, randomness)
    assert refused.value.param == param
    assert (rows.list(), rows.version()) == ([], 0)


def test_a_person_makes_as_many_keys_as_they_may(database, rows, randomness):
    home(database)
    mine = NewKey("app", organization_id="org_a", user_id="user_a")
    first = rows.create(mine, AT, randomness, own_most=2)[1]
    rows.create(msgspec.structs.replace(mine, expires_at=AT + 5), AT, randomness, own_most=2)
    with pytest.raises(Conflict, match="2 keys of this person"):
        rows.create(mine, AT, randomness, own_most=2)
    rows.create(mine, AT + 6, randomness, own_most=2)
    rows.revoke(first.key_id, AT + 7)
    rows.create(mine, AT + 7, randomness, own_most=2)


def test_what_may_change_of_a_key_changes_and_the_rest_stays(database, rows, randomness):
    home(database)
    key = rows.create(NewKey("app", organization_id="org_a", rpm=5, models=("a",)), AT, randomness)[1]
    changes = KeyChanges(
        name="app2", expires_at=AT + 9, models=("b", "c"), rpm=None, budget_nusd=7, budget_per="day",
        log_content=False, route="cheap", priority="low", team_id="team_a", project_id="proj_a", tags=("x",),
        required_tags=("y",), endpoints=("chat",), networks=("10.0.0.0/8",),
    )  # fmt: skip
    changed = rows.update(key.key_id, changes, revision=1)

    assert changed == msgspec.structs.replace(key, **changes.told(), revision=2)
    assert rows.read(key.digest) == (changed, 2)
    assert rows.changed(1) == ([changed], 2)
    assert rows.update(key.key_id, KeyChanges(rpm=None)) == changed, "nothing changed"
    assert rows.update(key.key_id, KeyChanges(expires_at=None, team_id=None)).team_id is None


def test_a_change_that_can_not_be_is_refused_whole(database, rows, randomness):
    home(database)
    key = rows.create(NewKey("app"), AT, randomness)[1]
    for error, changes, revision in (
        (Conflict, KeyChanges(rpm=5), 7),
        (Conflict, KeyChanges(rpm=5, team_id="team_a"), None),
        (InvalidRequest, KeyChanges(rpm=0), None),
        (InvalidRequest, KeyChanges(networks=("home",)), 1),
    ):
        with pytest.raises(error):
            rows.update(key.key_id, changes, revision=revision)
    assert rows.get(key.key_id) == key
    with pytest.raises(NotFound):
        rows.update("nobody", KeyChanges(rpm=5))
    rows.revoke(key.key_id, AT)
    with pytest.raises(InvalidRequest, match="revoked"):
        rows.update(key.key_id, KeyChanges(rpm=5))


def test_the_own_end_of_a_key_can_be_changed_behind_a_rotation(rows, randomness):
    key = rows.create(NewKey("app", expires_at=AT + 100), AT, randomness)[1]
    rows.rotate(key.key_id, AT, randomness, overlap_s=5)
    assert rows.update(key.key_id, KeyChanges(expires_at=AT + 100)).expires_at == AT + 100
    assert rows.read(key.digest)[0].expires_at == AT + 5
    assert rows.update(key.key_id, KeyChanges(expires_at=None)).expires_at is None


async def test_memory_is_bounded_by_least_recent_use(rows, keys, randomness):
    made = [rows.create(NewKey(f"k{number}"), AT, randomness)[1] for number in range(4)]
    for key in made[:3]:
        await keys.lookup(key.digest)
    keys.cached(made[0].digest)
    await keys.lookup(made[3].digest)

    assert len(keys) == 3
    assert keys.cached(made[0].digest) is not None
    assert keys.cached(made[1].digest) is None


async def test_a_key_made_after_a_miss_works_at_once(rows, keys, randomness):
    assert await keys.lookup(b"0" * 32) is None
    issued, key = rows.create(NewKey("app"), AT, randomness)

    assert await keys.lookup(issued.digest) == key


async def test_refresh_brings_changes_of_keys_in_memory(rows, keys, randomness):
    one = rows.create(NewKey("one"), AT, randomness)[1]
    two = rows.create(NewKey("two"), AT, randomness)[1]
    assert await keys.refresh() is False
    await keys.lookup(one.digest)
    await keys.lookup(two.digest)
    same = keys.cached(two.digest)
    assert await keys.refresh() is False

    rows.revoke(one.key_id, AT + 1)
    assert await keys.refresh() is True
    assert keys.cached(one.digest).revoked_at == AT + 1
    assert keys.cached(two.digest) is same, "only what changed is replaced"


async def test_a_key_read_before_a_change_and_kept_after_it_is_read_again(rows, keys, randomness):
    """The race of a lookup under way, a revocation, and a refresh that finds nothing in memory to correct."""
    one = rows.create(NewKey("one"), AT, randomness)[1]
    other = rows.create(NewKey("other"), AT, randomness)[1]
    await keys.lookup(other.digest)
    real, reads = rows.read, []

    def slow(wanted: bytes):
        found = real(wanted)
        reads.append(found)
        if len(reads) == 1:
            rows.revoke(one.key_id, AT + 1)
            asyncio.run_coroutine_threadsafe(keys.refresh(), loop).result(10)
        return found

    loop = asyncio.get_running_loop()
    rows.read = slow
    found = await keys.lookup(one.digest)

    assert found.revoked_at == AT + 1
    assert keys.cached(one.digest).revoked_at == AT + 1


@pytest.mark.parametrize("where", [{}], ids=["sqlite"])
async def test_a_revocation_by_another_process_reaches_memory(rows, keys, randomness, tmp_path):
    key = rows.create(NewKey("app"), AT, randomness)[1]
    await keys.lookup(key.digest)
    rounds: asyncio.Queue[float] = asyncio.Queue(1)
    watching = asyncio.ensure_future(keys.watch(0.25, rounds.put))
    code = (
        "import sys, pathlib\nfrom waypost.stores.sql.engine import open_sqlite\n"
        "from waypost.stores.sql.keys import KeyRows\n"
        "KeyRows(open_sqlite(pathlib.Path(sys.argv[1]))).revoke(sys.argv[2], 99.0)"
    )
    await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, str(tmp_path), key.key_id], check=True, timeout=30
    )
    for _ in range(3):  # rounds that began before the change, then one that began after it
        assert await rounds.get() == 0.25

    assert keys.cached(key.digest).revoked_at == 99.0
    watching.cancel()


async def test_watching_survives_a_database_that_is_away(rows, keys, randomness):
    key = rows.create(NewKey("app"), AT, randomness)[1]
    await keys.lookup(key.digest)
    real, calls = rows.changed, []

    def away(since: int):
        calls.append(since)
        if len(calls) == 1:
            raise StoreUnavailable("away")
        return real(since)

    rows.changed = away
    rows.revoke(key.key_id, AT + 1)
    rounds: asyncio.Queue[float] = asyncio.Queue(1)
    watching = asyncio.ensure_future(keys.watch(0.25, rounds.put))
    for _ in range(3):
        await rounds.get()

    assert keys.cached(key.digest).revoked_at == AT + 1
    watching.cancel()


async def test_without_a_database_a_lookup_is_503_and_never_unknown(tmp_path, randomness):
    database = open_sqlite(tmp_path)  # no tables: every read fails
    keys = SqlKeys(KeyRows(database))

    with pytest.raises(StoreUnavailable):
        await keys.lookup(b"0" * 32)
    keys.close()
    database.close()


async def test_a_key_that_comes_in_during_the_first_refresh_is_brought_up_to_date(rows, keys, randomness):
    key = rows.create(NewKey("app"), AT, randomness)[1]
    real, loop = rows.version, asyncio.get_running_loop()

    def slow() -> int:
        asyncio.run_coroutine_threadsafe(keys.lookup(key.digest), loop).result(10)
        rows.revoke(key.key_id, AT + 1)
        return real()

    rows.version = slow
    await keys.refresh()
    await keys.refresh()

    assert keys.cached(key.digest).revoked_at == AT + 1


async def test_a_flood_of_unknown_keys_does_not_hold_up_a_revocation(rows, keys, randomness):
    key = rows.create(NewKey("app"), AT, randomness)[1]
    await keys.lookup(key.digest)
    let_go, real = threading.Event(), rows.read

    def slow(digest: bytes):
        assert let_go.wait(10)
        return real(digest)

    rows.read = slow
    guesses = [asyncio.create_task(keys.lookup(bytes([number]) * 32)) for number in range(8)]
    await asyncio.sleep(0)
    rows.revoke(key.key_id, AT + 1)
    try:
        await asyncio.wait_for(keys.refresh(), 5)
        assert keys.cached(key.digest).revoked_at == AT + 1
    finally:
        let_go.set()
        await asyncio.gather(*guesses)
