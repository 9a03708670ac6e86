from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest

from edge.asgi_rig import Exchange
from recorder.taking import PATH, answered, asked, scrub, streamed
from waypost.errors import ConfigError
from waypost.recorder.fixture import Fixture, Options, encode_fixture
from waypost.recorder.replay import Replay, open_replay
from waypost.recorder.serving import Desk, Told
from waypost.telemetry.logs import Log

HELLO = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def fixture(body: object, answer: str, options: Options = Options()) -> Fixture:  # noqa: B008 - frozen
    return scrub(asked(body), answered({"said": answer}, ("x-a", "1")), options=options)


def replay(*fixtures: Fixture) -> tuple[Replay, list[Told]]:
    told: list[Told] = []
    return Replay({Path(f"{at}.json"): each for at, each in enumerate(fixtures)}, told.append), told


async def ask(answerer: Replay, body: object, path: str = PATH) -> Exchange:
    desk = Desk(answerer, Log(io.StringIO(), lambda: 0.0), local=False)
    return await Exchange(
        desk, "POST", path, msgspec.json.encode(body), [(b"x-api-key", b"any-key-at-all")]
    ).run()  # type: ignore[arg-type]


async def test_the_same_request_in_another_order_of_fields() -> None:
    answerer, told = replay(fixture(HELLO, "hi"))
    answer = await ask(answerer, dict(reversed(HELLO.items())))
    assert (answer.status, msgspec.json.decode(answer.body)) == (200, {"said": "hi"})
    assert answer.headers[b"x-a"] == b"1"
    assert told[0].file == "0.json"


async def test_recordings_of_the_same_request_take_turns() -> None:
    answerer, _ = replay(fixture(HELLO, "one"), fixture(HELLO, "two"))
    said = [msgspec.json.decode((await ask(answerer, HELLO)).body)["said"] for _ in range(3)]
    assert said == ["one", "two", "two"]


async def test_a_request_is_known_by_what_would_be_written_of_it() -> None:
    real = {"messages": [{"role": "tool", "tool_call_id": "call_AbCdEfGh12345678", "content": "bob@corp.io"}]}
    answerer, _ = replay(
        fixture(real, "plain"), fixture({"q": "secret words"}, "redacted", Options(redact_text=True))
    )
    assert (await ask(answerer, real)).status == 200
    again = msgspec.json.encode(real).replace(b"call_AbCdEfGh12345678", b"call_1")
    assert (await ask(answerer, msgspec.Raw(again))).status == 200


async def test_streams_come_in_their_chunks() -> None:
    answerer, _ = replay(scrub(asked(HELLO), streamed(b"data: a", b"bc\n\n")))
    answer = await ask(answerer, HELLO)
    assert [message["body"] for message in answer.sent[1:]] == [b"data: a", b"bc\n\n", b""]


async def test_a_miss_names_the_nearest_fixture_and_what_differs() -> None:
    answerer, told = replay(fixture({"model": "other"}, "a"), fixture(HELLO, "b"))
    answer = await ask(answerer, {**HELLO, "messages": [{"role": "user", "content": "bye"}], "n": 2})
    error = msgspec.json.decode(answer.body)["error"]
    assert (answer.status, error["nearest"]) == (404, "1.json")
    assert error["differences"] == [
        'body.messages[0].content: recorded "hello", asked "bye"', "body.n: recorded nothing, asked 2"
    ]  # fmt: skip
    assert "1.json" in error["message"]
    assert told[0].refused
    elsewhere = msgspec.json.decode((await ask(answerer, HELLO, "/v1/messages")).body)["error"]
    assert elsewhere["differences"] == [f"path: recorded {PATH}, asked /v1/messages"]


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no fixture"):
        open_replay(tmp_path, print)
    (tmp_path / "a.json").write_bytes(encode_fixture(fixture(HELLO, "hi")))
    assert open_replay(tmp_path, print)[1] == 1
    (tmp_path / "b.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"b\.json can not be replayed"):
        open_replay(tmp_path, print)
