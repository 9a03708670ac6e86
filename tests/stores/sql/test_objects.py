"""What the contract does not say: forgetting, other processes, and that changes make the same directory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from effort import examples
from waypost.core.budget import Budget
from waypost.core.objects import TYPES, Object
from waypost.core.people import Member, Organization, Role, Team, User
from waypost.errors import Conflict, InvalidRequest, StoreUnavailable
from waypost.policy.directory import Directory
from waypost.stores.sql.engine import Database, open_sqlite
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.schema import prepare

ACME = Organization("org_a", "acme")


@pytest.fixture
def objects(database: Database) -> ObjectRows:
    return ObjectRows(database, lambda: 1000.0)


@pytest.fixture
def second(database: Database, where: dict[str, str], tmp_path: Path) -> Iterator[ObjectRows]:
    other = open_database(tmp_path, where)
    assert other is not None
    yield ObjectRows(other, lambda: 1000.0)
    other.close()


def test_values_that_make_no_sense_are_not_stored(objects: ObjectRows) -> None:
    with pytest.raises(InvalidRequest) as refused:
        objects.put(Organization("org_a", "Acme Ltd."))
    assert refused.value.param == "name"
    assert objects.version() == 0


def test_another_handle_sees_what_was_written(objects: ObjectRows, second: ObjectRows) -> None:
    put = objects.put(ACME)
    assert second.get("organization", "org_a") == put
    second.put(Team("team_1", "org_a", "web"))
    assert [change.object.id for change in objects.changed(1)[0]] == ["team_1"]


def test_another_process_sees_what_was_written_and_its_writes_are_seen(
    objects: ObjectRows, where: dict[str, str], tmp_path: Path
) -> None:
    objects.put(ACME)
    code = (
        "import sys, pathlib\nfrom waypost.core.people import Team\n"
        "from waypost.stores.sql.opening import open_database\nimport os\n"
        "from waypost.stores.sql.objects import ObjectRows\n"
        "rows = ObjectRows(open_database(pathlib.Path(sys.argv[1]), os.environ), lambda: 1.0)\n"
        "print(rows.get('organization', 'org_a').name)\nrows.put(Team('team_1', 'org_a', 'web'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        check=True,
        timeout=30,
        capture_output=True,
        text=True,
        env={**os.environ, **where},
    )
    assert done.stdout == "acme\n"
    changes, version = objects.changed(1)
    assert ([change.object.name for change in changes], version) == (["web"], 2)


def test_writers_at_once_get_a_revision_each_and_one_name_once(
    objects: ObjectRows, second: ObjectRows
) -> None:
    objects.put(ACME)
    refused: list[Conflict] = []

    def write(rows: ObjectRows, mark: str) -> None:
        for number in range(20):
            try:
                rows.put(Team(f"team_{mark}{number}", "org_a", f"t{number}"))
            except Conflict as error:
                refused.append(error)

    threads = [threading.Thread(target=write, args=each) for each in ((objects, "a"), (second, "b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    teams = objects.page("team", "org_a", "", 100)
    assert (len(teams), len(refused), objects.version()) == (20, 20, 21)
    assert sorted(each.revision for each in teams) == list(range(2, 22))


def test_the_last_owner_stays(database: Database, objects: ObjectRows, second: ObjectRows) -> None:
    objects.put(ACME)
    for name in ("ann", "amy", "off"):
        objects.put(User(f"user_{name}", f"{name}@x.example", disabled=name == "off"))
        objects.put(Member(f"mem_{name}", "org_a", f"user_{name}", "owner"))
    assert objects.delete("member", "mem_ann")
    with pytest.raises(Conflict, match="last owner"):
        second.delete("member", "mem_amy")
    with pytest.raises(Conflict, match="last owner"):
        second.put(Member("mem_amy", "org_a", "user_amy", "admin"))
    assert second.put(Member("mem_amy", "org_a", "user_amy", "owner", models=("x",))).revision
    assert objects.delete("member", "mem_off"), "who is disabled is none, and leaves one behind"
    by_hand = ObjectRows(database, lambda: 1000.0, owners_stay=False)
    assert by_hand.put(Member("mem_amy", "org_a", "user_amy", "admin"))
    assert by_hand.put(Member("mem_amy", "org_a", "user_amy", "owner"))
    objects.put(Organization("org_a", "acme", suspended=True))
    assert objects.delete("member", "mem_amy"), "one that is suspended may be cleared away"


def test_deletions_are_forgotten_in_slices_and_it_is_known_up_to_where(database: Database) -> None:
    now = [0.0]
    objects = ObjectRows(database, lambda: now[0])
    objects.put(ACME)
    for number in range(3):
        objects.put(Team(f"team_{number}", "org_a", f"t{number}"))
    for number in range(3):
        now[0] = float(number)
        objects.delete("team", f"team_{number}")
    assert objects.forgotten() == 0
    assert objects.forget_deleted(0.0) == 0
    assert objects.forget_deleted(2.0, slice_rows=1) == 1
    assert (objects.forgotten(), len(objects.changed(0)[0])) == (5, 3)
    assert objects.forget_deleted(2.0) == 1
    assert objects.forget_deleted(2.0) == 0
    assert (objects.forgotten(), objects.version()) == (6, 7)
    assert [change.object.id for change in objects.changed(0)[0]] == ["org_a", "team_2"]


def test_without_a_database_it_says_so(tmp_path: Path) -> None:
    database = open_sqlite(tmp_path / "empty")  # no tables: every statement fails
    objects = ObjectRows(database, lambda: 0.0)
    with pytest.raises(StoreUnavailable):
        objects.get("team", "t")
    with pytest.raises(StoreUnavailable):
        objects.put(ACME)
    database.close()


def everything(directory: Directory) -> dict[str, Object]:
    return {f"{kind}/{each.id}": each for kind, shape in TYPES.items() for each in directory.all(shape)}


class Changes(RuleBasedStateMachine):
    """Puts and deletions as they come; refused ones change nothing."""

    ids = Bundle("ids")
    few = st.integers(0, 3)

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.database = open_sqlite(Path(self.folder.name))
        prepare(self.database)
        self.now = 0.0
        self.objects = ObjectRows(self.database, lambda: self.now)
        self.kept = Directory()
        self.model: dict[str, Object] = {}
        self.gone: set[str] = set()

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    def put(self, kind: str, found: Object) -> None:
        place = f"{kind}/{found.id}"
        before = self.objects.version()
        try:
            stored = self.objects.put(found)
        except Conflict:
            assert self.objects.version() == before
            return
        assert place not in self.gone
        self.model[place] = stored

    @rule(number=few, title=st.sampled_from(["", "x"]))
    def put_organization(self, number: int, title: str) -> None:
        self.put("organization", Organization(f"org_{number}", f"o{number}", title))

    @rule(number=few, home=few, name=few)
    def put_team(self, number: int, home: int, name: int) -> None:
        self.put("team", Team(f"team_{number}", f"org_{home}", f"t{name}"))

    @rule(number=few, name=few)
    def put_user(self, number: int, name: int) -> None:
        self.put("user", User(f"user_{number}", f"u{name}@x.example"))

    @rule(number=few, home=few, user=few, role=st.sampled_from(["viewer", "r0", "r1"]))
    def put_member(self, number: int, home: int, user: int, role: str) -> None:
        self.put("member", Member(f"mem_{number}", f"org_{home}", f"user_{user}", role))

    @rule(number=few, home=few, name=few)
    def put_role(self, number: int, home: int, name: int) -> None:
        self.put("role", Role(f"role_{number}", f"org_{home}", f"r{name}", ("keys:read",)))

    @rule(number=few, home=few, scope=st.sampled_from(["team", "user", "tag"]), of=few)
    def put_budget(self, number: int, home: int, scope: str, of: int) -> None:
        self.put(
            "budget",
            Budget(f"bud_{number}", f"org_{home}", f"b{number}", scope, f"{scope}_{of}", 5),  # type: ignore[arg-type]
        )

    @rule(kind=st.sampled_from(["organization", "team", "user", "member", "role", "budget"]), number=few)
    def delete(self, kind: str, number: int) -> None:
        prefix = {"organization": "org", "team": "team", "user": "user", "member": "mem", "role": "role"}
        object_id = f"{prefix.get(kind, 'bud')}_{number}"
        self.now += 1
        try:
            deleted = self.objects.delete(kind, object_id)  # type: ignore[arg-type]
        except Conflict:
            return
        assert deleted == (self.model.pop(f"{kind}/{object_id}", None) is not None)
        if deleted:
            self.gone.add(f"{kind}/{object_id}")

    @rule()
    def follow(self) -> None:
        changes, version = self.objects.changed(self.kept.version)
        self.kept.apply(changes, version)
        assert everything(self.kept) == self.model

    @invariant()
    def a_new_directory_is_what_was_put(self) -> None:
        made = Directory()
        made.apply(*self.objects.changed(0))
        assert everything(made) == self.model
        assert made.version == self.objects.version()

    @invariant()
    def names_are_unique_and_references_hold(self) -> None:
        names = [
            (place.partition("/")[0], getattr(each, "organization_id", ""), each.name)
            for place, each in self.model.items()
        ]
        assert len(names) == len(set(names))
        for place, each in self.model.items():
            home = getattr(each, "organization_id", None)
            assert home is None or f"organization/{home}" in self.model, place
            if isinstance(each, Member):
                assert f"user/{each.name}" in self.model


Changes.TestCase.settings = settings(max_examples=examples(25), stateful_step_count=30, deadline=None)
TestChanges = Changes.TestCase
