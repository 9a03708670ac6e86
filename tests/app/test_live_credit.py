from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.books import exchange
from waypost.app.live_credit import GRACE_S, LiveCredit
from waypost.config.credits_schema import CreditsConfig, FreeTierConfig
from waypost.core.credit import entry, used_of
from waypost.core.free_tier import FreeTier
from waypost.core.key import Key
from waypost.core.people import Organization
from waypost.core.scope import EXCHANGE
from waypost.errors import Conflict, StoreUnavailable
from waypost.policy.directory import Directory
from waypost.stores.sql.credits import CreditRows
from waypost.stores.sql.engine import Database, open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.schema import prepare

USD = 1_000_000_000
ON = CreditsConfig(enabled=True, starter=Decimal("10.00"), expires_after="90d")
DAY = 86_400.0


class Clock:
    now = 1000.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class World:
    def __init__(self, database: Database) -> None:
        self.clock, self.settings = Clock(), CreditsConfig()
        self.objects, self.rows, self.directory = (
            ObjectRows(database, self.clock.wall),
            CreditRows(database),
            Directory(),
        )
        self.live = self.node()

    def node(self) -> LiveCredit:
        return LiveCredit(self.rows, self.directory, self.clock, lambda: self.settings)

    def organization(self, name: str) -> None:
        self.objects.put(Organization(f"org_{name}", name, created_at=self.clock.now))
        self.load()

    def load(self) -> None:
        self.directory.apply(*self.objects.changed(self.directory.version))

    def prepaid(self, name: str) -> int | None:
        rules = self.directory.standing(Key("k", "k", b"", "", 0.0, organization_id=f"org_{name}")).rules
        return rules.bounds[0].prepaid_nusd if rules.bounds else None


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_sqlite(tmp_path)
    prepare(opened)
    yield opened
    opened.close()


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    yield made
    made.live.close()


async def test_what_anybody_enters_is_in_force_with_the_next_look(world: World) -> None:
    world.organization("a")
    await world.live.refresh()
    assert world.prepaid("a") is None
    world.rows.add(entry("e1", "org_a", 5.0, "topup", 3 * USD))
    rounds: asyncio.Queue[float] = asyncio.Queue(1)
    watching = asyncio.ensure_future(world.live.watch(0.5, rounds.put))
    assert await rounds.get() == 0.5
    assert world.prepaid("a") == 3 * USD
    world.rows.add(entry("e2", "org_a", 5.0, "adjust", -USD, reason="x"))
    await rounds.get()
    await rounds.get()
    assert world.prepaid("a") == 2 * USD
    watching.cancel()


async def test_new_organizations_begin_with_credit_once_and_old_ones_stay_as_they_are(world: World) -> None:
    world.organization("old")
    await world.live.refresh()
    world.clock.now, world.settings = 2000.0, ON
    await world.live.refresh()
    assert world.prepaid("old") is None
    world.clock.now = 3000.0
    world.organization("new")
    for live in (world.live, world.node(), world.node()):
        await live.refresh()
    assert (world.prepaid("new"), world.prepaid("old")) == (10 * USD, None)
    (grant,) = world.rows.all("org_new")
    assert (grant.kind, grant.entry_id, grant.expires_at) == ("grant", "starter:org_new", 3000.0 + 90 * DAY)
    assert world.rows.all("default") == []
    world.settings = CreditsConfig(enabled=True, starter=Decimal("25"))
    world.organization("more")
    await world.live.refresh()
    assert (world.prepaid("new"), world.prepaid("more")) == (10 * USD, 25 * USD)
    world.settings = CreditsConfig(enabled=True, starter=Decimal(0))
    world.organization("none")
    await world.live.refresh()
    world.settings, world.clock.now = ON, 4000.0
    await world.live.refresh()
    assert world.prepaid("none") is None


async def test_what_is_left_at_the_end_is_gone_once(world: World, tmp_path: Path) -> None:
    world.organization("a")
    world.organization("b")
    world.rows.add(entry("soon", "org_a", 5.0, "grant", 10 * USD, expires_at=2000.0))
    world.rows.add(entry("paid", "org_a", 5.0, "topup", 7 * USD))
    world.rows.add(entry("gone", "org_b", 5.0, "grant", USD, expires_at=2000.5))
    journal = SqliteJournal(tmp_path)
    for number, name, cost in ((1, "org_a", 4 * USD), (2, "org_b", USD)):
        journal.post(name, 1, [exchange(number, cost=cost, accounts=(used_of(name),))])
    journal.close()
    await world.live.refresh()
    world.clock.now = 2000.0 + GRACE_S / 2
    await world.live.refresh()
    assert world.prepaid("a") == 17 * USD
    world.clock.now = 2002.0 + GRACE_S
    others = world.node()
    await asyncio.gather(world.live.refresh(), others.refresh())
    assert (world.prepaid("a"), world.prepaid("b")) == (11 * USD, USD)
    await world.live.refresh()
    assert [each.signed_nusd for each in world.rows.all("org_a") if each.kind == "expire"] == [-6 * USD]
    assert [each.signed_nusd for each in world.rows.all("org_b") if each.kind == "expire"] == [0]
    others.close()


async def test_a_database_that_is_away_is_asked_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.settings = ON
    await world.live.refresh()
    world.clock.now = 2000.0
    world.organization("new")
    add: Callable[..., object] = world.rows.add

    def away(_: object) -> None:
        raise StoreUnavailable("The database does not answer.")

    monkeypatch.setattr(world.rows, "add", away)
    with pytest.raises(StoreUnavailable):
        await world.live.refresh()
    monkeypatch.setattr(world.rows, "add", add)
    await world.live.refresh()
    assert world.prepaid("new") == 10 * USD


async def test_an_end_that_can_not_be_entered_is_no_work_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.organization("a")
    for place in range(100):
        world.rows.add(entry(f"e{place}", "org_a", 5.0, "grant", 1, expires_at=10.0))

    def refused(_: object) -> None:
        raise Conflict("It is there with another content.")

    monkeypatch.setattr(world.rows, "add", refused)
    await world.live.refresh()
    await world.live.refresh()
    assert world.prepaid("a") == 100


async def test_the_free_tier_is_in_force_as_it_is_configured(world: World) -> None:
    world.organization("a")
    await world.live.refresh()
    assert world.directory.free_tier is None
    world.settings = CreditsConfig(free_tier=FreeTierConfig(requests=5, per="day"))
    await world.live.refresh()
    assert world.directory.free_tier == FreeTier(5 * EXCHANGE, requests=True, period="day")
    offered = world.directory.standing(Key("k", "k", b"", "", 0.0, organization_id="org_a"))
    await world.live.refresh()
    again = world.directory.standing(offered.key)
    assert again is offered, "what did not change is not made anew"
    world.settings = CreditsConfig()
    await world.live.refresh()
    assert world.directory.free_tier is None
