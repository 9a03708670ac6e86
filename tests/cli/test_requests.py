from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from cli.command_line import documents, run
from waypost.core.decision import Considered, Decision, Excluded
from waypost.core.record import Attempt, Exchange
from waypost.core.usage import Units, Usage
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.schema import prepare

NOON_US = 1_795_200_000_000_000
DECISION = Decision(
    (Considered("lab#one/qwen3", "order"), Considered("far/qwen3", "price", 0.25)),
    (Excluded("old/qwen3", "parked", "until 12:00"),),
    ("The branch `metadata.tier == 'gold'` was taken.",),
)


def exchange(number: int) -> Exchange:
    attempt = Attempt(
        attempt_id=f"a{number}",
        provider="lab",
        model="qwen3",
        started_us=NOON_US,
        state="settled",
        status=200,
        error=None,
        first_token_us=20_000,
        total_us=100_000,
        usage=Usage(input=12, output=34),
        cost_nusd=123_000,
        price_version="v",
    )
    return Exchange(
        exchange_id=f"wp-{number}",
        started_us=NOON_US + number,
        key_id="k",
        operation="chat",
        asked_model="fast",
        route="fast",
        stream=False,
        status=200,
        outcome="ok",
        error=None,
        first_token_us=20_000,
        total_us=101_000,
        overhead_us=90,
        cost_nusd=123_000,
        config_version=1,
        attempts=(attempt,),
        request_body=b'{"messages": "[bold]"}' if number == 2 else None,
        decision=DECISION if number == 2 else None,
        drill="d-1" if number == 2 else None,
    )


@pytest.fixture
def data(tmp_path: Path) -> str:
    database = open_sqlite(tmp_path)
    prepare(database)
    with closing(SqliteJournal(tmp_path)) as journal:
        journal.post("segment", 3, [exchange(number) for number in (1, 2, 3)])
    database.close()
    return str(tmp_path)


def test_tail_is_in_order_with_the_newest_last(data: str) -> None:
    views = documents(run("requests", "tail", "-n", "2", "--data", data, "--json"))
    assert [view["exchange_id"] for view in views] == ["wp-2", "wp-3"]
    assert views[0]["cost_usd"] == "0.000123"
    shown = run("requests", "tail", "--data", data).stdout
    assert shown.index("wp-1") < shown.index("wp-3")
    assert "12 + 34" in shown
    assert "$0.000123" in shown


def test_show_has_attempts_and_bodies(data: str) -> None:
    shown = run("requests", "show", "wp-2", "--data", data).stdout
    assert "lab/qwen3" in shown
    assert '{"messages": "[bold]"}' in shown
    (view,) = documents(run("requests", "show", "wp-2", "--data", data, "--json"))
    assert view["request_body"] == '{"messages": "[bold]"}'
    attempts = view["attempts"]
    assert isinstance(attempts, list)
    assert attempts[0]["usage"]["output"] == 34


def test_what_is_not_counted_in_tokens_is_told(tmp_path: Path) -> None:
    units = Units(audio_ms=2500, characters=1200, images=2, searches=1, image="hd/1024x1792")
    tried = msgspec.structs.replace(exchange(1).attempts[0], usage=Usage(units=units))
    database = open_sqlite(tmp_path)
    prepare(database)
    with closing(SqliteJournal(tmp_path)) as journal:
        journal.post("segment", 1, [msgspec.structs.replace(exchange(1), attempts=(tried,))])
    database.close()
    words = "2.5 s of sound, 1,200 characters, 2 images (hd/1024x1792), 1 searches"
    assert words in run("requests", "show", "wp-1", "--data", str(tmp_path)).stdout
    assert "2.5 s of sound" in run("requests", "tail", "--data", str(tmp_path)).stdout
    (view,) = documents(run("requests", "show", "wp-1", "--data", str(tmp_path), "--json"))
    (attempt,) = view["attempts"]  # type: ignore[attr-defined]
    assert attempt["usage"]["units"]["audio_ms"] == 2500


def test_show_tells_why_and_what_each_attempt_came_to(tmp_path: Path) -> None:
    tried = exchange(2)
    failed = msgspec.structs.replace(
        tried.attempts[0],
        attempt_id="a0",
        state="voided",
        status=503,
        error="upstream_unavailable",
        usage=None,
        cost_nusd=0,
        price_version=None,
        key_name="one",
    )
    answered = msgspec.structs.replace(
        tried.attempts[0], provider="far", role="failover", started_us=NOON_US + 250_002
    )
    database = open_sqlite(tmp_path)
    prepare(database)
    with closing(SqliteJournal(tmp_path)) as journal:
        journal.post("segment", 1, [msgspec.structs.replace(tried, attempts=(failed, answered))])
    database.close()
    shown = run("requests", "show", "wp-2", "--data", str(tmp_path)).stdout
    for told in (
        "1 lab#one/qwen3  it stands here in the order of the route",
        "2 far/qwen3  by what the request is expected to cost there ($0.250000)",
        "– old/qwen3  its credential is parked: until 12:00",
        "The branch `metadata.tier == 'gold'` was taken.",
        "failed, voided",
        "failover",
        "+250 ms",
        "rehearsal    d-1",
    ):
        assert told in shown
    assert "lab ✗ upstream_unavailable → far" in run("requests", "tail", "--data", str(tmp_path)).stdout
    (view,) = documents(run("requests", "show", "wp-2", "--data", str(tmp_path), "--json"))
    decision = view["decision"]
    assert isinstance(decision, dict)
    assert [one["target"] for one in decision["candidates"]] == ["lab#one/qwen3", "far/qwen3"]
    assert decision["excluded"][0]["reason"] == "parked"


def test_what_is_not_there(data: str, tmp_path: Path) -> None:
    assert run("requests", "show", "nope", "--data", data).exit_code == 1
    assert run("requests", "tail", "--data", str(tmp_path / "empty")).exit_code == 1


def test_a_clients_words_neither_rule_the_terminal_nor_break_the_table(tmp_path: Path) -> None:
    words = "[/x] \x1b]52;c;ZXZpbA==\x07 \x9b2J [red]"
    odd = msgspec.structs.replace(exchange(2), route=None, asked_model=words, request_body=words.encode())
    attempt = msgspec.structs.replace(odd.attempts[0], model=words)
    database = open_sqlite(tmp_path)
    prepare(database)
    with closing(SqliteJournal(tmp_path)) as journal:
        journal.post("segment", 1, [msgspec.structs.replace(odd, attempts=(attempt,))])
    database.close()
    for command in (("tail",), ("show", "wp-2")):
        shown = run("requests", *command, "--data", str(tmp_path)).stdout
        assert "[/x]" in shown
        assert "[red]" in shown
        assert not {"\x1b", "\x07", "\x9b"} & set(shown)


def test_show_tells_the_markup(tmp_path: Path) -> None:
    tried = exchange(2)
    (attempt,) = tried.attempts
    attempt = msgspec.structs.replace(attempt, cost_nusd=123_000, markup_nusd=23_000)
    database = open_sqlite(tmp_path)
    prepare(database)
    with closing(SqliteJournal(tmp_path)) as journal:
        journal.post("segment", 1, [msgspec.structs.replace(tried, cost_nusd=123_000, attempts=(attempt,))])
    database.close()
    shown = run("requests", "show", "wp-2", "--data", str(tmp_path)).stdout
    assert "$0.000123, of which $0.000023 mark-up" in shown
    (view,) = documents(run("requests", "show", "wp-2", "--data", str(tmp_path), "--json"))
    assert view["markup_usd"] == "0.000023"
