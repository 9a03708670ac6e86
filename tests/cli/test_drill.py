from __future__ import annotations

import os
import signal
from io import StringIO

import msgspec
import pytest
from rich.console import Console

from cli.command_line import documents, run
from ledger.books import exchange
from waypost.cli.control import Door
from waypost.cli.drill import Interrupt, follow, picture
from waypost.pipeline.rehearsal import Drill, Scope
from waypost.pipeline.rehearsal_report import End, Order, Report, report
from waypost.upstream.drill import Fault

AT = 1_790_000_000.0


class Gateway:
    """In place of `Counter`: one rehearsal that ends by itself after some looks."""

    def __init__(self, outcome: str = "ok", looks: int = 2) -> None:
        self.asked: list[tuple[str, str, object]] = []
        self.outcome = outcome
        self.looks = looks
        self.end: End | None = None
        self.drill = Drill("d-1", Scope(("openai",)), Fault("503"), 0.0, 60.0, None)

    def __call__(self, door: Door) -> Gateway:
        return self

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def told(self) -> Report:
        order = Order(("openai",), (), None, "staging", None, 1.0, Fault("503"), 60.0)
        return report(self.drill, order, AT, 1.0, None, self.end)

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        self.asked.append((method, path, body))
        if method == "POST":
            part = self.drill.begin()
            part.settle(msgspec.structs.replace(exchange(1), outcome=self.outcome))
        elif method == "DELETE":
            self.end = "stopped"
        else:
            self.looks -= 1
            if not self.looks:
                self.end = "time"
        return msgspec.json.encode(self.told())


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    made = Gateway()
    monkeypatch.setattr("waypost.cli.control.Counter", made)
    monkeypatch.setattr("waypost.cli.drill._POLL_S", 0.0)
    return made


URL = ("--url", "http://far:4100", "--operator-key", "sk-ops")


def test_the_report_is_shown_at_the_end(gateway: Gateway) -> None:
    words = ("--provider", "openai", "--fault", "cut", "--for", "5m", "--key", "staging", "--share", "5%")
    more = ("--route", "fast", "--model", "gpt-5", "--region", "eu", "--after", "2", "--delay", "1s")
    done = run("drill", *words, *more, *URL)
    assert done.exit_code == 0, done.output
    assert "Outage rehearsal d-1 (ended)" in done.stdout
    assert "1 (100.00%)" in done.stdout
    assert "drills/d-1.md" in done.stdout
    assert gateway.asked[0] == (
        "POST",
        "/v1/drills",
        {
            "providers": ["openai"],
            "models": ["gpt-5"],
            "region": "eu",
            "fault": "cut",
            "key": "staging",
            "route": "fast",
            "organization": None,
            "share": 0.05,
            "duration": "5m",
            "after": 2,
            "delay": "1s",
            "everyone": False,
        },
    )
    assert [method for method, _, _ in gateway.asked] == ["POST", "GET", "GET"]


@pytest.mark.parametrize(
    ("outcome", "code"), [("ok", 0), ("failed", 1), ("cut", 1), ("refused", 1), ("disconnected", 0)]
)
def test_the_exit_code_says_whether_a_client_saw_an_error(gateway: Gateway, outcome: str, code: int) -> None:
    gateway.outcome = outcome
    done = run("drill", "--provider", "openai", "--key", "staging", *URL, "--json")
    assert done.exit_code == code
    (view,) = documents(done)
    assert view == msgspec.json.decode(msgspec.json.encode(gateway.told()))


@pytest.mark.parametrize(
    ("words", "answer", "everyone"),
    [
        ((), "y\n", True),
        ((), "n\n", None),
        (("--yes",), None, True),
        (("--json",), None, False),
        (("--json", "--yes"), None, True),
        (("--share", "50%"), None, False),
        (("--route", "fast"), None, False),
    ],
)
def test_before_everyone_is_touched_it_is_asked(
    gateway: Gateway, words: tuple[str, ...], answer: str | None, everyone: bool | None
) -> None:
    run("drill", "--provider", "openai", *words, *URL, stdin=answer)
    if everyone is None:
        assert gateway.asked == []
    else:
        body = gateway.asked[0][2]
        assert isinstance(body, dict)
        assert body["everyone"] is everyone


def test_ctrl_c_ends_it_and_it_is_followed_to_its_end() -> None:
    gateway = Gateway()
    waits = iter([False, True, False])
    told = follow(gateway, gateway.told(), lambda _: next(waits), quiet=True)  # type: ignore[arg-type] # its shape
    assert [method for method, _, _ in gateway.asked] == ["GET", "DELETE"]
    assert (told.state, told.end) == ("ended", "stopped")


def test_ctrl_c_is_taken_and_given_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupt() as interrupt:
        assert interrupt.wait(0.0) is False
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.wait(10.0) is True
        assert interrupt.wait(0.0) is False
    assert signal.getsignal(signal.SIGINT) is before


def test_a_running_one_is_stopped_by_its_id(gateway: Gateway) -> None:
    done = run("drill", "--stop", "d-1", *URL)
    assert gateway.asked == [("DELETE", "/v1/drills/d-1", None)]
    assert "d-1 (ended)" in done.stdout


@pytest.mark.parametrize(
    "words",
    [(), ("--provider", "x", "--share", "half"), ("--provider", "x", "--share", "0%"), ("--after", "-1")],
)
def test_wrong_usage(gateway: Gateway, words: tuple[str, ...]) -> None:
    assert run("drill", *words, *URL).exit_code == 2
    assert gateway.asked == []


def test_the_picture_while_it_runs() -> None:
    gateway = Gateway()
    gateway.ask("POST", "/v1/drills")
    out = StringIO()
    Console(file=out, width=200).print(picture(gateway.told()))
    shown = out.getvalue()
    assert "openai: status 503, for key staging" in shown
    assert "59 s left, Ctrl-C ends it; 0 under way" in shown
    assert "exc-1" in shown
