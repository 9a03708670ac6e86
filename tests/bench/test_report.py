"""Figures are medians over rounds, and ratios are of the same run."""

from __future__ import annotations

from bench import report


def test_medians_of_what_each_round_has() -> None:
    rounds = [{"a": 1.0, "b": 5.0}, {"a": 9.0}, {"a": 2.0}]
    assert report.medians(rounds) == {"a": 2.0, "b": 5.0}


def test_added_latency_is_less_the_direct_one() -> None:
    columns = report.with_added({"direct": {"p50_us": 40.0}, "waypost": {"p50_us": 140.0}})
    assert columns["waypost"]["added_p50_us"] == 100.0
    assert "added_p50_us" not in columns["direct"]


def test_the_table_shows_the_ratio_where_it_means_something() -> None:
    columns = {
        "nginx": {"cpu_us_per_request": 20.0, "rss_mb": 5.0},
        "waypost": {"cpu_us_per_request": 90.0, "rss_mb": 60.0},
    }
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in report.table(columns).splitlines()]
    assert rows[0] == ["measure", "nginx", "waypost", "waypost ÷ nginx"]
    assert rows[2] == ["CPU µs per request, busy", "20.0", "90.0", "4.50"]
    assert rows[3] == ["memory under load, MB", "5.0", "60.0", ""]


def test_without_nginx_there_is_no_ratio_and_an_empty_row_is_left_out() -> None:
    told = report.table({"direct": {}, "waypost": {"start_s": 0.4}})
    assert "÷" not in told
    assert [line.split("|")[1].strip() for line in told.splitlines()[2:]] == ["start to ready, s"]


def test_every_figure_of_a_row_without_a_number_is_blank() -> None:
    told = report.table({"direct": {"p50_us": 1.0}, "waypost": {"start_s": 0.4}})
    assert [cell.strip() for cell in told.splitlines()[2].split("|")[1:-1]] == [
        "p50 µs at the fixed rate",
        "1",
        "",
    ]
