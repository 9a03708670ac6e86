from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from admin.rig import ACME, NOW, World
from ledger.books import exchange
from waypost.core.credit import entry, used_of
from waypost.core.free_tier import FreeTier
from waypost.core.scope import EXCHANGE
from waypost.ledger.windows import window
from waypost.stores.sql.journal import SqliteJournal

CREDITS = f"{ACME}/credits"
TOPUP = {"id": "inv-1", "kind": "topup", "amount": "25.00", "reason": "paid", "expires_at": NOW + 100}


async def test_a_balance_and_what_is_left_of_each_entry(world: World) -> None:
    assert await world.made("GET", CREDITS) == {
        "prepaid": False, "balance": "0", "given": "0", "used": "0", "entries": [], "free_tier": None,
    }  # fmt: skip
    made = await world.made("POST", CREDITS, TOPUP)
    assert made == {
        "id": "inv-1", "kind": "topup", "amount": "25", "at": NOW, "expires_at": NOW + 100, "of": None,
        "reason": "paid", "made_by": "operator",
    }  # fmt: skip
    assert world.audit[-1].kind == "credit"
    world.clock.now += 5
    again = await world.ask("POST", CREDITS, TOPUP)
    assert (again.status, again.json) == (200, made)
    assert (await world.ask("POST", CREDITS, {**TOPUP, "amount": "26"})).status == 409
    await world.made("POST", CREDITS, {"id": "inv-2", "amount": "5"})
    taken = {"id": "a", "kind": "adjust", "amount": "-2.5", "reason": "twice", "of": "inv-2"}
    assert (await world.made("POST", CREDITS, taken))["of"] == "inv-2"
    told = await world.made("GET", CREDITS)
    assert (told["prepaid"], told["balance"], told["given"]) == (True, "27.5", "27.5")
    assert [(each["id"], each["left"]) for each in told["entries"]] == [("inv-1", "25"), ("inv-2", "2.5")]
    world.clock.now = NOW + 100
    assert (await world.made("GET", CREDITS))["balance"] == "2.5"
    assert [each.entry_id for each in world.credits.all("org_acme")] == [
        "org_acme:inv-1", "org_acme:a", "org_acme:inv-2",
    ]  # fmt: skip


async def test_ids_are_each_organizations_own(world: World) -> None:
    await world.made("POST", CREDITS, TOPUP)
    other = CREDITS.replace("acme", "other")
    await world.made("POST", other, {**TOPUP, "amount": "3"})
    assert (await world.made("GET", other))["balance"] == "3"
    for of in ("org_acme:inv-1", "none", "end:inv-1"):
        body = {"id": "x", "kind": "adjust", "amount": "-1", "reason": "r", "of": of}
        refused = await world.ask("POST", other, body)
        assert (refused.status, b"no such entry" in refused.text) == (422, True)


@pytest.mark.parametrize(
    ("status", "field", "change"),
    [
        (422, "amount", {"amount": "0"}),
        (422, "amount", {"amount": "-5"}),
        (422, "reason", {"kind": "adjust", "reason": " "}),
        (422, "expires_at", {"expires_at": NOW}),
        (422, "expires_at", {"kind": "adjust", "amount": "-1"}),
        (422, "of", {"of": "inv-0"}),
        (400, "kind", {"kind": "grant"}),
        (400, "id", {"id": "end:x"}),
        (400, "amount", {"amount": 5}),
    ],
)
async def test_entries_that_make_no_sense_are_refused_by_field(
    world: World, status: int, field: str, change: dict[str, Any]
) -> None:
    told = await world.ask("POST", CREDITS, {**TOPUP, **change})
    assert told.status == status
    assert told.fields == [field]
    assert world.credits.all("org_acme") == []


