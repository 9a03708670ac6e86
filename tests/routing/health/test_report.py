from __future__ import annotations

import msgspec
import pytest

from routing.health.rig import Rig, target
from waypost import errors
from waypost.core.usage import Usage
from waypost.routing.health.report import TargetReport, report


def reports(rig: Rig) -> dict[str, TargetReport]:
    return {one.target: one for one in report(rig.board.places(), rig.now)}


def test_what_happened_by_window() -> None:
    rig = Rig()
    at = target(key="k")
    for _ in range(10):
        rig.enter(at)
        rig.ok(at, usage=Usage(input=2000, output=100), first_token_s=0.5, total_s=2.0)
    rig.attempt(at, errors.Unavailable("x"))
    rig.attempt(at, errors.Rejected("x", status=400))
    rig.attempt(at, errors.Misshapen("x"))
    rig.now += 1000
    rig.enter(at)
    rig.attempt(at, errors.Throttled("x", retry_after_s=60))
    (one,) = report(rig.board.places(), rig.now)
    assert (one.target, one.provider, one.key_name, one.model) == ("p#k/m", "p", "k", "m")
    assert (one.breaker, one.ejected_s, one.parked_s, one.parked_for) == ("closed", None, 60.0, "throttled")
    assert (one.in_flight, one.headroom) == (1, 1.0)
    lately, hour, day = (one.windows[name] for name in ("5m", "1h", "1d"))
    assert (lately.requests, lately.throttled, lately.uptime) == (1, 1, None)
    assert hour == day
    assert (hour.requests, hour.failures, hour.rejected, hour.throttled) == (14, 1, 1, 1)
    assert hour.uptime == pytest.approx(10 / 11)
    assert hour.errors == {
        "upstream_unavailable": 1,
        "upstream_rejected": 1,
        "upstream_misshapen": 1,
        "upstream_rate_limited": 1,
    }
    assert set(hour.first_token_s) == {"<8k", "all"}
    first = hour.first_token_s["<8k"]
    assert first.measured == 10
    assert first.p50 == first.p99 == pytest.approx(0.5, rel=0.05)
    assert hour.tokens_per_s["all"].p90 == pytest.approx(50, rel=0.05)


def test_how_it_stands() -> None:
    rig = Rig()
    for _ in range(5):
        rig.attempt(target(model="down"), errors.Unavailable("x"))
    rig.attempt(target("q", "spent"), errors.QuotaSpent("x"))
    rig.board.of(target("r", "only looked at"))
    found = reports(rig)
    assert list(found) == ["p/down", "q/spent"]
    assert (found["p/down"].breaker, found["p/down"].ejected_s, found["p/down"].ejections) == (
        "open",
        30.0,
        1,
    )
    assert (found["q/spent"].parked_s, found["q/spent"].parked_for) == (900.0, "quota")
    rig.now += 30
    assert (reports(rig)["p/down"].breaker, reports(rig)["p/down"].ejected_s) == ("half_open", None)


def test_it_can_be_sent() -> None:
    rig = Rig()
    rig.attempt(target())
    everything = report(rig.board.places(), rig.now)
    encoded = msgspec.json.encode(everything)
    assert msgspec.json.decode(encoded, type=tuple[TargetReport, ...]) == everything
