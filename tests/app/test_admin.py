from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from waypost.app.admin import AdminSide, serve_admin
from waypost.app.clock import SystemClock
from waypost.config.credits_schema import CreditsConfig
from waypost.core.key import Key
from waypost.core.people import Organization, User
from waypost.core.signin import Session
from waypost.errors import StoreUnavailable
from waypost.policy.directory import Directory
from waypost.ports.control import Said, Visit
from waypost.stores.sealing import Seals
from waypost.stores.sql.engine import Database, open_sqlite
from waypost.stores.sql.keys import KeyRows
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.people import SessionRows
from waypost.stores.sql.schema import prepare
from waypost.telemetry.logs import Log

CONTROL = "wp-control-x"
SEALS = Seals([bytes(32)], os.urandom)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_sqlite(tmp_path)
    prepare(opened)
    yield opened
    opened.close()


def visit(method: str, path: str, body: bytes = b"") -> Visit:
    async def read(most: int) -> bytes:
        return body

    headers = {b"authorization": f"Bearer {CONTROL}".encode(), b"content-type": b"application/json"}
    return Visit(method, path, b"", headers, read, "req_1")


async def ask(side: AdminSide, method: str, path: str, body: bytes = b"") -> Said:
    return await side.answer(visit(method, path, body))


async def test_it_answers_from_the_stores_and_tells_of_changes(database: Database) -> None:
    log = io.StringIO()
    ObjectRows(database, lambda: 1.0).put(Organization("org_a", "acme"))
    async with AsyncExitStack() as stack:
        side = serve_admin(
            stack,
            database,
            KeyRows(database),
            SystemClock(),
            Log(log, lambda: 0.0),
            CONTROL,
            SEALS,
            Directory(),
        )
        assert side.methods("/api/v1/me")
        assert (await ask(side, "PUT", "/api/v1/organizations/acme/teams/x", b"{}")).status == 201
        assert (await ask(side, "GET", "/api/v1/organizations/none")).status == 404
        assert side.refuse(StoreUnavailable("x"), "/", "r").status == 503
    told = msgspec.json.decode(log.getvalue())
    assert (told["event"], told["action"], told["kind"], told["who"]) == (
        "control API", "put_team", "team", "operator",
    )  # fmt: skip
    assert CONTROL not in log.getvalue()


async def test_a_database_that_is_away_at_the_start(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = AdminSide(
        database, KeyRows(database), SystemClock(), Log(io.StringIO(), lambda: 0.0), CONTROL, SEALS
    )

    async def away() -> bool:
        raise StoreUnavailable("The database does not answer.")

    monkeypatch.setattr(side.live, "refresh", away)
    assert (await ask(side, "GET", "/api/v1/me")).status == 503
    side.live.close()


async def test_sessions_that_have_ended_are_forgotten(database: Database) -> None:
    sessions, rounds = SessionRows(database), asyncio.Queue[float](1)
    ObjectRows(database, lambda: 1.0).put(User("user_a", "a@example.com"))
    sessions.add(Session(bytes(32), "user_a", 1.0, 1.0, 2.0))
    log = Log(io.StringIO(), lambda: 0.0)
    side = AdminSide(database, KeyRows(database), SystemClock(), log, CONTROL, SEALS, sleep=rounds.put)
    side.start()
    while sessions.get(bytes(32)) is not None:
        await rounds.get()
    await side.stop()
    assert sessions.of_user("user_a") == []


async def test_a_new_organization_has_its_credit_when_it_is_told_of(database: Database) -> None:
    directory, settings = Directory(), CreditsConfig(enabled=True)
    async with AsyncExitStack() as stack:
        side = serve_admin(
            stack, database, KeyRows(database), SystemClock(), Log(io.StringIO(), lambda: 0.0), CONTROL, SEALS,
            directory, credits=lambda: settings,
        )  # fmt: skip
        await side.load()
        assert (await ask(side, "PUT", "/api/v1/organizations/acme", b"{}")).status == 201
        home = next(each.id for each in directory.all(Organization))
        key = Key("k", "k", b"", "", 0.0, organization_id=home)
        assert [bound.prepaid_nusd for bound in directory.standing(key).rules.bounds] == [10_000_000_000]
        told = msgspec.json.decode((await ask(side, "GET", "/api/v1/organizations/acme/credits")).body)
    assert (told["balance"], told["entries"][0]["kind"]) == ("10", "grant")


async def test_what_was_changed_is_spread_before_it_is_answered(database: Database) -> None:
    spread: list[int] = []

    async def told() -> None:
        spread.append(side.live.directory.version)

    async with AsyncExitStack() as stack:
        log = Log(io.StringIO(), lambda: 0.0)
        side = serve_admin(
            stack, database, KeyRows(database), SystemClock(), log, CONTROL, SEALS, Directory()
        )
        side.spread = told
        assert (await ask(side, "PUT", "/api/v1/organizations/acme", b"{}")).status == 201
        assert spread == [side.live.directory.version]
        assert (await ask(side, "GET", "/api/v1/organizations/acme")).status == 200
        assert (await ask(side, "PUT", "/api/v1/organizations/none/teams/x", b"{}")).status == 404
        assert len(spread) == 1