async def test_entries_come_in_pages_newest_first(world: World) -> None:
    for number in range(5):
        world.clock.now = NOW + number
        await world.made("POST", CREDITS, {"id": f"e{number}", "amount": "1"})
    seen: list[str] = []
    after = ""
    while after is not None:
        page = await world.made("GET", f"{CREDITS}/entries?limit=2&after={after}")
        seen += [each["id"] for each in page["items"]]
        after = page["next"]
    assert seen == ["e4", "e3", "e2", "e1", "e0"]


async def test_a_statement_as_json_and_as_csv(world: World, tmp_path: Path) -> None:
    day = 86_400.0
    first = NOW // day * day
    world.credits.add(entry("org_acme:old", "org_acme", first - day, "topup", 9_000_000_000))
    world.credits.add(entry("org_acme:new", "org_acme", first + 5, "topup", 1_000_000_000))
    journal = SqliteJournal(tmp_path)
    for number, at, cost in ((1, first - 1, 2_000_000_000), (2, first + 7, 500_000_000)):
        made = exchange(number, cost=cost, accounts=(used_of("org_acme"),))
        tries = tuple(msgspec.structs.replace(each, started_us=int(at * 1e6)) for each in made.attempts)
        journal.post("s", number, [msgspec.structs.replace(made, attempts=tries)])
    journal.close()
    assert (await world.made("GET", CREDITS))["used"] == "2.5"
    since, until = (_date(first + days * day) for days in (0, 1))
    told = await world.made("GET", f"{CREDITS}/statement?from={since}&to={until}")
    assert (told["from"], told["to"], told["opening"], told["closing"]) == (since, until, "7", "7.5")
    assert [(each["kind"], each["id"], each["amount"], each["balance"]) for each in told["items"]] == [
        ("topup", "new", "1", "8"), ("used", None, "-0.5", "7.5"),
    ]  # fmt: skip
    table = await world.ask("GET", f"{CREDITS}/statement?from={since}&to={until}&format=csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert f'filename="credits-acme-{since}.csv"' in table.headers["content-disposition"]
    assert table.text.decode().splitlines()[1:] == [
        f"{since},opening,,,7,,",
        f"{since},topup,new,1,8,,",
        f"{since},used,,-0.5,7.5,,",
        f"{until},closing,,,7.5,,",
    ]
    month = await world.made("GET", f"{CREDITS}/statement")
    assert (month["from"][-2:], month["closing"]) == ("01", "7.5")


@pytest.mark.parametrize(
    ("status", "query"),
    [
        (422, "from=2027-02-01&to=2027-01-01"),
        (400, "from=2027-02-30"),
        (400, "from=20270201"),
        (400, "to=now"),
        (400, "format=pdf"),
        (400, "days=5"),
    ],
)
async def test_queries_that_make_no_sense(world: World, status: int, query: str) -> None:
    assert (await world.ask("GET", f"{CREDITS}/statement?{query}")).status == status


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


async def test_what_is_left_of_the_free_tier_and_when_it_is_renewed(world: World, tmp_path: Path) -> None:
    world.live.directory.offer(
        FreeTier(50 * EXCHANGE, requests=True, period="day", each="user", models=("fast",))
    )
    name = window("day", NOW).name
    journal = SqliteJournal(tmp_path)
    journal.post("1.intents", 1, [exchange(1, 7, (f"free_requests:user/org_acme/user_ann:{name}",))])
    journal.close()
    assert (await world.made("GET", CREDITS))["free_tier"] == {
        "unit": "requests", "amount": "50", "per": "day", "each": "user", "models": ["fast"],
        "renews_at": window("day", NOW).ends_at, "shares": [{"of": "user:user_ann", "used": "1", "left": "49"}],
    }  # fmt: skip
    world.live.directory.offer(FreeTier(1_500_000_000, requests=False))
    told = (await world.made("GET", CREDITS))["free_tier"]
    assert (told["unit"], told["amount"]) == ("usd", "1.5")
    assert told["shares"] == [{"of": "organization", "used": "0", "left": "1.5"}]
    world.live.directory.offer(FreeTier(1, requests=False, without=("acme",)))
    assert (await world.made("GET", CREDITS))["free_tier"] is None
