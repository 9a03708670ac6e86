from __future__ import annotations

from pathlib import Path

import pytest

from cli.command_line import documents, run
from waypost.app.options import Options
from waypost.app.started import Announce, Started
from waypost.app.surroundings import Found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """What the gateway was asked for, in place of starting it."""
    heard: list[Options] = []

    def serve(options: Options, announce: Announce) -> int:
        heard.append(options)
        found = Found(
            providers=(), ignored=("X_API_KEY: it is empty",), local_model="local/smollm2", listed={}
        )
        key = "sk-wp-first" if options.port == 0 else None
        example = "fast" if options.config is not None else None
        announce(Started("http://127.0.0.1:4100", key, 2, found, 1, None, example))
        return 0

    monkeypatch.setattr("waypost.app.serve", serve)
    return heard


def test_the_first_start_prints_the_key_and_a_curl_that_uses_it(asked: list[Options], tmp_path: Path) -> None:
    done = run("serve", "--port", "0", "--data", str(tmp_path), "--drain-delay", "2s")
    assert done.exit_code == 0
    assert "Base URL  http://127.0.0.1:4100/v1" in done.stdout
    assert "-H 'authorization: Bearer sk-wp-first'" in done.stdout
    assert '"model": "local/smollm2"' in done.stdout
    assert "X_API_KEY: it is empty" in done.stdout
    assert (asked[0].port, asked[0].host, asked[0].data, asked[0].drain_delay_s) == (0, None, tmp_path, 2.0)


def test_a_later_start_shows_no_key(asked: list[Options]) -> None:
    shown = run("serve", WAYPOST_HOST="::1").stdout
    assert "2 keys from before" in shown
    assert '-H "authorization: Bearer $WAYPOST_KEY"' in shown
    assert asked[0].host == "::1"


def test_the_curl_asks_for_a_model_that_is_configured(asked: list[Options], tmp_path: Path) -> None:
    config = tmp_path / "waypost.yaml"
    config.touch()
    shown = run("serve", "--config", str(config)).stdout
    assert '"model": "fast"' in shown
    assert len(asked) == 1


def test_json(asked: list[Options]) -> None:
    (view,) = documents(run("serve", "--json", "--port", "0"))
    assert (view["key"], view["local_model"], len(asked)) == ("sk-wp-first", "local/smollm2", 1)


def test_a_bad_delay_is_wrong_usage(asked: list[Options]) -> None:
    assert (run("serve", "--drain-delay", "5").exit_code, asked) == (2, [])
