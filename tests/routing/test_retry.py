from __future__ import annotations

import pytest

from waypost.config.nodes import Overlay
from waypost.config.targets import Credential, Provider, Target
from waypost.core.facts import ModelFacts
from waypost.core.origin import Origin
from waypost.errors import (
    ContextTooLong,
    CredentialRefused,
    EgressDenied,
    Failed,
    Filtered,
    Garbled,
    Misshapen,
    Overcrowded,
    QuotaSpent,
    Rejected,
    Retry,
    Throttled,
    TimedOut,
    Truncated,
    Unavailable,
    Untrusted,
    UpstreamError,
)
from waypost.routing.retry import backoff_s, has_room, status_of, step, worst

KINDS = [
    (Unavailable("x"), Retry.AGAIN),
    (Misshapen("x"), Retry.AGAIN),
    (Rejected("x", status=400), Retry.STOP),
    (Rejected("x", status=413), Retry.STOP),
    (Rejected("x", status=404), Retry.NEXT),
    (Rejected("x", status=410), Retry.NEXT),
    (ContextTooLong("x", status=400), Retry.LARGER),
    (Filtered("x", status=400), Retry.STOP),
    (CredentialRefused("x"), Retry.NEXT),
    (QuotaSpent("x"), Retry.NEXT),
    (Throttled("x"), Retry.NEXT),
    (Overcrowded("x"), Retry.NEXT),
    (TimedOut("x", phase="connect"), Retry.NEXT),
    (TimedOut("x", phase="idle"), Retry.NEXT),
    (Garbled("x"), Retry.NEXT),
    (Truncated("x"), Retry.NEXT),
    (Failed("x"), Retry.NEXT),
    (Untrusted("x"), Retry.NEXT),
    (EgressDenied("x"), Retry.NEXT),
    (UpstreamError("x"), Retry.NEXT),
]


@pytest.mark.parametrize(("error", "follows"), KINDS, ids=lambda value: type(value).__name__)
def test_what_follows_each_kind(error: UpstreamError, follows: Retry) -> None:
    assert step(error, 1, 1) is follows
    assert step(error, 2, 1) is (Retry.NEXT if follows is Retry.AGAIN else follows)
    assert step(error, 1, 0) is (Retry.NEXT if follows is Retry.AGAIN else follows)
    assert step(error, 1, 1, Overlay()) is follows


def test_every_kind_is_in_the_table() -> None:
    def kinds(root: type[UpstreamError]) -> set[type[UpstreamError]]:
        return {root}.union(*(kinds(each) for each in root.__subclasses__()))

    assert {type(error) for error, _ in KINDS} == {
        kind for kind in kinds(UpstreamError) if kind.__module__ == "waypost.errors.upstream"
    }


def answered(error: UpstreamError, status: int) -> UpstreamError:
    error.answered = status
    return error


@pytest.mark.parametrize(
    ("error", "overlay", "tries", "follows"),
    [
        (answered(Throttled("x"), 429), Overlay(retry_on=frozenset({429})), 1, Retry.AGAIN),
        (answered(Throttled("x"), 429), Overlay(retry_on=frozenset({429})), 2, Retry.NEXT),
        (answered(Throttled("x"), 429), Overlay(retry_on=frozenset({429}), retries=3), 3, Retry.AGAIN),
        (answered(Unavailable("x"), 500), Overlay(retry_on=frozenset({429})), 1, Retry.NEXT),
        (answered(Unavailable("x"), 500), Overlay(retries=0), 1, Retry.NEXT),
        (answered(Unavailable("x"), 500), Overlay(fallback_on=frozenset({429})), 1, Retry.AGAIN),
        (answered(Unavailable("x"), 500), Overlay(fallback_on=frozenset({429})), 2, Retry.STOP),
        # The provider's own status counts, not what a client is shown of it.
        (answered(CredentialRefused("x"), 401), Overlay(fallback_on=frozenset({401})), 1, Retry.NEXT),
        (answered(CredentialRefused("x"), 401), Overlay(fallback_on=frozenset({502})), 1, Retry.STOP),
        # A route may say otherwise of what the request itself is at fault for.
        (answered(Filtered("x", status=400), 400), Overlay(fallback_on=frozenset({400})), 1, Retry.NEXT),
        (
            answered(ContextTooLong("x", status=400), 400),
            Overlay(fallback_on=frozenset({400})),
            1,
            Retry.NEXT,
        ),
        (
            answered(ContextTooLong("x", status=400), 400),
            Overlay(fallback_on=frozenset({429})),
            1,
            Retry.STOP,
        ),
        # Without a status: deadlines are 408, others 503.
        (TimedOut("x", phase="first_byte"), Overlay(retry_on=frozenset({408})), 1, Retry.AGAIN),
        (TimedOut("x", phase="first_byte"), Overlay(fallback_on=frozenset({503})), 1, Retry.STOP),
        (Garbled("x"), Overlay(fallback_on=frozenset({503})), 1, Retry.NEXT),
    ],
)
def test_a_route_names_statuses(error: UpstreamError, overlay: Overlay, tries: int, follows: Retry) -> None:
    assert step(error, tries, 1, overlay) is follows


def test_the_status_that_routes_name() -> None:
    assert status_of(answered(Overcrowded("x"), 529)) == 529
    assert status_of(TimedOut("x", phase="total")) == 408
    assert status_of(Truncated("x")) == 503


def target(context: int | None) -> Target:
    provider = Provider("p", ("openai_chat",), Origin("http", "127.0.0.1", 1), "", Credential(b""))
    return Target(provider, "m", facts=ModelFacts(context=context))


@pytest.mark.parametrize(
    ("context", "refused", "room"),
    [
        (8_000, [], True),
        (8_000, [8_000], False),
        (8_000, [4_000, 8_000], False),
        (16_000, [4_000, 8_000], True),
        (None, [8_000], True),
        (4_000, [None], True),
        (4_000, [None, 8_000], False),
    ],
)
def test_who_may_take_what_did_not_fit(context: int | None, refused: list[int | None], room: bool) -> None:
    assert has_room(target(context), [target(each) for each in refused]) is room


def test_the_pause_grows_is_jittered_and_is_capped() -> None:
    assert [backoff_s(tries, lambda: 1.0) for tries in (1, 2, 3, 20)] == [0.25, 0.5, 1.0, 8.0]
    assert backoff_s(5, lambda: 0.0) == 0.0


SLOW, LATE, SOON = Throttled("a"), Throttled("b", retry_after_s=9), Throttled("c", retry_after_s=2)
DOWN, GARBLED, GONE = Unavailable("x"), Garbled("y"), Rejected("z", status=404)
LONG, LONGER = ContextTooLong("1", status=400), ContextTooLong("2", status=400)
REFUSED, SPENT = CredentialRefused("k"), QuotaSpent("q")


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        ([DOWN, GARBLED], GARBLED),
        ([SLOW, LATE, SOON, DOWN], SOON),
        ([SLOW, DOWN], SLOW),
        ([DOWN, Overcrowded("o"), REFUSED], None),
        ([DOWN, GONE], DOWN),
        ([DOWN, LONG, SPENT], DOWN),
        ([LONG, LONGER, REFUSED], LONGER),
        ([REFUSED, SPENT, GONE], SPENT),
        ([GONE], GONE),
    ],
)
def test_what_the_client_is_told_at_last(failures: list[UpstreamError], told: UpstreamError | None) -> None:
    assert worst(failures) is (failures[1] if told is None else told)
