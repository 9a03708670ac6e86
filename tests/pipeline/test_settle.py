from __future__ import annotations

import itertools

import msgspec
import pytest

from transcript import KEY_TEXT, RecordingClient, Stage, provider, target
from waypost.config.snapshot import Settings
from waypost.config.targets import Target
from waypost.core.price import UnitRates
from waypost.core.quirks import Quirks
from waypost.core.rules import NO_RULES
from waypost.core.usage import Units, Usage
from waypost.dialects.lane import SameLane
from waypost.dialects.registry import DIALECTS
from waypost.errors import Disconnected, Garbled, GatewayError, StoreUnavailable, Throttled, Unavailable
from waypost.pipeline.exchange import Call, LiveExchange, Trial
from waypost.pipeline.settle import Settle
from waypost.ports import Hold

BODY = b'{"model":"fast","messages":[{"role":"user","content":"Hello there"}]}'


class Books:
    """A settle stage with one open trial."""

    def __init__(self, served_by: Target | None = None, settings: Settings | None = None) -> None:
        self.stage = Stage(settings=settings or Settings())
        self.settle = Settle(self.stage.clock, self.stage.ledger, self.stage.metrics)
        dialect = DIALECTS["openai_chat"]
        call = Call(dialect, BODY, {}, KEY_TEXT, "x1", self.stage.clock.monotonic(), RecordingClient())
        self.live = LiveExchange(call, self.stage.snapshot, 5_000_000)
        self.live.key = self.stage.key
        self.live.asked = dialect.parse_ask(BODY)
        self.trial: Trial = self.live.open_trial(
            served_by or target(provider()), SameLane(DIALECTS["openai_chat"]), (), 1000.0
        )


def test_the_mark_says_what_recovery_needs() -> None:
    books = Books()
    books.settle.dispatch(books.live, books.trial)
    mark = books.stage.ledger.marks[0]
    assert (mark.attempt_id, mark.exchange_id, mark.provider, mark.model) == ("x1.1", "x1", "p1", "m1")
    assert mark.floor_nusd == mark.input_estimate > 0
    assert mark.price_version == "flat-1"


def test_an_unpriced_mark_has_no_floor() -> None:
    books = Books(target(provider(), tariff=None))
    books.settle.dispatch(books.live, books.trial)
    assert (books.stage.ledger.marks[0].floor_nusd, books.stage.ledger.marks[0].price_version) == (None, None)


@pytest.mark.parametrize(("trusted", "cost"), [(True, 777), (False, 3 + 40)])
def test_a_providers_own_charge_counts_only_where_it_is_known_to_be_one(trusted: bool, cost: int) -> None:
    books = Books(target(provider(quirks=Quirks(reports_charge=trusted))))
    usage = Usage(input=3, output=4, charged_nusd=777)
    assert books.settle.price(books.live, books.trial, usage, None) == cost


@pytest.mark.parametrize(
    ("error", "state", "costs"),
    [
        (Unavailable("refused"), "voided", False),
        (Throttled("slow"), "voided", False),
        (Garbled("html"), "unknown", True),
        (Disconnected("gone"), "unknown", True),
    ],
)
def test_a_failed_attempt_costs_what_it_may_have_billed(error: GatewayError, state: str, costs: bool) -> None:
    books = Books()
    books.trial.sent = True
    books.settle.fail_trial(books.live, error)
    attempt = books.live.attempts[0]
    assert (attempt.state, attempt.error) == (state, error.code)
    assert bool(attempt.cost_nusd) is costs
    assert books.live.trial is None


