"""Stage 4 through the whole pipeline, with a real purse and real limits."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import msgspec
import pytest

from flat_tariff import FlatTariff
from transcript import (
    CHAT,
    KEY_TEXT,
    STREAM,
    AskedLimits,
    RecordingClient,
    Stage,
    completion,
    error_code,
    events,
    provider,
    streamed,
    target,
)
from waypost.config.snapshot import Route, Settings
from waypost.core.budget import Budget
from waypost.core.key import Key
from waypost.core.limit import Limit, LimitUnit
from waypost.core.people import Member, Organization, Team, User
from waypost.core.price import UnitRates
from waypost.core.scope import ScopeKind
from waypost.core.usage import Units, Usage
from waypost.errors import Unavailable

ORG = Organization("org_a", "acme")
TEAM = Team("team_w", "org_a", "web")
ANN = User("user_ann", "ann@acme.example")
KEY = Key(
    "k1",
    "app",
    sha256(KEY_TEXT).digest(),
    "sk-wp-…",
    0.0,
    organization_id="org_a",
    team_id="team_w",
    user_id="user_ann",
)
MEMBER = Member("mem_1", "org_a", "user_ann")
#: What CHAT is held at: its estimate, and 100 tokens of output.
SHORT = {**CHAT, "max_tokens": 100}


class Free(FlatTariff):
    def cost(self, usage: Usage, at: float, tier: str | None = None) -> int:
        return 0

    def ceiling(
        self,
        input_tokens: int,
        output_tokens: int,
        at: float,
        tier: str | None = None,
        units: Units | None = None,
    ) -> int:
        return 0

    def unit_rates(self, at: float) -> UnitRates | None:
        return None


def budget(scope: ScopeKind, scope_id: str, limit: int, **changes: object) -> Budget:
    home = "" if scope == "gateway" else "org_a"
    return Budget(f"bud_{scope}_{scope_id}", home, f"{scope}-budget", scope, scope_id, limit, **changes)  # type: ignore[arg-type]


def limit(
    scope: ScopeKind, scope_id: str, amount: int, unit: LimitUnit = "requests", **changes: object
) -> Limit:
    return Limit(f"lim_{scope}_{unit}", "org_a", f"{scope}-limit", scope, scope_id, unit, amount, **changes)  # type: ignore[arg-type]


def stage(*rules: Budget | Limit, script: object = None, key: Key = KEY, **options: object) -> Stage:
    answers = [completion() for _ in range(20)] if script is None else script
    made = Stage(answers, key=key, purse=True, **options)  # type: ignore[arg-type]
    made.rule(ORG, TEAM, ANN, MEMBER, *rules)
    return made


def posted(made: Stage) -> dict[str, int]:
    """What each account that is in memory has posted; nothing may be held on any."""
    accounts = made.ledger.purse._accounts.values()  # type: ignore[attr-defined]
    assert all(account.held_nusd == account.holds == 0 for account in accounts)
    return {account.account_id.rpartition(":")[0]: account.posted_nusd for account in accounts}


def message(client: RecordingClient) -> str:
    return str(msgspec.json.decode(client.body)["error"]["message"])


async def test_every_scope_of_a_request_is_posted_to() -> None:
    made = stage(
        budget("team", "team_w", 10**9),
        budget("user", "user_ann", 10**9),
        budget("organization", "org_a", 10**9),
        budget("gateway", "*", 10**9),
        budget("end_user", "*", 10**9),
        budget("tag", "cost:42", 10**9),
        budget("route", "fast", 10**9),
    )
    headers = {b"x-waypost-user": b"bob", b"x-waypost-metadata": b'{"cost":"42","x":"y"}'}
    client = await made.ask({**SHORT, "model": "quick"}, headers=headers)
    assert client.status == 200
    cost = made.exchange.cost_nusd
    assert cost == 39
    assert posted(made) == {
        "user:org_a/user_ann:month": cost,
        "team:team_w:month": cost,
        "organization:org_a:month": cost,
        "gateway:*:month": cost,
        "end_user:org_a/bob:month": cost,
        "tag:org_a/~" + sha256(b"cost:42").hexdigest()[:24] + ":month": cost,
        "route:org_a/fast:month": cost,
    }
    assert made.exchange.accounts == tuple(made.ledger.purse._accounts)  # type: ignore[attr-defined]


async def test_a_provider_and_a_model_are_held_and_only_the_one_that_served_is_posted() -> None:
    made = stage(
        budget("provider", "p1", 10**9),
        budget("provider", "p2", 10**9),
        budget("model", "m2", 10**9),
        script={"p1": [Unavailable("down"), Unavailable("down")], "p2": [completion()]},
        targets=(target(provider("p1")), target(provider("p2"), "m2")),
    )
    client = await made.ask(SHORT)
    assert client.status == 200
    assert posted(made) == {
        "model:org_a/m2:month": 39,
        "provider:org_a/p1:month": 0,
        "provider:org_a/p2:month": 39,
    }


async def test_a_budget_of_one_model_that_is_spent_closes_the_routes_that_may_ask_it() -> None:
    targets = (target(provider("p1")), target(provider("p2"), "m2"))
    made = stage(budget("model", "m2", 10), targets=targets)
    client = await made.ask(SHORT)
    assert (client.status, error_code(client.body)) == (402, "budget_exceeded")
    assert "'model-budget' of model 'm2'" in message(client)


async def test_a_refusal_says_which_budget_when_it_resets_and_not_to_come_again() -> None:
    made = stage(budget("team", "team_w", 500))
    client = await made.ask(SHORT)
    assert (client.status, error_code(client.body)) == (402, "budget_exceeded")
    assert message(client).startswith("The budget 'team-budget' of team 'web' has no room for this request: ")
    assert "It is more than the whole budget" in message(client)
    assert client.header(b"x-should-retry") == b"false"
    assert client.header(b"retry-after") is None
    made = stage(budget("team", "team_w", 1_500))
    made.ledger.posted["team:team_w:month:2026-09-01"] = 1_400  # type: ignore[attr-defined]
    client = await made.ask(SHORT)
    assert "The window ends at 2026-10-01T00:00:00Z" in message(client)
    assert int(client.header(b"retry-after") or 0) > 86_400
    assert client.header(b"x-should-retry") == b"false"
    assert made.upstream.sent == []


async def test_what_a_refused_request_took_of_limits_is_given_back() -> None:
    made = stage(budget("team", "team_w", 1), limit("team", "team_w", 3), limit("key", "k1", 1, "concurrent"))
    for number in range(10):
        client = await made.ask(SHORT, number=number)
        assert client.status == 402
    assert client.header(b"x-ratelimit-remaining-requests") == b"3"
    assert made.limits.prune(made.clock.now) == 0


async def test_soft_budgets_are_counted_and_refuse_nothing_not_even_what_has_no_price() -> None:
    unpriced = (msgspec.structs.replace(target(provider()), tariff=None),)
    made = stage(budget("team", "team_w", 1, mode="soft"))
    assert (await made.ask(SHORT)).status == 200
    assert (await made.ask(SHORT, number=2)).status == 200
    assert posted(made) == {"team:team_w:month": 78}
    assert (await stage(budget("team", "team_w", 1, mode="soft"), targets=unpriced).ask(SHORT)).status == 200
    client = await stage(budget("team", "team_w", 10**9), targets=unpriced).ask(SHORT)
    assert (client.status, error_code(client.body)) == (403, "model_unpriced")


# --- the route that is taken once a budget is used up -------------------------------------------------------


def with_cheap(made: Stage, tariff: FlatTariff | None = None) -> Stage:
    cheap = Route("route/cheap", (target(provider("p2"), "small", tariff=tariff or Free()),), "route")
    made.snapshot = msgspec.structs.replace(
        made.snapshot, routes={**made.snapshot.routes, "route/cheap": cheap}
    )
    return made


@pytest.mark.parametrize("named", ["route/cheap", "cheap"])
@pytest.mark.parametrize("spent", [1_500, 5_000])
async def test_an_exhausted_budget_sends_requests_to_its_route(named: str, spent: int) -> None:
    made = with_cheap(stage(budget("team", "team_w", 1_500, on_exhausted=named), limit("team", "team_w", 5)))
    made.ledger.posted["team:team_w:month:2026-09-01"] = spent  # type: ignore[attr-defined]
    client = await made.ask(SHORT)
    assert client.status == 200
    assert client.header(b"x-waypost-budget") == b"team/team-budget; route=route/cheap"
    assert client.header(b"x-ratelimit-remaining-requests") == b"4"
    assert (made.exchange.route, made.exchange.asked_model) == ("route/cheap", "fast")
    assert made.upstream.sent[0][0].host == "p2.example"
    assert posted(made) == {"team:team_w:month": spent}


async def test_without_room_on_that_route_either_the_request_is_refused_as_it_was() -> None:
    made = with_cheap(stage(budget("team", "team_w", 500, on_exhausted="cheap")), FlatTariff())
    client = await made.ask(SHORT)
    assert (client.status, made.exchange.route) == (402, "fast")
    assert client.header(b"x-waypost-budget") is None
    made = stage(budget("team", "team_w", 500, on_exhausted="nowhere"))
    assert (await made.ask(SHORT)).status == 402


async def test_no_route_of_a_budget_opens_what_a_list_closes() -> None:
    key = msgspec.structs.replace(KEY, models=("fast",))
    made = with_cheap(stage(budget("team", "team_w", 500, on_exhausted="cheap"), key=key))
    assert (await made.ask(SHORT)).status == 402


# --- limits -------------------------------------------------------------------------------------------------


async def test_every_answer_tells_of_the_limits_in_the_words_of_its_client() -> None:
    rules = limit("team", "team_w", 3), limit("user", "user_ann", 1_000, "tokens")
    made = stage(*rules, script=[completion(), streamed(events())])
    client = await made.ask(SHORT)
    assert client.header(b"x-ratelimit-limit-requests") == b"3"
    assert client.header(b"x-ratelimit-remaining-requests") == b"2"
    assert client.header(b"x-ratelimit-reset-requests") == b"20s"
    assert client.header(b"x-ratelimit-limit-tokens") == b"1000"
    client = await made.ask({**STREAM, "max_tokens": 100}, number=2)
    assert client.header(b"x-ratelimit-remaining-requests") == b"1"
    client = await made.ask({**SHORT, "model": "nothing"}, number=3)
    assert client.status == 404
    assert client.header(b"x-ratelimit-remaining-requests") == b"1"
    made = stage(*rules)
    body = {"model": "fast", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}
    client = await made.ask(body, dialect="anthropic_messages")
    assert client.header(b"anthropic-ratelimit-requests-remaining") == b"2"
    assert client.header(b"anthropic-ratelimit-tokens-limit") == b"1000"
    assert client.header(b"x-ratelimit-limit-requests") is None


async def test_where_others_count_they_are_asked_once_and_told_of_the_end() -> None:
    limits = AskedLimits()
    rules = limit("team", "team_w", 3), limit("key", "k1", 1, "concurrent")
    made = stage(*rules, limits=limits)
    told = [await made.ask(SHORT, number=number) for number in range(5)]
    assert [client.status for client in told] == [200, 200, 200, 429, 429]
    assert [client.header(b"x-ratelimit-remaining-requests") for client in told[:3]] == [b"2", b"1", b"0"]
    assert limits.asked == 5
    assert limits.prune(made.clock.now + 60) == 0
    made = stage(limits=limits)
    assert (await made.ask(SHORT)).status == 200
    assert limits.asked == 5, "who has no limits asks nobody"


async def test_the_providers_own_limits_are_not_told_beside_them() -> None:
    answer = completion()
    answer.headers += [(b"x-ratelimit-remaining-requests", b"77777"), (b"openai-version", b"1")]
    made = stage(limit("team", "team_w", 3), script=[answer])
    client = await made.ask(SHORT)
    told = [value for name, value in client.headers if name == b"x-ratelimit-remaining-requests"]
    assert told == [b"2"]


async def test_a_limit_that_is_reached_is_a_429_with_the_time_to_wait() -> None:
    made = stage(limit("team", "team_w", 1))
    await made.ask(SHORT)
    client = await made.ask(SHORT, number=2)
    assert (client.status, error_code(client.body)) == (429, "rate_limit_exceeded")
    assert (
        message(client)
        == "The limit 'team-limit' of team 'web' is 1 requests per minute. Try again in 60.00 s."
    )
    assert client.header(b"retry-after") == b"60"
    assert client.header(b"retry-after-ms") == b"60000"
    assert client.header(b"x-ratelimit-remaining-requests") == b"0"
    assert client.header(b"x-should-retry") is None
    made.clock.advance(60)
    assert (await made.ask(SHORT, number=3)).status == 200


async def test_tokens_are_set_aside_and_what_was_not_used_comes_back() -> None:
    made = stage(limit("team", "team_w", 1_000, "tokens"))
    for number in range(20):
        assert (await made.ask(SHORT, number=number)).status == 200
    (shown,) = made.limits.shown(made.directory.standing(KEY).rules.paces, made.clock.now).values()
    assert shown.remaining == 1_000 - 20 * 12
    client = await made.ask({**CHAT, "max_tokens": 2_000}, number=21)
    assert (client.status, error_code(client.body)) == (429, "request_over_limit")
    assert client.header(b"x-should-retry") == b"false"
    assert client.header(b"retry-after") is None


@pytest.mark.parametrize("failing", [False, True])
async def test_an_exchange_gives_its_place_back_before_its_end_is_told(failing: bool) -> None:
    made = stage(limit("team", "team_w", 1, "concurrent"))
    second = RecordingClient()

    async def meanwhile() -> None:
        await made.pipeline.run(made.call(SHORT, second, number=2))

    made.upstream.script = [meanwhile, Unavailable("down")] if failing else [meanwhile, completion()]
    made.upstream.script += [completion()] * 4
    assert (await made.ask(SHORT)).status == 200
    assert second.status == 429
    assert second.header(b"retry-after") == b"1"
    assert (await made.ask(SHORT, number=3)).status == 200


async def test_who_leaves_gives_a_place_back() -> None:
    made = stage(limit("team", "team_w", 1, "concurrent"), script=[streamed(events()), completion()])
    await made.ask(STREAM, RecordingClient(leaves_at=1))
    assert (await made.ask(SHORT, number=2)).status == 200


# --- what keys and people may -------------------------------------------------------------------------------


async def test_who_may_not_use_the_gateway_any_more_is_told_403() -> None:
    made = stage()
    made.rule(msgspec.structs.replace(ORG, suspended=True))
    client = await made.ask(SHORT)
    assert (client.status, error_code(client.body)) == (403, "permission_denied")
    assert message(client) == "The organization 'acme' is suspended. Ask its owner."
    assert (await made.ask(SHORT, key=b"another", number=2)).status == 401


async def test_every_list_of_models_has_to_allow_and_the_error_says_whose_it_is() -> None:
    made = stage()
    made.rule(msgspec.structs.replace(ORG, models=("fast", "slow")))
    assert (await made.ask(SHORT)).status == 200
    made.rule(msgspec.structs.replace(TEAM, models=("slow",)))
    client = await made.ask(SHORT, number=2)
    assert (client.status, error_code(client.body)) == (403, "permission_denied")
    assert message(client) == (
        "What belongs to the team 'web' may not use the model 'fast'. It may use: slow."
    )


async def test_a_key_is_for_its_networks_operations_and_metadata() -> None:
    key = msgspec.structs.replace(KEY, networks=("10.0.0.0/8",), endpoints=("chat",), required_tags=("cost",))
    made = stage(key=key)

    async def ask(
        peer: tuple[str, int] | None, number: int, dialect: str = "openai_chat", **headers: bytes
    ) -> int:
        body = SHORT if dialect == "openai_chat" else {"model": "fast", "input": "x"}
        told = {name.replace("_", "-").encode(): value for name, value in headers.items()}
        client = RecordingClient()
        call = made.call(body, client, number=number, dialect=dialect, headers=told)
        call.peer = peer
        await made.pipeline.run(call)
        return client.status or 0

    inside, said = ("10.1.1.1", 5), {"x_waypost_metadata": b'{"cost":"42"}'}
    assert await ask(inside, 1, **said) == 200
    assert await ask(("9.9.9.9", 5), 2, **said, x_forwarded_for=b"10.1.1.1") == 403
    assert await ask(None, 3, **said) == 403
    assert await ask(inside, 4, dialect="openai_embeddings", **said) == 403
    assert await ask(inside, 5) == 400


async def test_metadata_of_the_body_counts_too() -> None:
    made = stage(key=msgspec.structs.replace(KEY, required_tags=("cost",)))
    assert (await made.ask({**SHORT, "metadata": {"cost": "42"}})).status == 200


async def test_a_line_of_a_batch_is_held_to_the_same_rules() -> None:
    made = stage(limit("team", "team_w", 1), budget("team", "team_w", 10**9))
    client = RecordingClient()
    call = made.call(SHORT, client, key=None)
    call.principal = msgspec.structs.replace(KEY, priority="low", networks=("10.0.0.0/8",))
    await made.pipeline.run(call)
    assert client.status == 200
    assert posted(made) == {"team:team_w:month": 39}
    assert (await made.ask(SHORT, number=2)).status == 429


async def test_an_answer_that_is_told_again_counts_as_a_request_and_costs_nothing() -> None:
    made = stage(limit("team", "team_w", 2), budget("team", "team_w", 10**9))
    headers = {b"idempotency-key": b"once"}
    first, again, over = [await made.ask(SHORT, headers=headers, number=n) for n in range(3)]
    assert [each.status for each in (first, again, over)] == [200, 200, 429]
    assert [each.header(b"x-ratelimit-remaining-requests") for each in (first, again)] == [b"1", b"0"]
    assert again.header(b"x-waypost-replayed") == b"true"
    assert posted(made) == {"team:team_w:month": 39}


async def test_a_key_without_rules_is_looked_up_and_nothing_else() -> None:
    made = stage(budget("team", "team_other", 1))
    client = await made.ask(SHORT)
    assert client.status == 200
    assert made.exchange.accounts == ()
    assert made.limits.prune(made.clock.now) == 0
    assert not any(b"ratelimit" in name for name, _ in client.headers)


# --- 500 at once --------------------------------------------------------------------------------------------


async def test_500_at_once_on_six_scopes_spend_no_more_than_a_dollar_and_use_it() -> None:
    """$1.00 on each of six scopes; each request is held at what it costs at most, and costs about a third of that."""
    dollar = 10**9
    rules = [
        budget("team", "team_w", dollar),
        budget("user", "user_ann", dollar),
        budget("organization", "org_a", dollar),
        budget("gateway", "*", dollar),
        budget("model", "m1", dollar),
        budget("end_user", "bob", dollar),
    ]

    class Dear(FlatTariff):
        def cost(self, usage: Usage, at: float, tier: str | None = None) -> int:
            return usage.output * 100_000

        def ceiling(
            self,
            input_tokens: int,
            output_tokens: int,
            at: float,
            tier: str | None = None,
            units: Units | None = None,
        ) -> int:
            return output_tokens * 100_000

        def unit_rates(self, at: float) -> UnitRates | None:
            return None

    outputs = [30 + number % 70 for number in range(500)]
    arrived, fits = asyncio.Event(), 100
    script = [*([arrived.wait] * fits), *(completion(output=output) for output in outputs)]
    made = stage(*rules, targets=(target(provider(), tariff=Dear()),), script=script)
    made.settings = Settings()
    clients = [RecordingClient() for _ in range(500)]
    headers = {b"x-waypost-user": b"bob"}

    async def ask(number: int) -> None:
        call = made.call({**CHAT, "max_tokens": 100}, clients[number], headers=headers, number=number)
        await made.pipeline.run(call)

    asking = [asyncio.ensure_future(ask(number)) for number in range(500)]
    for _ in range(100):
        await asyncio.sleep(0)
    assert made.pipeline.active == fits
    held = {account.held_nusd for account in made.ledger.purse._accounts.values()}  # type: ignore[attr-defined]
    assert held == {dollar}, "whoever fits is let in, and nobody else"
    arrived.set()
    await asyncio.gather(*asking)
    assert {client.status for client in clients} == {200, 402}
    # Who was refused comes again as long as there is room for one more.
    spent, more = max(posted(made).values()), 500
    while spent + 100 * 100_000 <= dollar:
        made.upstream.script = [completion(output=outputs[more % 500])]
        client = await made.ask({**CHAT, "max_tokens": 100}, headers=headers, number=more)
        assert client.status == 200, "a false refusal while there is headroom"
        spent, more = max(posted(made).values()), more + 1
    assert (await made.ask({**CHAT, "max_tokens": 100}, headers=headers, number=more)).status == 402
    assert set(posted(made).values()) == {spent}
    assert 0.95 * dollar <= spent <= dollar
    assert spent == sum(done.cost_nusd or 0 for done in made.ledger.settled)
