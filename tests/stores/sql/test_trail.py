"""Every change leaves one row, together with it or not at all."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from waypost.core.credit import entry
from waypost.core.deed import Deed, Done, Kept, Wanted
from waypost.core.key import KeyChanges
from waypost.core.objects import Object
from waypost.core.people import Invitation, Member, Organization, Team, Token, User
from waypost.core.signin import Password, Session
from waypost.errors import Bug, GatewayError
from waypost.stores.sealing import Seals
from waypost.stores.sql.audit_log import AuditRows
from waypost.stores.sql.chain import verify
from waypost.stores.sql.credits import CreditRows
from waypost.stores.sql.engine import Database
from waypost.stores.sql.keys import KeyRows, NewKey
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.people import PasswordRows, SessionRows

ACME = Organization("org_a", "acme")
WEB = Team("team_w", "org_a", "web")
ANN = User("user_1", "ann@example.com")
DEED = Deed("user:user_1", "session", "put_team", "org_a", "req_1", "192.0.2.1")
NEW = NewKey("app", organization_id="org_a")
random_bytes = random.Random(7).randbytes


@pytest.fixture
def stores(database: Database) -> Database:
    database.wall = lambda: 1000.5
    rows = ObjectRows(database, lambda: 1.0)
    for found in (ACME, ANN, Organization("org_b", "other")):
        rows.put(found)
    return database.by(DEED)


def told(database: Database) -> list[Kept]:
    return list(AuditRows(database).oldest_first(Wanted()))


def rest(database: Database, before: int) -> list[tuple[str, str, str, str, dict[str, object]]]:
    return [
        (
            kept.entry.kind,
            kept.entry.object_id,
            kept.entry.name,
            kept.entry.organization_id,
            msgspec.json.decode(kept.entry.changes),
        )
        for kept in told(database)[before:]
    ]


def test_a_row_tells_all_of_it(stores: Database) -> None:
    ObjectRows(stores, lambda: 1.0).put(WEB)
    entry_ = told(stores)[-1].entry
    assert msgspec.structs.astuple(entry_) == (
        4, 1_000_500_000, "user:user_1", "session", "org_a", "put_team", "team", "team_w", "web", "done",
        '{"name":[null,"web"]}', "req_1", "192.0.2.1",
    )  # fmt: skip


def test_what_nobody_says_is_the_gateways_own(stores: Database) -> None:
    assert [kept.entry.actor for kept in told(stores)] == ["gateway"] * 3
    assert told(stores)[0].entry.organization_id == "org_a", "an organization's row is its own"
    assert told(stores)[1].entry.organization_id == "", "people are nobody's"


def test_objects(stores: Database) -> None:
    rows = ObjectRows(stores, lambda: 1.0)
    made = rows.put(WEB)
    rows.put(made)  # the same again
    rows.put(msgspec.structs.replace(WEB, title="Web"))
    rows.delete("team", "team_w")
    rows.delete("team", "team_w")
    assert rest(stores, 3) == [
        ("team", "team_w", "web", "org_a", {"name": [None, "web"]}),
        ("team", "team_w", "web", "org_a", {"title": ["", "Web"]}),
        ("team", "team_w", "web", "org_a", {"name": ["web", None], "title": ["Web", None]}),
    ]


def test_keys(stores: Database) -> None:
    keys = KeyRows(stores)
    issued, key = keys.create(NEW, 5.0, random_bytes)
    keys.update(key.key_id, KeyChanges(rpm=7))
    keys.update(key.key_id, KeyChanges(rpm=7))  # the same again
    second, _ = keys.rotate(key.key_id, 6.0, random_bytes, overlap_s=10.0)
    keys.revoke(key.key_id, 7.0)
    keys.revoke(key.key_id, 8.0)
    of = ("key", key.key_id, "app", "org_a")
    made, *others = rest(stores, 3)
    assert made[:4] == of
    assert made[4]["name"] == [None, "app"]
    assert others == [
        (*of, {"rpm": [None, 7]}),
        (*of, {"secret": "changed", "older_ones_end_at": [None, 16.0]}),
        (*of, {"revoked_at": [None, 7.0]}),
    ]
    written = repr(told(stores))
    for one in (issued, second):
        assert one.text not in written
        assert one.digest.hex() not in written


def test_credit(stores: Database) -> None:
    credits = CreditRows(stores)
    given = entry("paid-1", "org_a", 1.0, "topup", 5_000, reason="wire", made_by="operator")
    credits.add(given)
    credits.add(given)
    ((kind, object_id, _, home, changes),) = rest(stores, 3)
    assert (kind, object_id, home) == ("credit", "paid-1", "org_a")
    assert (changes["amount_nusd"], changes["reason"]) == ([None, 5_000], [None, "wire"])


def test_how_people_sign_in(stores: Database) -> None:
    passwords = PasswordRows(stores, Seals([bytes(32)], random_bytes))
    kept = Password("user_1", hash="$argon2id$one", changed_at=1.0)
    passwords.put(kept)
    passwords.put(msgspec.structs.replace(kept, hash="$argon2id$other"))
    factor = msgspec.structs.replace(kept, hash="$argon2id$other", totp=b"0123456789", recovery=("a", "b"))
    passwords.put(factor)
    passwords.advance("user_1", 9)
    passwords.spend("user_1", "a")
    passwords.spend("user_1", "a")
    PasswordRows(stores, Seals([b"\x01" * 32, bytes(32)], random_bytes)).reseal()
    passwords.delete("user_1")
    changes = [each[4] for each in rest(stores, 3)]
    assert all(each[1:4] == ("user_1", "ann@example.com", "") for each in rest(stores, 3))
    assert changes[:4] == [
        {"password": "changed"},
        {"stored_hash": "changed"},
        {"second_factor": [False, True], "recovery_codes": [0, 2]},
        {"recovery_codes": [2, 1]},
    ]
    assert set(changes[4]) == {"root_key"}
    assert changes[5:] == [{"password": "changed"}]
    assert "argon" not in repr(told(stores))


def test_sessions(stores: Database) -> None:
    sessions = SessionRows(stores)
    for number in range(3):
        sessions.add(Session(bytes([number]) * 32, "user_1", 1.0, 1.0, 9.0, strong=True))
    sessions.see(bytes(32), 2.0)
    sessions.end(bytes(32))
    sessions.end(bytes(32))
    sessions.end_all("user_1")
    sessions.end_all("user_1")
    found = rest(stores, 3)
    ids = ["00" * 8, "01" * 8, "02" * 8, "00" * 8, "user_1"]
    assert [(kind, object_id) for kind, object_id, *_ in found] == [("session", each) for each in ids]
    assert found[-1][4] == {"sessions_ended": [0, 2]}


def _changes(stores: Database) -> list[Callable[[], object]]:
    rows, keys = ObjectRows(stores, lambda: 1.0), KeyRows(stores)
    _, key = keys.create(NEW, 5.0, random_bytes)
    objects: list[Object] = [
        WEB,
        Member("mem_1", "org_a", "user_1"),
        Token("tok_1", "org_a", "ci", b"t" * 32, "…", made_by="operator"),
        Invitation("inv_1", "org_a", "eve@example.com", b"i" * 32, expires_at=9.0),
    ]
    return [
        *(lambda found=found: rows.put(found) for found in objects),  # type: ignore[misc]
        lambda: rows.delete("organization", "org_b"),
        lambda: keys.create(NewKey("other", organization_id="org_a"), 5.0, random_bytes),
        lambda: keys.update(key.key_id, KeyChanges(rpm=1)),
        lambda: keys.rotate(key.key_id, 6.0, random_bytes),
        lambda: keys.revoke(key.key_id, 6.0),
        lambda: CreditRows(stores).add(entry("paid-1", "org_a", 1.0, "topup", 5)),
        lambda: PasswordRows(stores, Seals([bytes(32)], random_bytes)).put(Password("user_1")),
        lambda: SessionRows(stores).add(Session(bytes(32), "user_1", 1.0, 1.0, 9.0)),
    ]


def test_a_change_whose_row_can_not_be_written_does_not_happen(stores: Database) -> None:
    changes = _changes(stores)
    tables = ("objects", "keys", "key_secrets", "credits", "passwords", "sessions", "audit")
    counts = [f"SELECT count(*), coalesce(sum(revision), 0) FROM {name}" for name in ("objects", "keys")]
    counts += [f"SELECT count(*) FROM {name}" for name in tables]

    def state() -> list[object]:
        with stores.read() as connection:
            return [tuple(connection.execute(text(query)).one()) for query in counts]

    before = state()
    with stores.write() as connection:
        connection.execute(text("UPDATE versions SET value = value - 1 WHERE name = 'audit'"))
    for change in changes:
        with pytest.raises(Bug):  # the number that it would have is taken
            change()
    assert state() == before
    with stores.write() as connection:
        connection.execute(text("UPDATE versions SET value = value + 1 WHERE name = 'audit'"))
    for change in changes:
        change()
    assert len(told(stores)) == before[-1][0] + len(changes)  # type: ignore[index]


def test_texts_are_cut_and_kept_by_every_database(stores: Database) -> None:
    deed = Deed("user:\x00" + "é" * 500, "v" * 500, "a" * 500, "o" * 99, "r" * 999, "x" * 999)
    AuditRows(stores.by(deed)).add(Done("path", name="/\x00\ud800" + "n" * 999, outcome="refused"))
    kept = told(stores)[-1]
    assert kept.entry.actor.startswith("user:\ufffdéé")
    assert kept.entry.name.startswith("/\ufffd?n")
    assert not verify(stores).wrong


def test_a_database_without_the_log_says_so(stores: Database) -> None:
    with stores.write() as connection:
        connection.execute(text("DELETE FROM versions WHERE name = 'audit'"))
    with pytest.raises(GatewayError, match="no audit log"):
        AuditRows(stores).add(Done("path"))


def test_the_databases_own_clock(database: Database) -> None:
    AuditRows(database).add(Done("path"))
    assert told(database)[0].entry.at_us > 1_700_000_000_000_000


def test_several_nodes_make_one_chain(stores: Database, where: dict[str, str], tmp_path: Path) -> None:
    """Each by connections of its own, at once."""
    nodes = [opened for _ in range(3) if (opened := open_database(tmp_path, where)) is not None]
    failed: list[BaseException] = []

    def work(number: int) -> None:
        rows, trail = ObjectRows(nodes[number], lambda: 1.0), AuditRows(nodes[number])
        try:
            for each in range(10):
                rows.put(Team(f"team_{number}_{each}", "org_a", f"t{number}-{each}"))
                trail.add(Done("path", name=f"{number}"))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(nodes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for node in nodes:
        node.close()
    assert not failed
    assert [kept.entry.seq for kept in told(stores)] == list(range(1, 64))
    found = verify(stores)
    assert (found.rows, found.wrong) == (63, 0)
