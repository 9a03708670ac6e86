from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from routing.health.rig import Rig, target
from waypost import errors
from waypost.routing.health.gauges import health_gauges
from waypost.telemetry.metrics import METRICS, Metrics


def gauges(rig: Rig, most: int = 500) -> dict[str, dict[tuple[str, ...], float]]:
    told = health_gauges(rig.board, rig.now, lambda _, model: not model.startswith("made up"), most)
    return {one.name: dict(one.rows) for one in told}


def test_known_targets_are_shown_and_no_other_name() -> None:
    rig = Rig()
    for _ in range(5):
        rig.attempt(target(key="a"), errors.Unavailable("x"))
    rig.enter(target(key="a", model="n"))
    rig.enter(target(key="b", model="n"))
    rig.attempt(target(key="c", model="n"), errors.Throttled("x", retry_after_s=9))
    rig.attempt(target(model="made up by a client"), errors.QuotaSpent("x"))
    found = gauges(rig)
    assert found == {
        "waypost_target_breaker": {("p", "m"): 2.0, ("p", "n"): 0.0},
        "waypost_target_in_flight": {("p", "m"): 0.0, ("p", "n"): 2.0},
        "waypost_target_parked": {("p", "m"): 0.0, ("p", "n"): 1.0},
        "waypost_ejections_total": {("p",): 1.0},
        "waypost_parkings_total": {("p", "throttled"): 1.0, ("p", "quota"): 1.0},
    }
    rig.now += 30
    assert gauges(rig)["waypost_target_breaker"]["p", "m"] == 1.0


def test_their_number_is_bounded() -> None:
    rig = Rig()
    for number in range(20):
        rig.attempt(target(model=str(number)))
    assert len(gauges(rig, most=7)["waypost_target_breaker"]) == 7


def test_they_are_scraped() -> None:
    rig = Rig()
    rig.attempt(target(), errors.CredentialRefused("x"))
    metrics = Metrics(labelled=lambda: health_gauges(rig.board, rig.now, lambda *_: True))
    families = {f.name: f for f in text_string_to_metric_families(metrics.render().decode())}
    (parked,) = families["waypost_target_parked"].samples
    assert (parked.labels, parked.value) == ({"provider": "p", "model": "m"}, 1.0)
    (counted,) = families["waypost_parkings"].samples
    assert (counted.name, counted.labels["reason"]) == ("waypost_parkings_total", "refused")
    assert {one.name for one in health_gauges(rig.board, rig.now, lambda *_: True)} <= set(METRICS)


def test_what_somebodys_own_credential_meets_is_not_shown() -> None:
    rig, own = Rig(), target(key="cred_1:1")
    for _ in range(9):
        rig.attempt(own, errors.Unavailable("x"))
    rig.attempt(target(key="cred_2:1"), errors.CredentialRefused("x"))
    assert rig.board.of(own).ejected_until(rig.now) > rig.now
    assert {name: rows for name, rows in gauges(rig).items() if rows} == {}
