"""Transcripts of the free tier: what it pays, what it does not, and what comes after it."""

from __future__ import annotations

import msgspec
import pytest

from pipeline.test_admission import KEY, ORG, SHORT, Free, budget, message, posted, stage
from transcript import CHAT, RecordingClient, Stage, completion, error_code, provider, target
from waypost.config.snapshot import Route
from waypost.core.credit import used_of
from waypost.core.free_tier import FreeTier
from waypost.core.money import render_usd
from waypost.core.scope import EXCHANGE
from waypost.errors import Unavailable

TWO = FreeTier(2 * EXCHANGE, requests=True, period="day")
CREDIT = used_of("org_a")
#: What a whole answer costs here.
COST = 39
SHARE = "free_requests:organization/org_a:day"


def offered(tier: FreeTier, credit: int | None = None, **options: object) -> Stage:
    made = stage(**options)  # type: ignore[arg-type]
    made.directory.offer(tier)
    if credit is not None:
        made.directory.give({ORG.id: credit})
    return made


async def asked(made: Stage, times: int, body: object = SHORT) -> list[RecordingClient]:
    return [await made.ask(body, number=number) for number in range(1, times + 1)]


async def test_requests_are_counted_and_told_and_refused_when_there_are_none_left() -> None:
    made = offered(TWO)
    first, second, third = await asked(made, 3)
    for client, left in ((first, b"1"), (second, b"0")):
        told = client.header(b"x-waypost-free-tier")
        assert told is not None
        assert told.startswith(b"requests; limit=2; remaining=" + left + b"; renews=2026-09-")
        assert told.endswith(b"T00:00:00Z")
    assert (third.status, error_code(third.body)) == (402, "free_tier_exhausted")
    assert third.header(b"x-waypost-free-tier") is None
    assert int(third.header(b"retry-after") or 0) > 0
    assert "It is renewed at 2026-09-" in message(third)
    assert posted(made) == {SHARE: 2 * EXCHANGE}


async def test_the_next_window_begins_anew() -> None:
    made = offered(TWO)
    await asked(made, 2)
    made.clock.advance(86_400.0)
    assert (await made.ask(SHORT, number=9)).status == 200


async def test_credit_comes_after_it_and_is_not_touched_before() -> None:
    made = offered(TWO, 10 * COST + 2000)
    clients = await asked(made, 4)
    assert [client.status for client in clients] == [200] * 4
    assert [client.header(b"x-waypost-free-tier") is not None for client in clients] == [
        True,
        True,
        False,
        False,
    ]
    found = posted(made)
    assert found[SHARE] == 2 * EXCHANGE
    assert found[CREDIT.rpartition(":")[0]] == 2 * COST
    assert [exchange.accounts[-1] for exchange in made.ledger.settled][2:] == [CREDIT, CREDIT]


async def test_without_room_on_either_both_are_told() -> None:
    made = offered(TWO, 0)
    *_, refused = await asked(made, 3)
    assert (refused.status, error_code(refused.body)) == (402, "free_tier_exhausted")
    assert "It is renewed at" in message(refused)
    assert "The prepaid credit of the organization 'acme' has no room" in message(refused)
    assert refused.header(b"retry-after") is not None


async def test_dollars_are_held_whole_and_settled_at_what_was_used() -> None:
    before = offered(FreeTier(10**9, requests=False))
    await asked(before, 1)
    most = before.ledger.holds[0].amount_nusd
    made = offered(FreeTier(most + COST, requests=False))
    one, two, three = await asked(made, 3)
    assert (one.status, two.status, three.status) == (200, 200, 402)
    assert "used $0.000000078" in message(three)
    told = one.header(b"x-waypost-free-tier") or b""
    assert told.startswith(b"usd; limit=%b; remaining=" % render_usd(most + COST).encode())
    assert posted(made) == {"free:organization/org_a:month": 2 * COST}


async def test_what_nobody_answered_takes_nothing_of_it() -> None:
    made = offered(TWO, script=[Unavailable("down")] * 8 + [completion()] * 3)
    failed = await made.ask(SHORT, number=1)
    assert failed.status >= 500
    assert posted(made) == {SHARE: 0}


async def test_what_costs_nothing_takes_none_and_goes_on_without_any() -> None:
    made = offered(TWO)
    nothing = (target(provider(), tariff=Free()),)
    made.snapshot = msgspec.structs.replace(
        made.snapshot, routes={**made.snapshot.routes, "gratis": Route("gratis", nothing)}
    )
    await asked(made, 2)
    gratis = await made.ask({**SHORT, "model": "gratis"}, number=8)
    assert (gratis.status, gratis.header(b"x-waypost-free-tier")) == (200, None)
    assert made.ledger.settled[-1].accounts == ()


async def test_it_is_only_for_the_models_that_it_names() -> None:
    made = offered(msgspec.structs.replace(TWO, models=("other",)))
    (refused,) = await asked(made, 1)
    assert (refused.status, error_code(refused.body)) == (402, "free_tier_exhausted")
    assert "The free tier is not for the model 'fast', only for: other." in message(refused)
    assert refused.header(b"retry-after") is None
    paid = offered(msgspec.structs.replace(TWO, models=("other",)), 10**9)
    (client,) = await asked(paid, 1)
    assert (client.status, posted(paid)) == (200, {CREDIT.rpartition(":")[0]: COST})


async def test_budgets_hold_beside_it() -> None:
    made = stage(budget("organization", "org_a", 1000))
    made.directory.offer(TWO)
    (refused,) = await asked(made, 1)
    assert error_code(refused.body) == "budget_exceeded"
    assert posted(made) == {"organization:org_a:month": 0, SHARE: 0}


async def test_a_model_without_a_price_is_refused() -> None:
    made = offered(TWO, targets=(target(provider(), tariff=None),))
    (refused,) = await asked(made, 1, CHAT)
    assert error_code(refused.body) == "model_unpriced"


@pytest.mark.parametrize("without", [(), ("acme",)])
async def test_who_has_none_pays_as_before(without: tuple[str, ...]) -> None:
    made = offered(msgspec.structs.replace(TWO, without=without))
    if not without:
        made.directory.offer(None)
    clients = await asked(made, 3)
    assert [client.status for client in clients] == [200] * 3
    assert all(client.header(b"x-waypost-free-tier") is None for client in clients)


async def test_each_person_has_a_share_and_each_key_where_it_says_so() -> None:
    for each, share in (("user", "user/org_a/user_ann"), ("key", "key/org_a/k1")):
        made = offered(msgspec.structs.replace(TWO, each=each))
        await asked(made, 1)
        assert posted(made) == {f"free_requests:{share}:day": EXCHANGE}
    assert KEY.user_id == "user_ann"
