"""The faults that other gateways' ledgers had, one test each: the sources are in each one's first line."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from ledger.books import (
    AT,
    CENT,
    DOLLAR,
    FakeClock,
    FlakyJournal,
    attempt,
    bounds,
    budget,
    exchange,
    in_thread,
    mark,
)
from transcript import (
    CHAT,
    KEY_TEXT,
    STREAM,
    RecordingClient,
    Stage,
    completion,
    error_code,
    events,
    streamed,
)
from waypost.config.schema import LedgerConfig
from waypost.core.budget import Budget
from waypost.core.key import Key
from waypost.core.limit import Limit
from waypost.core.people import DEFAULT, Member, Team, User
from waypost.core.rules import Rules
from waypost.core.scope import ScopeKind
from waypost.errors import BudgetExceeded, StoreUnavailable, Truncated
from waypost.ledger.ledger import BookLedger, open_ledger
from waypost.ledger.recovery import recover

KEY = Key(
    "k1",
    "app",
    sha256(KEY_TEXT).digest(),
    "sk-wp-…",
    0.0,
    team_id="team_w",
    user_id="user_ann",
)
#: At most 1,000 nano-dollars of output, and the input.
SHORT = {**CHAT, "max_tokens": 100}


@asynccontextmanager
async def opened(data: Path, journal: FlakyJournal):
    ledger, _ = open_ledger(data, journal, FakeClock(), in_thread(data / "intents", journal))
    try:
        yield ledger
    finally:
        await ledger.stop()


async def reserve(ledger: BookLedger, rules: Rules, amount: int):
    hold = ledger.try_reserve(rules, amount, AT)
    while hold is None:
        await ledger.load(rules, AT)
        hold = ledger.try_reserve(rules, amount, AT)
    return hold


def stage(*rules: Budget | Limit, script: object = (), **options: object) -> Stage:
    made = Stage(script, key=KEY, purse=True, **options)  # type: ignore[arg-type]
    made.rule(
        Team("team_w", DEFAULT, "web"),
        User("user_ann", "ann@acme.example"),
        Member("mem_1", DEFAULT, "user_ann"),
        *rules,
    )
    return made


def of(scope: ScopeKind, scope_id: str, limit: int = DOLLAR) -> Budget:
    return Budget(f"bud_{scope}", "" if scope == "gateway" else DEFAULT, scope, scope, scope_id, limit)


def posted(made: Stage) -> dict[str, int]:
    accounts = made.ledger.purse._accounts.values()  # type: ignore[attr-defined]
    assert all(account.held_nusd == account.holds == 0 for account in accounts)
    return {account.account_id.partition(":")[0]: account.posted_nusd for account in accounts}


async def test_check_and_record_are_one_step(tmp_path: Path) -> None:
    """LiteLLM #34732, #40095, #26672, #23714; new-api #6609; Membrane #3210; gbrain #4365."""
    rules = bounds(budget("team", "t1"), budget("end_user", "first seen"))
    async with opened(tmp_path, FlakyJournal()) as ledger:
        # Nobody has asked for these accounts before: all who come at once wait for the same read.
        asking = [asyncio.ensure_future(reserve(ledger, rules, CENT)) for _ in range(500)]
        ended = await asyncio.gather(*asking, return_exceptions=True)
        refused = [each for each in ended if isinstance(each, BudgetExceeded)]
        assert (len(refused), len(ended) - len(refused)) == (400, 100)
        for hold in ended:
            if not isinstance(hold, BaseException):
                ledger.settle(hold, exchange(id(hold), CENT, hold.accounts))
        assert {ledger.purse.account(each).posted_nusd for each in ended[0].accounts} == {DOLLAR}  # type: ignore[union-attr]


async def test_a_hold_is_never_cut_to_what_is_left(tmp_path: Path) -> None:
    """LiteLLM PR #26845."""
    rules = bounds(budget("team", "t1", 100))
    async with opened(tmp_path, FlakyJournal()) as ledger:
        await reserve(ledger, rules, 60)
        with pytest.raises(BudgetExceeded):
            await reserve(ledger, rules, 41)
        assert (await reserve(ledger, rules, 40)).amount_nusd == 40


