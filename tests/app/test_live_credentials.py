from __future__ import annotations

import asyncio
import os
from io import StringIO

import msgspec
import pytest

from waypost.app.live_credentials import LiveCredentials
from waypost.core.credentials import Credential
from waypost.core.objects import Change
from waypost.policy.credentials import PURPOSE
from waypost.policy.directory import Directory
from waypost.routing.own import OwnKeys
from waypost.stores.sealing import Seals
from waypost.telemetry.logs import Log

SEALS = Seals([b"r" * 32], os.urandom)
SECRET = "sk-in-memory-only-0123456789"


def credential(number: int = 1, seals: Seals = SEALS, **more: object) -> Credential:
    made = Credential(
        f"cred_{number}", "org_a", f"m{number}", "openai", "https://o.example", owner_id="org_a"
    )
    made = msgspec.structs.replace(made, **more)
    return msgspec.structs.replace(made, sealed=seals.seal(PURPOSE, made.row, SECRET.encode()))


class Counting(Seals):
    opened = 0

    def open(self, purpose: str, row: str, sealed: bytes) -> bytes:
        self.opened += 1
        return super().open(purpose, row, sealed)


class Rig:
    def __init__(self) -> None:
        self.directory, self.own, self.log = Directory(), OwnKeys(), StringIO()
        self.seals = Counting([b"r" * 32], os.urandom)
        self.live = LiveCredentials(self.directory, self.seals, self.own, Log(self.log, lambda: 0.0))

    async def take(self, *changes: Change) -> None:
        self.directory.apply(changes, self.directory.version + 1)
        await self.live.refresh()

    def secrets(self) -> dict[str, str]:
        return {each.credential.id: each.secret for home in self.own.homes.values() for each in home}


async def test_it_follows_the_directory() -> None:
    rig = Rig()
    await rig.take()
    assert rig.own.homes == {}
    one, two = credential(1), credential(2, organization_id="org_b", owner_id="org_b")
    await rig.take(Change("credential", one), Change("credential", two))
    assert rig.secrets() == {"cred_1": SECRET, "cred_2": SECRET}
    assert sorted(rig.own.homes) == ["org_a", "org_b"]
    assert rig.live.readable(one)
    await rig.take(Change("credential", msgspec.structs.replace(one, sealed=b""), deleted=True))
    assert rig.secrets() == {"cred_2": SECRET}
    assert not rig.live.readable(one)


async def test_only_what_is_new_is_opened() -> None:
    rig = Rig()
    one = credential(1)
    await rig.take(Change("credential", one))
    await rig.take(
        Change("credential", msgspec.structs.replace(one, weight=5)), Change("credential", credential(2))
    )
    assert rig.seals.opened == 2
    assert {each.credential.weight for each in rig.own.homes["org_a"]} == {5, 1}
    before = rig.own.homes
    await rig.take()
    assert rig.own.homes is before, "nothing of it was changed"


async def test_one_that_can_not_be_opened_is_told_of_once_and_keeps_its_place() -> None:
    rig = Rig()
    lost = credential(1, Seals([b"x" * 32], os.urandom), use="only")
    await rig.take(Change("credential", lost))
    await rig.take(Change("credential", credential(2)))
    assert rig.secrets() == {"cred_1": "", "cred_2": SECRET}
    assert not rig.live.readable(lost)
    told = rig.log.getvalue()
    assert told.count("cred_1") == 1
    assert "root key" in told
    assert SECRET not in told


async def test_what_is_deleted_meanwhile_does_not_come_back() -> None:
    rig = Rig()
    one, two = credential(1), credential(2)
    await rig.take(Change("credential", one))
    rig.directory.apply([Change("credential", two)], 2)
    first = asyncio.ensure_future(rig.live.refresh())
    await asyncio.sleep(0)
    rig.directory.apply([Change("credential", one, deleted=True), Change("credential", two, deleted=True)], 3)
    await asyncio.gather(first, rig.live.refresh())
    assert rig.own.homes == {}


async def test_what_was_cancelled_is_taken_in_by_who_watches() -> None:
    rig = Rig()
    rig.directory.apply([Change("credential", credential(1))], 1)
    first = asyncio.ensure_future(rig.live.refresh())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    round_over = asyncio.Event()

    async def sleep(_: float) -> None:
        round_over.set()
        await asyncio.Event().wait()

    watching = asyncio.ensure_future(rig.live.watch(sleep=sleep))
    await round_over.wait()
    watching.cancel()
    assert rig.secrets() == {"cred_1": SECRET}
