from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from ledger.books import attempt, exchange
from waypost.core.people import Member, Organization, Team, User
from waypost.core.spend import By, Wanted
from waypost.core.usage import Units, Usage
from waypost.stores.sql.engine import Database
from waypost.stores.sql.journals import AnyJournal
from waypost.stores.sql.keys import KeyRows, NewKey
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.rollup import HOUR_US
from waypost.stores.sql.usage import UsageRows


@pytest.fixture
def keys(database: Database, journal: AnyJournal) -> dict[str, str]:
    """Two organizations with a key each, and one of ann's in a team; six requests in three hours of two days."""
    objects = ObjectRows(database, lambda: 1.0)
    for found in (
        Organization("org_a", "acme"), Organization("org_b", "other"), Team("team_w", "org_a", "web"),
        User("user_1", "ann@x"), Member("mem_1", "org_a", "user_1"),
    ):  # fmt: skip
        objects.put(found)
    rows, made = KeyRows(database), {}
    for number, new in enumerate(
        (
            NewKey("app", organization_id="org_a"),
            NewKey("hers", organization_id="org_a", team_id="team_w", user_id="user_1"),
            NewKey("theirs", organization_id="org_b"),
        )
    ):
        made[new.name] = rows.create(new, 1.0, lambda size, seed=number + 1: bytes([seed]) * size)[1].key_id  # type: ignore[misc]
    posted = []
    for number, (name, hour, model) in enumerate(
        [
            ("app", 0, "m"),
            ("hers", 1, "m"),
            ("hers", 1, "n"),
            ("theirs", 30, "m"),
            ("theirs", 30, "m"),
            ("", 30, "m"),
        ]
    ):
        tried = attempt(number, 10**number, usage=Usage(100, 20, 5, 3, 0, 7, units=Units(1, 2, 3, 4)))
        tried = msgspec.structs.replace(tried, model=model, started_us=hour * HOUR_US)
        accounts = ("tag:org_a/prod:total", "end_user:org_a/eve:total") if name == "hers" else ()
        one = exchange(number, 1, accounts, (tried,))
        posted.append(
            msgspec.structs.replace(
                one, key_id=made.get(name), started_us=hour * HOUR_US, outcome="ok" if number else "cut"
            )
        )
    journal.post("s1", 1, posted)
    return made


def lines(
    database: Database, by: Sequence[By] = (), **more: object
) -> dict[tuple[object, ...], tuple[int, int]]:
    """By what each line is of: requests and cost. Page by page, two lines each."""
    rows, wanted = UsageRows(database), Wanted(by=tuple(by), **more)  # type: ignore[arg-type]
    found: dict[tuple[object, ...], tuple[int, int]] = {}
    after: tuple[str | int, ...] | None = None
    while True:
        page = rows.page(wanted, after, 2)
        assert [each.ids for each in page] == sorted(each.ids for each in page)
        for each in page:
            assert each.ids not in found
            found[each.ids] = (each.spend.requests, each.spend.cost_nusd)
        if len(page) < 2 or not by:
            return found
        after = page[-1].ids


def test_all_in_one_line(database: Database, keys: dict[str, str]) -> None:
    (line,) = UsageRows(database).page(Wanted(), None, 9)
    assert msgspec.structs.astuple(line.spend) == (6, 1, 6, 0, 111_111, 600, 120, 30, 18, 42, 6, 12, 18, 24)
    assert line.ids == ()


@pytest.mark.parametrize(
    ("by", "found"),
    [
        (("organization",), {("",): (1, 100_000), ("org_a",): (3, 111), ("org_b",): (2, 11_000)}),
        (("team",), {("",): (4, 111_001), ("team_w",): (2, 110)}),
        (("user",), {("",): (4, 111_001), ("user_1",): (2, 110)}),
        (("project",), {("",): (6, 111_111)}),
        (("service_account",), {("",): (6, 111_111)}),
        (("provider",), {("openai",): (6, 111_111)}),
        (("model",), {("m",): (5, 111_011), ("n",): (1, 100)}),
        (("day",), {(0,): (3, 111), (1,): (3, 111_000)}),
        (("hour",), {(0,): (1, 1), (1,): (2, 110), (30,): (3, 111_000)}),
        (("tag",), {("org_a/prod",): (2, 110)}),
        (("end_user",), {("org_a/eve",): (2, 110)}),
        (
            ("hour", "model"),
            {(0, "m"): (1, 1), (1, "m"): (1, 10), (1, "n"): (1, 100), (30, "m"): (3, 111_000)},
        ),
        (("tag", "model"), {("org_a/prod", "m"): (1, 10), ("org_a/prod", "n"): (1, 100)}),
    ],
)
def test_by_what_is_asked_for(
    database: Database,
    keys: dict[str, str],
    by: tuple[By, ...],
    found: dict[tuple[object, ...], tuple[int, int]],
) -> None:
    assert lines(database, by) == found


def test_by_key_with_its_name(database: Database, keys: dict[str, str]) -> None:
    found = UsageRows(database).page(Wanted(by=("key",)), None, 9)
    assert {each.key_name: each.ids[0] for each in found} == {"": "", **keys}


def test_of_whom_and_when(database: Database, keys: dict[str, str]) -> None:
    assert lines(database, organization_id="org_a") == {(): (3, 111)}
    assert lines(database, organization_id="org_a", user_id="user_1") == {(): (2, 110)}
    assert lines(database, service_id="nobody") == {(): (0, 0)}
    assert lines(database, since_hour=1) == {(): (5, 111_110)}
    assert lines(database, until_hour=30) == {(): (3, 111)}
    assert lines(database, ("model",), organization_id="org_b", since_hour=1, until_hour=9) == {}


def test_a_key_that_goes_to_another_team_takes_its_usage_along(
    database: Database, keys: dict[str, str]
) -> None:
    from waypost.core.key import KeyChanges

    KeyRows(database).update(keys["app"], KeyChanges(team_id="team_w"))
    assert lines(database, ("team",), organization_id="org_a") == {("team_w",): (3, 111)}


def test_nothing_was_used(database: Database) -> None:
    assert lines(database) == {(): (0, 0)}
    assert lines(database, ("key",)) == {}