async def test_no_hold_is_left_however_an_exchange_ends() -> None:
    """LiteLLM #27639, #30460, #36592."""
    made = stage(of("team", "team_w"), of("gateway", "*"))
    broken = Truncated("cut")
    ways: list[tuple[object, list[object], RecordingClient]] = [
        (SHORT, [completion()], RecordingClient()),
        (SHORT, [broken, broken], RecordingClient()),
        (STREAM, [streamed(events())], RecordingClient()),
        (STREAM, [streamed([*events()[:2], broken])], RecordingClient()),
        (STREAM, [streamed(events())], RecordingClient(leaves_at=1)),
        (SHORT, [completion()], RecordingClient(leaves_at=0)),
        (SHORT, [RuntimeError("a fault of ours")], RecordingClient()),
        ({**CHAT, "model": "nothing"}, [], RecordingClient()),
    ]
    for number, (body, script, client) in enumerate(ways):
        made.upstream.script = script
        await made.ask(body, client, number=number)
        posted(made)
    for number in range(200):  # at 0.4 % of the budget used, nobody is refused
        made.upstream.script = [completion()]
        assert (await made.ask(SHORT, number=100 + number)).status == 200


async def test_a_crash_pins_no_hold_and_drives_nothing_negative(tmp_path: Path) -> None:
    """LiteLLM #30330."""
    journal, rules = FlakyJournal(), bounds(budget("team", "t1", 100))
    first, _ = open_ledger(tmp_path, journal, FakeClock(), in_thread(tmp_path / "intents", journal))
    held, sent = await reserve(first, rules, 50), await reserve(first, rules, 50)
    first.dispatch(mark(1, sent.accounts, floor=3))
    journal.down = True
    await first.stop(0.01)  # the process is gone: nothing was settled
    journal.down = False
    recover(tmp_path / "intents", journal)
    async with opened(tmp_path, journal) as ledger:
        hold = await reserve(ledger, rules, 97)
        account = ledger.purse.account(held.accounts[0])
        assert (account.posted_nusd, account.held_nusd) == (3, 97)
        ledger.settle(hold, exchange(2, 0, hold.accounts))
        assert (account.posted_nusd, account.held_nusd, account.holds) == (3, 0, 0)


async def test_counters_never_drift_from_the_books(tmp_path: Path) -> None:
    """LiteLLM #36926."""
    journal, rules = FlakyJournal(), bounds(budget("team", "t1"), budget("provider", "openai"))
    async with opened(tmp_path, journal) as ledger:
        for number in range(300):
            hold = await reserve(ledger, rules, 1_000_003)
            tried = msgspec.structs.replace(
                attempt(number, 333_333 + number), provider="openai" if number % 2 else "azure"
            )
            ledger.settle(hold, exchange(number, None, hold.accounts, (tried,)))
        await ledger.flush()
        for account_id, total in journal.accounts.items():
            assert ledger.purse.account(account_id).posted_nusd == total
        lines = [line.cost_nusd or 0 for line in journal.lines.values()]
        assert journal.accounts["team:t1:total"] == sum(lines)
        assert journal.accounts["provider:org/openai:total"] == sum(lines[1::2])


async def test_settling_again_after_a_failure_counts_once(tmp_path: Path) -> None:
    """LiteLLM #35569."""
    journal, rules = FlakyJournal(), bounds(budget("team", "t1"))
    async with opened(tmp_path, journal) as ledger:
        hold = await reserve(ledger, rules, CENT)
        journal.down = True
        ledger.settle(hold, exchange(1, CENT, hold.accounts))
        for _ in range(5):
            await asyncio.sleep(0)
        journal.down = False
        await ledger.flush()
        assert journal.accounts == {"team:t1:total": CENT}
        assert journal.repost([exchange(1, CENT, hold.accounts)]) == 0
        assert journal.accounts == {"team:t1:total": CENT}
        assert ledger.purse.account("team:t1:total").posted_nusd == CENT


