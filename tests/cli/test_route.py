from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cli.command_line import documents, run
from waypost.cli.control import Door
from waypost.pipeline.explain import AskedFor, Explanation, Matched
from waypost.pipeline.explained import Left, Place

TOLD = Explanation(
    object="route.explanation",
    asked=AskedFor("fast", "openai_chat", "chat", True, 1200, 4096),
    route=Matched("fast", "config"),
    key="app",
    candidates=(
        Place(1, "openai#eu/gpt-5-mini", "price", "by what it costs", 0.5, "0.0012", 412.4),
        Place(2, "lab/qwen3", "order", "it stands here"),
    ),
    excluded=(Left("old/[red]", "parked", "its credential is parked"),),
    notes=("The branch was taken.",),
    hedge_after_ms=900.0,
    shadows=("new/gpt-6",),
)


class Asked:
    """In place of `Counter`: answers what it was given, and keeps what it was asked."""

    def __init__(self, told: Explanation) -> None:
        self.told = told
        self.doors: list[Door] = []
        self.bodies: list[dict[str, object]] = []

    def __call__(self, door: Door) -> Asked:
        self.doors.append(door)
        return self

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def ask(self, method: str, path: str, body: dict[str, object]) -> bytes:
        assert (method, path) == ("POST", "/v1/route/explain")
        self.bodies.append(body)
        return msgspec.json.encode(self.told)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    made = Asked(TOLD)
    monkeypatch.setattr("waypost.cli.control.Counter", made)
    return made


URL = ("--url", "http://far:4100", "--key", "sk-1")


def test_the_order_is_drawn_with_the_others_below(asked: Asked) -> None:
    done = run("route", "explain", "--model", "fast", *URL)
    assert done.exit_code == 0, done.output
    shown = done.stdout
    for told in (
        "fast → fast (config)",
        "chat in openai_chat, streamed, as app; reckoned with 1,200 tokens in and 4,096 out",
        "by what it costs",
        "$0.0012",
        "412 ms",
        "unknown",
        "– old/[red]  its credential is parked",
        "silent for 900 ms",
        "new/gpt-6 is sent the same",
        "The branch was taken.",
    ):
        assert told in shown
    assert shown.index("openai#eu/gpt-5-mini") < shown.index("lab/qwen3") < shown.index("old/[red]")
    (body,) = asked.bodies
    request = body["request"]
    assert isinstance(request, dict)
    assert (request["model"], bool(request["messages"])) == ("fast", True)
    assert asked.doors == [Door("http://far:4100", "sk-1")]


def test_without_candidates_it_says_when(asked: Asked) -> None:
    asked.told = msgspec.structs.replace(TOLD, candidates=(), retry_after_s=12.0)
    shown = run("route", "explain", "--model", "fast", *URL).stdout
    assert "No target can be asked. One may be asked in 12 s." in shown


def test_json_is_the_gateways_answer(asked: Asked) -> None:
    (view,) = documents(run("route", "explain", "--model", "fast", *URL, "--json"))
    assert view == msgspec.json.decode(msgspec.json.encode(TOLD))


def test_a_whole_request_from_a_file_or_the_input(asked: Asked, tmp_path: Path) -> None:
    file = tmp_path / "body.json"
    file.write_text('{"model": "slow", "messages": [1], "max_tokens": 5}')
    run("route", "explain", "--file", str(file), "-H", "x-waypost-route: cheap", *URL)
    run("route", "explain", "--file", "-", "--model", "fast", *URL, stdin=file.read_text())
    first, second = asked.bodies
    assert first["request"] == {"model": "slow", "messages": [1], "max_tokens": 5}
    assert first["headers"] == {"x-waypost-route": "cheap"}
    assert second["request"] == {"model": "fast", "messages": [1], "max_tokens": 5}


def test_where_the_model_stands_in_the_path(asked: Asked, tmp_path: Path) -> None:
    file = tmp_path / "body.json"
    file.write_text('{"contents": []}')
    run("route", "explain", "--file", str(file), "--model", "fast", "--dialect", "gemini_generate", *URL)
    assert asked.bodies == [
        {"request": {"contents": []}, "dialect": "gemini_generate", "headers": {}, "model": "fast"}
    ]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--file", "/nowhere/body.json"),
        ("--file", "-"),
        ("--model", "fast", "--header", "nonsense"),
    ],
)
def test_wrong_usage(asked: Asked, words: tuple[str, ...]) -> None:
    assert run("route", "explain", *words, *URL, stdin="[]").exit_code == 2
    assert asked.bodies == []


def test_without_a_gateway(tmp_path: Path) -> None:
    done = run("route", "explain", "--model", "fast", "--data", str(tmp_path))
    assert done.exit_code == 3
    assert "waypost serve" in done.stderr


def test_the_markup_in_an_expected_cost_is_told(asked: Asked) -> None:
    dear = msgspec.structs.replace(TOLD.candidates[0], markup="5%")
    asked.told = msgspec.structs.replace(TOLD, candidates=(dear,))
    assert "$0.0012, 5% mark-up in it" in run("route", "explain", "--model", "fast", *URL).stdout
