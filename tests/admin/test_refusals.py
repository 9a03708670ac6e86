"""Tries that were refused leave rows too, and never so many that they fill a disk."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from admin.rig import ACME, PASSWORD, World
from waypost.core.deed import Entry
from waypost.errors import StoreUnavailable

SESSION = "/api/v1/session"


def refused(world: World) -> list[Entry]:
    return [kept.entry for kept in world.told(outcome="refused")]


async def sign_in(world: World, email: str, password: str = "wrong words here", **more: Any) -> int:
    body = {"email": email, "password": password}
    return (await world.ask("POST", SESSION, body, token=None, **more)).status


async def test_who_may_not(world: World) -> None:
    viewer = world.person("ann", "viewer")
    assert (await world.ask("PUT", f"{ACME}/teams/core", {}, token=viewer)).status == 403
    (entry,) = refused(world)
    assert (entry.actor, entry.action, entry.organization_id) == ("user:user_ann", "put_team", "org_acme")
    assert (entry.kind, entry.name) == ("path", f"{ACME}/teams/core")
    assert msgspec.json.decode(entry.changes) == {"refused": [None, "permission_denied"]}


async def test_a_failed_sign_in(world: World) -> None:
    world.user("ann", password=True)
    assert await sign_in(world, "ann@example.com") == 401
    assert await sign_in(world, "my-password-by-mistake@x") == 401
    known, unknown = refused(world)
    assert (known.action, known.kind, known.object_id, known.name) == (
        "create_session", "user", "user_ann", "ann@example.com",
    )  # fmt: skip
    assert (unknown.object_id, unknown.name) == ("", ""), "it may be anything, a password too"
    assert (known.actor, known.via, known.address) == ("", "sign-in", "192.0.2.7")
    assert "by-mistake" not in repr(world.told())


async def test_what_is_shown_and_opens_nothing(world: World) -> None:
    for text in ("wp-api-rubbish", "sk-of-a-client"):
        assert (await world.ask("GET", "/api/v1/me", token=text)).status == 401
    first, second = refused(world)
    assert (first.action, first.actor) == ("get_me", "")
    assert "rubbish" not in repr((first, second))


async def test_who_has_only_not_signed_in_is_not_told_of(world: World) -> None:
    assert (await world.ask("GET", "/api/v1/me", token=None)).status == 401
    assert (await world.ask("GET", f"{ACME}/teams/none")).status == 404
    assert refused(world) == []


async def test_who_is_asked_for_a_code_is_not_told_of(world: World) -> None:
    world.user("ann", password=True)
    kept = world.passwords.get("user_ann")
    assert kept is not None
    world.passwords.put(msgspec.structs.replace(kept, totp=b"0123456789"), before=kept)
    assert await sign_in(world, "ann@example.com", PASSWORD) == 401
    assert refused(world) == []


async def test_a_network_leaves_a_few_rows_and_the_next_says_how_many_there_were(world: World) -> None:
    for number in range(30):
        assert (
            await world.ask("GET", "/api/v1/me", token="no", address=f"2001:db8::{number:x}")
        ).status == 401
    assert len(refused(world)) == 20
    assert (await world.ask("GET", "/api/v1/me", token="no", address="192.0.2.8")).status == 401
    assert len(refused(world)) == 21, "another network has room of its own"
    assert msgspec.json.decode(refused(world)[-1].changes)["refusals_not_written"] == [0, 10]
    world.clock.now += 30.0
    for _ in range(3):
        await world.ask("GET", "/api/v1/me", token="no", address="2001:db8::1")
    assert len(refused(world)) == 22
    assert "not_written" not in refused(world)[-1].changes


async def test_all_networks_together_leave_a_bounded_number(world: World) -> None:
    for number in range(250):
        await world.ask("GET", "/api/v1/me", token="no", address=f"10.0.{number}.1")
    assert len(refused(world)) == 200
    world.clock.now += 5.0
    for number in range(3):
        await world.ask("GET", "/api/v1/me", token="no", address=f"10.1.{number}.1")
    assert len(refused(world)) == 201


async def test_networks_that_are_remembered_are_bounded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waypost.admin.refusals._NETWORKS_MOST", 5)
    for number in range(9):
        await world.ask("GET", "/api/v1/me", token="no", address=f"10.0.{number}.1")
    assert len(world.admin._refusals._networks) == 5


async def test_while_the_database_is_away_the_answer_is_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("The database does not answer.")

    viewer = world.person("ann", "viewer")
    with monkeypatch.context() as patched:
        patched.setattr("waypost.stores.sql.audit_log.append", away)
        assert (await world.ask("PUT", f"{ACME}/teams/core", {}, token=viewer)).status == 403
    assert refused(world) == []