async def test_what_can_not_be_reserved_is_not_sent(tmp_path: Path) -> None:
    """LiteLLM #33923: a flag to fail closed that did not hold for a reservation that failed. Here is no flag."""
    made = stage(of("team", "team_w"))

    async def away(rules: Rules, at: float, amount_nusd: int = 0) -> None:
        raise StoreUnavailable("The database does not answer.")

    made.ledger.load = away  # type: ignore[method-assign]
    client = await made.ask(SHORT)
    assert (client.status, error_code(client.body)) == (503, "store_unavailable")
    assert made.upstream.sent == []
    journal = FlakyJournal()
    journal.down = True
    async with opened(tmp_path, journal) as ledger:
        with pytest.raises(StoreUnavailable):
            await reserve(ledger, bounds(budget("team", "t1")), CENT)
        journal.down = False


@pytest.mark.parametrize(
    "spent",
    [
        of("key", "k1", 1),
        of("user", "user_ann", 1),
        of("team", "team_w", 1),
        of("organization", DEFAULT, 1),
        of("gateway", "*", 1),
        of("end_user", "bob", 1),
        of("end_user", "*", 1),
        of("tag", "app:chat", 1),
        of("route", "fast", 1),
        of("model", "m1", 1),
        of("provider", "p1", 1),
    ],
    ids=lambda each: f"{each.scope}-{each.scope_id}",
)
async def test_no_scope_is_skipped(spent: Budget) -> None:
    """LiteLLM #11962, #12906, #23536, #9658, #11083: a person's budget did not hold for a team's key, and more."""
    rooms = [of(scope, "x") for scope in ("project", "service")]
    headers = {b"x-waypost-user": b"bob", b"x-waypost-metadata": b'{"app":"chat"}'}
    client = await stage(spent, *rooms).ask(SHORT, headers=headers)
    assert (client.status, error_code(client.body)) == (402, "budget_exceeded")
    assert spent.scope in str(msgspec.json.decode(client.body)["error"]["message"])


@pytest.mark.parametrize("leaves_at", [0, 1, 2, 3])
async def test_who_disconnects_pays(leaves_at: int) -> None:
    """LiteLLM #33736, #30630, #13245, #37558, #35958, #39893."""
    made = stage(of("team", "team_w"), script=[streamed(events())])
    await made.ask(STREAM, RecordingClient(leaves_at=leaves_at))
    (account,) = posted(made).values()
    assert account == made.exchange.cost_nusd == 39, "what the provider reported, at the model's own price"


async def test_a_usage_of_zero_is_zero_and_not_missing() -> None:
    """LiteLLM #37992."""
    made = stage(of("team", "team_w"), script=[completion(prompt=0, output=0)])
    assert (await made.ask(SHORT)).status == 200
    assert posted(made) == {"team": 0}
    assert made.attempts[0].usage is not None
    assert (made.attempts[0].usage.output, made.attempts[0].usage.source) == (0, "reported")


async def test_a_failure_in_the_middle_of_a_stream_is_a_failure_and_costs_what_was_delivered() -> None:
    """LiteLLM #39589; llmgateway PR #3505."""
    made = stage(of("team", "team_w"), script=[streamed([*events()[:3], Truncated("cut")])])
    await made.ask(STREAM)
    assert (made.exchange.outcome, made.exchange.error) == ("cut", "upstream_truncated")
    tried = made.attempts[0]
    assert tried.usage is not None
    assert tried.usage.source == "partial"
    assert 0 < (tried.cost_nusd or 0) == posted(made)["team"]


async def test_a_budget_refills_with_its_window_and_never_within_it() -> None:
    """WSO2 #2936: a budget that was made of a rate limit's refill was never reached."""
    made = stage(of("team", "team_w", 1_100))
    made.upstream.script = [completion(output=100)]
    assert (await made.ask(SHORT)).status == 200
    for number in range(20):  # a day each, up to the end of the month
        made.clock.advance(40_000)
        assert (await made.ask(SHORT, number=2 + number)).status == 402
    made.clock.advance(86_400 * 31)
    made.upstream.script = [completion()]
    assert (await made.ask(SHORT, number=99)).status == 200


def test_reservation_can_not_be_turned_off() -> None:
    """LiteLLM PR #29493, whose remedy for refusals was to turn reservation off."""
    assert set(LedgerConfig.__struct_fields__) == {"durability", "reserve_output_tokens", "allow_unpriced"}
