from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from admin.rig import ACME, NOW, OTHER, World, opened
from ledger.books import attempt, exchange
from waypost.stores.sql.journal import SqliteJournal

USAGE = "/api/v1/usage"
OWN = f"{ACME}/usage"
NOW_US = int(NOW * 1_000_000)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Ann's key in a team, a service account's, nobody's, and one of the other organization."""
    with opened(tmp_path) as made:
        made.person("ann", "developer")
        made.machine("bot")
        keys = [
            made.key("hers", user_id="user_ann", team_id="team_search"),
            made.key("bots", service_id="svc_bot"),
            made.key("app"),
            made.key("theirs", organization_id="org_other"),
        ]
        with closing(SqliteJournal(tmp_path)) as journal:
            for number, key in enumerate(keys):
                tried = msgspec.structs.replace(attempt(number, 10**number), started_us=NOW_US)
                one = exchange(number, 1, (f"tag:{key.organization_id}/prod:total",), (tried,))
                journal.post(
                    "s", number + 1, [msgspec.structs.replace(one, key_id=key.key_id, started_us=NOW_US)]
                )
        yield made


def costs(told: Any) -> dict[tuple[str, ...], int]:
    return {tuple(each["name"] for each in line["group"]): line["cost_nusd"] for line in told["items"]}


async def test_a_line(world: World) -> None:
    (line,) = (await world.made("GET", f"{OWN}?by=team,day&limit=1"))["items"]
    assert line == {
        "group": [{"by": "team", "id": "", "name": ""}, {"by": "day", "id": "2025-11-26", "name": "2025-11-26"}],
        "requests": 2, "errors": 0, "attempts": 2, "unpriced": 0, "cost_nusd": 110, "cost": "0.00000011",
        "input_tokens": 200, "output_tokens": 40, "cache_read_tokens": 10, "cache_write_tokens": 0,
        "reasoning_tokens": 0, "audio_ms": 0, "characters": 0, "images": 0, "searches": 0,
    }  # fmt: skip


async def test_by_name(world: World) -> None:
    assert costs(await world.made("GET", f"{OWN}?by=team")) == {("",): 110, ("search",): 1}
    assert costs(await world.made("GET", f"{OWN}?by=user")) == {("",): 110, ("ann@example.com",): 1}
    assert costs(await world.made("GET", f"{OWN}?by=key")) == {("hers",): 1, ("bots",): 10, ("app",): 100}
    assert costs(await world.made("GET", f"{OWN}?by=service_account")) == {("",): 101, ("bot",): 10}
    assert costs(await world.made("GET", f"{OWN}?by=tag")) == {("prod",): 111}
    assert costs(await world.made("GET", f"{USAGE}?by=organization")) == {("acme",): 111, ("other",): 1000}
    assert costs(await world.made("GET", OWN)) == {(): 111}


async def test_who_sees_what(world: World) -> None:
    ann, bot = world.token("user:user_ann"), world.token("service:svc_bot", organization="acme")
    viewer = world.person("eve", "viewer")
    assert costs(await world.made("GET", f"{OWN}?by=key", token=ann)) == {("hers",): 1}, "one's own only"
    assert costs(await world.made("GET", f"{OWN}?by=key", token=bot)) == {("bots",): 10}
    assert costs(await world.made("GET", OWN, token=viewer)) == {(): 111}
    for path, status in ((USAGE, 403), (f"{OTHER}/usage", 404)):
        assert (await world.ask("GET", path, token=viewer)).status == status


async def test_pages(world: World) -> None:
    seen, path = [], f"{OWN}?by=key,hour&limit=1"
    while True:
        told = await world.made("GET", path)
        seen += [line["cost_nusd"] for line in told["items"]]
        if told["next"] is None:
            break
        path = f"{OWN}?by=key,hour&limit=1&after={told['next']}"
    assert sorted(seen) == [1, 10, 100]


async def test_a_time(world: World) -> None:
    assert costs(await world.made("GET", f"{OWN}?from=2025-11-26&to=2025-11-27")) == {(): 111}
    assert costs(await world.made("GET", f"{OWN}?from=2025-11-27")) == {(): 0}
    world.clock.now += 40 * 86_400
    assert costs(await world.made("GET", OWN)) == {(): 0}, "the month so far"


async def test_a_table(world: World) -> None:
    told = await world.ask("GET", f"{OWN}?by=key&format=csv")
    assert told.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="usage-acme-2025-11-01.csv"' in told.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(told.text.decode())))
    assert {row["key"]: (row["cost_nusd"], row["cost"]) for row in rows} == {
        "hers": ("1", "0.000000001"), "bots": ("10", "0.00000001"), "app": ("100", "0.0000001"),
    }  # fmt: skip
    assert (
        'filename="usage-gateway-'
        in (await world.ask("GET", f"{USAGE}?format=csv")).headers["content-disposition"]
    )


async def test_a_table_that_is_too_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waypost.admin.usage._CSV_MOST", 2)
    told = await world.ask("GET", f"{OWN}?by=key&format=csv")
    assert (told.status, told.fields) == (422, ["by"])


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("by=colour", 400, "by"),
        ("by=", 400, "by"),
        ("by=key,team,user,model,day", 400, "by"),
        ("by=key,key", 422, "by"),
        ("by=tag,end_user", 422, "by"),
        ("format=xml", 400, "format"),
        ("from=2025-11-27&to=2025-11-26", 422, "to"),
        ("from=soon", 400, "from"),
        ("by=key&after=x", 422, "after"),
        ("after=WyJhIl0", 422, "after"),
        ("by=hour&after=WyJhIl0", 422, "after"),
        ("by=key&after=WyJcdTAwMDAiXQ", 422, "after"),
        ("by=hour&after=Wzk5OTk5OTk5OTk5OTk5OTldCg", 422, "after"),
    ],
)
async def test_what_makes_no_sense(world: World, query: str, status: int, field: str) -> None:
    told = await world.ask("GET", f"{OWN}?{query}")
    assert (told.status, told.fields) == (status, [field])
