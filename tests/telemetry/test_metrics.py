from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from waypost.telemetry.metrics import METRICS, Labelled, Metrics

_HISTOGRAMS = {"waypost_exchange_seconds", "waypost_first_token_seconds", "waypost_overhead_seconds"}


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def test_what_was_counted_is_what_is_scraped() -> None:
    metrics = Metrics(lambda: {"waypost_exchanges_active": 3})
    metrics.exchange("chat", "ok", 200, 1_500, 90, 800)
    metrics.exchange("chat", "ok", 200, 2_500, 90, None)
    metrics.attempt("openai", None, 39, 9, 3)
    metrics.attempt("openai", "upstream_timeout", None, 9, 0)
    metrics.skipped("openai", 2)
    metrics.skipped("openai", 1)
    found = samples(metrics)
    chat = ("operation", "chat")
    assert found["waypost_exchanges_total", (chat, ("outcome", "ok"), ("status", "200"))] == 2
    assert found["waypost_attempts_total", (("error", "none"), ("provider", "openai"))] == 1
    assert found["waypost_attempts_total", (("error", "upstream_timeout"), ("provider", "openai"))] == 1
    assert found["waypost_tokens_total", (("kind", "input"), ("provider", "openai"))] == 18
    assert found["waypost_cost_nanodollars_total", (("provider", "openai"),)] == 39
    assert found["waypost_unpriced_attempts_total", (("provider", "openai"),)] == 1
    assert found["waypost_stream_events_skipped_total", (("provider", "openai"),)] == 3
    assert found["waypost_exchange_seconds_count", (chat,)] == 2
    assert found["waypost_exchange_seconds_sum", (chat,)] == 0.004
    assert found["waypost_exchange_seconds_bucket", (("le", "0.0025"), chat)] == 2
    assert found["waypost_exchange_seconds_bucket", (("le", "0.001"), chat)] == 0
    assert found["waypost_first_token_seconds_count", (chat,)] == 1
    assert found["waypost_exchanges_active", ()] == 3


def test_what_others_keep_is_scraped_with_its_labels() -> None:
    told = [
        Labelled("waypost_target_breaker", ("provider", "model"), [(("p", "m"), 2.0)]),
        Labelled("waypost_ejections_total", ("provider",), [(("p",), 3)]),
        Labelled("waypost_shared_connected", (), [((), 1.0)]),
    ]
    found = samples(Metrics(labelled=lambda: told))
    assert found["waypost_target_breaker", (("model", "m"), ("provider", "p"))] == 2
    assert found["waypost_ejections_total", (("provider", "p"),)] == 3
    assert found["waypost_shared_connected", ()] == 1


def test_every_metric_that_is_rendered_is_listed() -> None:
    labelled = {
        "waypost_ejections_total",
        "waypost_parkings_total",
        "waypost_shed_total",
        "waypost_batch_lines_total",
    } | {name for name in METRICS if name.startswith(("waypost_target_", "waypost_shared_"))}
    plain = [n for n in METRICS if "_total" not in n and n not in _HISTOGRAMS and n not in labelled]
    metrics = Metrics(
        lambda: dict.fromkeys(plain, 0.0),
        lambda: [Labelled(name, ("provider",), [(("p",), 1)]) for name in labelled],
    )
    metrics.exchange("chat", "ok", 200, 1, 1, 1)
    metrics.attempt("p", None, 1, 1, 1)
    metrics.attempt("p", None, None, 1, 1)
    families = {f.name for f in text_string_to_metric_families(metrics.render().decode())}
    assert families == {name.removesuffix("_total") for name in METRICS}