def test_delivered_text_is_settled_as_counted() -> None:
    books = Books()
    assert books.live.asked is not None
    relay = books.live.call.dialect.stream_relay(books.live.asked, lambda usage, tier: None)
    relay.feed(b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n')
    books.trial.relay = relay
    books.settle.fail_trial(books.live, Garbled("cut"))
    attempt = books.live.attempts[0]
    assert attempt.state == "settled"
    assert attempt.usage is not None
    assert (attempt.usage.source, attempt.usage.output) == ("partial", 1)


def test_an_exchange_is_settled_once_whoever_asks_again() -> None:
    books = Books()
    books.trial.sent = True
    books.settle.settle(books.live)
    books.settle.settle(books.live)
    assert len(books.stage.ledger.settled) == 1
    assert books.stage.exchange.attempts[0].state == "unknown", (
        "an attempt that nobody closed is not forgotten"
    )


def test_a_checkpoint_is_priced() -> None:
    books = Books()
    books.settle.checkpoint(books.live, books.trial, Usage(input=5, output=2, source="partial"))
    checkpoint = books.stage.ledger.checkpoints[0]
    assert (checkpoint.attempt_id, checkpoint.cost_nusd) == ("x1.1", 25)


@pytest.mark.parametrize(
    ("gateway", "key", "kept"),
    [(False, None, False), (True, None, True), (True, False, False), (False, True, True)],
)
def test_the_keys_own_setting_decides_whether_content_is_kept(
    gateway: bool, key: bool | None, kept: bool
) -> None:
    books = Books(settings=Settings(log_content=gateway))
    books.live.key = msgspec.structs.replace(books.stage.key, log_content=key)
    assert books.settle.keeps_content(books.live) is kept


class TieredTariff:
    version = "tiers"

    def cost(self, usage: Usage, at: float, tier: str | None = None) -> int:
        return usage.input * {None: 10, "flex": 5, "priority": 20}[tier]

    def ceiling(
        self,
        input_tokens: int,
        output_tokens: int,
        at: float,
        tier: str | None = None,
        units: Units | None = None,
    ) -> int:
        return self.cost(Usage(input=input_tokens), at, tier)

    def unit_rates(self, at: float) -> UnitRates | None:
        return None


@pytest.mark.parametrize(
    ("asked", "served", "cost"),
    [
        (None, None, 10),
        (None, "flex", 5),
        ("flex", "flex", 5),
        ("flex", None, 10),
        ("priority", None, 20),
        ("priority", "flex", 5),
    ],
)
def test_a_cheap_tier_has_to_be_confirmed_by_the_provider(
    asked: str | None, served: str | None, cost: int
) -> None:
    books = Books(target(provider(), tariff=TieredTariff()))
    assert books.live.asked is not None
    books.live.asked = msgspec.structs.replace(books.live.asked, tier=asked)
    assert books.settle.price(books.live, books.trial, Usage(input=1), served) == cost


def test_what_was_never_sent_costs_nothing() -> None:
    books = Books()
    books.settle.fail_trial(books.live, StoreUnavailable("The disk is full."))
    attempt = books.live.attempts[0]
    assert (attempt.state, attempt.cost_nusd, attempt.usage) == ("voided", 0, None)


def test_somebody_without_a_key_can_not_fill_the_disk() -> None:
    books = Books()

    def refuse_unknown(times: int) -> int:
        before = len(books.stage.ledger.settled)
        for _ in range(times):
            call = msgspec.structs.replace(books.live.call, exchange_id=f"x{next(numbers)}")
            books.settle.settle(LiveExchange(call, books.stage.snapshot, 0))
        return len(books.stage.ledger.settled) - before

    numbers = itertools.count(2)
    assert refuse_unknown(1000) == pytest.approx(100, abs=2)
    assert refuse_unknown(1000) == 0
    books.stage.clock.advance(5)
    assert refuse_unknown(1000) == pytest.approx(50, abs=2)
    books.settle.settle(books.live)
    assert books.stage.ledger.settled[-1].exchange_id == "x1", "who has a key is always recorded"
    assert b'waypost_overhead_seconds_count{operation="chat"} 3001.0' in books.stage.metrics.render()


def test_a_database_that_is_behind_is_not_given_a_record_of_each_request_that_is_refused_for_it() -> None:
    books = Books()

    def refuse(times: int, *, error: str = "store_unavailable", hold: Hold | None = None) -> int:
        before = len(books.stage.ledger.settled)
        for _ in range(times):
            call = msgspec.structs.replace(books.live.call, exchange_id=f"x{next(numbers)}")
            live = LiveExchange(call, books.stage.snapshot, 0)
            live.key, live.error, live.hold = books.stage.key, error, hold
            books.settle.settle(live)
        return len(books.stage.ledger.settled) - before

    numbers = itertools.count(2)
    assert refuse(1000) == pytest.approx(100, abs=2)
    assert refuse(1000) == 0
    assert refuse(10, error="budget_exceeded") == 10
    assert refuse(1, hold=books.stage.ledger.try_reserve(NO_RULES, 0, 0.0)) == 1, "what is held is let go"
    books.live.error = "store_unavailable"
    books.settle.settle(books.live)
    assert books.stage.ledger.settled[-1].exchange_id == "x1", "with an attempt it may have cost something"
    assert b'waypost_overhead_seconds_count{operation="chat"} 2012.0' in books.stage.metrics.render()


def marked_up(markup: int) -> Target:
    return target(msgspec.structs.replace(provider(), markup=markup))


def test_a_line_keeps_the_providers_cost_and_the_markup_apart() -> None:
    books = Books(marked_up(25_000))
    usage = Usage(input=3, output=4)
    assert books.settle.price(books.live, books.trial, usage, None) == 43
    assert books.settle.shown(books.live, books.trial, usage, None) == 45  # 44.075, rounded up
    books.live.close_trial(0.0, "settled", usage, 43)
    (attempt,) = books.live.attempts
    assert (attempt.cost_nusd, attempt.markup_nusd) == (45, 2)
    assert type(attempt.cost_nusd) is int


def test_the_mark_says_the_markup_that_recovery_has_to_add() -> None:
    books = Books(marked_up(25_000))
    books.settle.dispatch(books.live, books.trial)
    books.live.key = None  # the gateway asks for itself, and charges nobody
    books.settle.dispatch(books.live, books.trial)
    assert [mark.markup for mark in books.stage.ledger.marks] == [25_000, 0]
    books.live.close_trial(0.0, "settled", Usage(input=100), 100)
    assert (books.live.attempts[0].cost_nusd, books.live.attempts[0].markup_nusd) == (100, 0)


def test_a_target_has_its_own_markup_or_its_providers() -> None:
    served = marked_up(25_000)
    assert served.markup == 25_000
    assert msgspec.structs.replace(served, own_markup=0).markup == 0
    assert msgspec.structs.replace(served, own_markup=7).markup == 7
    assert msgspec.structs.replace(served, provider=provider()).markup == 0
