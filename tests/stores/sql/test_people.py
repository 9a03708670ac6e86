from __future__ import annotations

import os
import threading
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select, update

from waypost.core.people import User
from waypost.core.signin import Password, Session
from waypost.errors import Conflict, StoreUnavailable
from waypost.stores.sealing import Seals
from waypost.stores.sql.engine import Database, open_sqlite
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.people import PasswordRows, SessionRows
from waypost.stores.sql.tables import PASSWORDS

SEALS = Seals([b"r" * 32], os.urandom)
ANN = Password("user_1", "$argon2id$v=19$…", b"\x00opaque\xff", 100, ("c1", "c2"), 5.0)


@pytest.fixture
def passwords(database: Database) -> PasswordRows:
    return PasswordRows(database, SEALS)


@pytest.fixture
def sessions(database: Database) -> SessionRows:
    return SessionRows(database)


def session(number: int, user_id: str = "user_1", *, at: float = 10.0, ends: float = 100.0) -> Session:
    return Session(bytes([number]) * 32, user_id, at, at, ends, number % 2 == 0)


def test_what_is_kept_of_a_person_is_replaced_whole(passwords: PasswordRows) -> None:
    assert passwords.get("user_1") is None
    passwords.put(ANN)
    assert passwords.get("user_1") == ANN
    passwords.put(Password("user_1", None, changed_at=6.0))
    assert passwords.get("user_1") == Password("user_1", None, changed_at=6.0)
    assert passwords.delete("user_1") is True
    assert passwords.delete("user_1") is False
    assert passwords.get("user_1") is None


def test_a_time_step_is_used_once_and_no_older_one_after_it(passwords: PasswordRows) -> None:
    passwords.put(ANN)
    assert passwords.advance("user_1", 100) is False
    assert passwords.advance("user_1", 102) is True
    assert passwords.advance("user_1", 102) is False
    assert passwords.advance("user_1", 101) is False
    assert passwords.advance("nobody", 500) is False


def test_used_steps_stay_used_as_long_as_the_secret_is_the_same(passwords: PasswordRows) -> None:
    passwords.put(ANN)
    passwords.advance("user_1", 200)
    passwords.put(msgspec.structs.replace(ANN, hash="new"))
    assert passwords.advance("user_1", 200) is False
    passwords.put(msgspec.structs.replace(ANN, totp=b"another", totp_step=0))
    assert passwords.advance("user_1", 7) is True


def test_a_recovery_code_is_used_once(passwords: PasswordRows) -> None:
    passwords.put(ANN)
    assert passwords.spend("user_1", "c2") is True
    assert passwords.spend("user_1", "c2") is False
    assert passwords.spend("user_1", "c9") is False
    assert passwords.spend("nobody", "c1") is False
    assert passwords.get("user_1") == msgspec.structs.replace(ANN, recovery=("c1",))


def test_a_spent_code_does_not_come_back_with_an_older_reading(passwords: PasswordRows) -> None:
    passwords.put(ANN)
    passwords.spend("user_1", "c1")
    with pytest.raises(Conflict):
        passwords.put(msgspec.structs.replace(ANN, hash="new"), before=ANN)
    now = passwords.get("user_1")
    assert now is not None
    passwords.put(msgspec.structs.replace(now, hash="new"), before=now)
    assert passwords.get("user_1") == msgspec.structs.replace(ANN, hash="new", recovery=("c2",))


def test_of_many_at_once_one_uses_a_step_and_one_a_code(passwords: PasswordRows) -> None:
    passwords.put(ANN)
    steps: list[bool] = []
    codes: list[bool] = []

    def use() -> None:
        steps.append(passwords.advance("user_1", 300))
        codes.append(passwords.spend("user_1", "c1"))

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(steps), sum(codes)) == (1, 1)


