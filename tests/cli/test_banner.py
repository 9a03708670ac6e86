from __future__ import annotations

import msgspec
import pytest

from waypost.app.started import Started
from waypost.app.surroundings import Found
from waypost.cli.banner import announce, announce_json

FOUND = Found(providers=(), ignored=(), local_model=None, listed={})
STARTED = Started("http://127.0.0.1:4100/v1/", None, 1, FOUND, 1, None, "fast")


def shown(capsys: pytest.CaptureFixture[str], **changes: object) -> str:
    announce(msgspec.structs.replace(STARTED, **changes))
    return capsys.readouterr().out


def test_one_key_and_no_provider(capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(capsys)
    assert "1 key from before" in told
    assert "http://127.0.0.1:4100/v1/chat/completions" in told
    assert "no provider by itself" in told
    assert "Workers" not in told


@pytest.mark.parametrize(
    ("split", "told"), [(True, "its share of each limit"), (False, "over the shared store")]
)
def test_workers_and_what_limits_mean_for_them(
    capsys: pytest.CaptureFixture[str], split: bool, told: str
) -> None:
    assert told in shown(capsys, workers=3, limits_split=split)


def test_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    announce_json(STARTED)
    told = msgspec.json.decode(capsys.readouterr().out)
    assert (told["url"], told["keys"], told["workers"], told["key"]) == (STARTED.url, 1, 1, None)
