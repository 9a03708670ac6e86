from __future__ import annotations

import sys
from pathlib import Path

import pytest

from waypost.errors import StoreUnavailable
from waypost.stores.fresh_secret import ask_secret, read_secret


def test_a_file_is_read_as_it_is_now(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    for secret in ("one", "an other"):
        file.write_text(secret + "\n")
        assert read_secret(str(file), "told") == secret


def test_what_can_not_be_read_is_said_in_the_words_given(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    with pytest.raises(StoreUnavailable, match="no secret here"):
        read_secret(str(file), "no secret here")
    file.write_bytes(b"\xff")
    with pytest.raises(StoreUnavailable, match="no secret here"):
        read_secret(str(file), "no secret here")


def test_a_command_prints_it() -> None:
    assert ask_secret([sys.executable, "-c", "print('token 1')"], "told") == "token 1"


@pytest.mark.parametrize(
    "command",
    [["/no/such/command"], [sys.executable, "-c", "print('t'); exit(1)"], [sys.executable, "-c", "print()"]],
)
def test_a_command_that_prints_none(command: list[str]) -> None:
    with pytest.raises(StoreUnavailable, match="no token") as told:
        ask_secret(command, "no token")
    assert told.value.retry_after_s == 5.0