def test_a_session_is_seen_and_ends_when_it_was_meant_to(sessions: SessionRows) -> None:
    one = session(1)
    sessions.add(one)
    assert sessions.get(one.digest) == one
    sessions.see(one.digest, 50.0)
    sessions.see(one.digest, 40.0)
    assert sessions.get(one.digest) == msgspec.structs.replace(one, seen_at=50.0)
    assert sessions.get(b"0" * 32) is None


def test_sessions_of_a_person_end_one_by_one_or_all(sessions: SessionRows) -> None:
    mine = [session(number, at=10.0 + number) for number in range(4)]
    for each in (*mine, session(9, "user_2")):
        sessions.add(each)
    assert sessions.of_user("user_1") == list(reversed(mine))
    assert sessions.end(mine[0].digest) is True
    assert sessions.end(mine[0].digest) is False
    assert sessions.end_all("user_1", but=mine[2].digest) == 2
    assert sessions.of_user("user_1") == [mine[2]]
    assert sessions.end_all("user_1") == 1
    assert len(sessions.of_user("user_2")) == 1


def test_what_has_ended_or_idled_is_forgotten_in_slices(sessions: SessionRows) -> None:
    for number in range(5):
        sessions.add(session(number, at=10.0 * number, ends=100.0 + number))
    assert sessions.delete_expired(99.0) == 0
    assert sessions.delete_expired(101.0, slice_rows=1) == 1
    assert sessions.delete_expired(101.0) == 1
    assert sessions.delete_expired(101.0) == 0
    assert sessions.delete_expired(101.0, idle_s=75.0) == 1
    assert [each.seen_at for each in sessions.of_user("user_1")] == [40.0, 30.0]


def test_with_a_user_goes_all_by_which_they_signed_in(
    database: Database, passwords: PasswordRows, sessions: SessionRows
) -> None:
    objects = ObjectRows(database, lambda: 1.0)
    objects.put(User("user_1", "ann@acme.example"))
    objects.put(User("user_2", "bob@acme.example"))
    for user_id in ("user_1", "user_2"):
        passwords.put(Password(user_id, "hash"))
    sessions.add(session(1))
    sessions.add(session(2, "user_2"))
    objects.delete("user", "user_1")
    assert (passwords.get("user_1"), list(sessions.of_user("user_1"))) == (None, [])
    assert passwords.get("user_2") is not None
    assert len(sessions.of_user("user_2")) == 1


def test_without_a_database_it_says_so(tmp_path: Path) -> None:
    database = open_sqlite(tmp_path / "empty")  # no tables: every statement fails
    with pytest.raises(StoreUnavailable):
        PasswordRows(database, SEALS).get("user_1")
    with pytest.raises(StoreUnavailable):
        SessionRows(database).add(session(1))
    database.close()


def test_the_secret_of_a_second_factor_is_sealed_for_its_row(database: Database) -> None:
    rows = PasswordRows(database, SEALS)
    rows.put(ANN)
    rows.put(msgspec.structs.replace(ANN, user_id="user_2"))
    assert ANN.totp is not None
    with database.write() as connection:
        kept = list(connection.scalars(select(PASSWORDS.c.totp)))
        assert all(ANN.totp not in bytes(each) for each in kept)
        connection.execute(update(PASSWORDS).where(PASSWORDS.c.user_id == "user_2").values(totp=kept[0]))
    assert rows.get("user_1") == ANN
    with pytest.raises(StoreUnavailable, match="another row"):
        rows.get("user_2")


def test_a_root_key_is_replaced_while_everything_runs(database: Database) -> None:
    PasswordRows(database, SEALS).put(ANN)
    both = PasswordRows(database, Seals([b"n" * 32, b"r" * 32], os.urandom))
    assert both.get("user_1") == ANN
    assert (both.reseal(), both.reseal()) == (1, 0)
    assert PasswordRows(database, Seals([b"n" * 32], os.urandom)).get("user_1") == ANN
    with pytest.raises(StoreUnavailable, match="WAYPOST_ROOT_KEY"):
        PasswordRows(database, SEALS).get("user_1")
