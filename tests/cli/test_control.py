from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import typer

from edge.rig import Rig
from waypost.cli.control import Counter, Door, find_door
from waypost.core.key import Key
from waypost.edge.gate import Errand
from waypost.errors import CallerError, NotFound, Unavailable
from waypost.stores.lock import take_lock


def test_the_gateway_of_a_folder_is_asked_with_its_token(tmp_path: Path) -> None:
    lock = take_lock(tmp_path)
    lock.announce(4101, "wp-control-x")
    assert find_door(tmp_path, None, None) == Door("http://127.0.0.1:4101", "wp-control-x")
    assert find_door(tmp_path, None, "sk-1") == Door("http://127.0.0.1:4101", "sk-1")
    lock.announce(4101, "wp-control-x", "::1")
    assert find_door(tmp_path, None, None).url == "http://[::1]:4101"
    assert "wp-control" not in repr(find_door(tmp_path, None, None))
    lock.give_back()


def test_another_gateway_is_asked_with_its_own_key_or_none(tmp_path: Path) -> None:
    assert find_door(tmp_path, "http://far:4100", None) == Door("http://far:4100", None)
    assert find_door(tmp_path, "http://far:4100", "sk-1") == Door("http://far:4100", "sk-1")


def test_without_a_gateway_it_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        find_door(tmp_path, None, None)
    assert ended.value.exit_code == 3
    assert "waypost serve" in capsys.readouterr().err
    lock = take_lock(tmp_path)
    with pytest.raises(typer.Exit):
        find_door(tmp_path, None, None)  # it does not listen yet
    lock.give_back()


class Desk:
    async def admit(self, purpose: str, presented: bytes | None) -> Key:
        return Key(str(presented), "k", b"", "", 0.0)

    async def answer(self, errand: Errand) -> bytes:
        if errand.method == "DELETE":
            raise NotFound("There is no such thing.")
        return b"[" + errand.key.key_id.encode() + b"]" + errand.body


async def test_questions_and_answers() -> None:
    rig = Rig()
    rig.edge._desk = Desk()

    def ask(port: int) -> list[bytes]:
        with Counter(Door(f"http://127.0.0.1:{port}", "sk-1")) as counter:
            told = [counter.ask("GET", "/v1/targets"), counter.ask("POST", "/v1/drills", {"a": 1})]
            told.append(counter.ask("POST", "/v1/drills", b"{}"))
            with pytest.raises(CallerError, match="no such thing"):
                counter.ask("DELETE", "/v1/drills/d")
            return told

    async with rig.serving():
        told = await asyncio.to_thread(ask, rig.port)
    assert told == [b"[b'sk-1']", b"[b'sk-1']" + b'{"a":1}', b"[b'sk-1']{}"]


def test_a_gateway_that_is_silent() -> None:
    with Counter(Door("http://127.0.0.1:9", None)) as counter, pytest.raises(Unavailable):
        counter.ask("GET", "/v1/targets")
