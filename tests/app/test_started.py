from __future__ import annotations

import msgspec

from transcript import Stage
from waypost.app.started import example_of, reachable, summary_of
from waypost.ledger.recovery import RecoveryReport


def test_an_example_is_a_chat_model() -> None:
    stage = Stage()
    assert example_of(stage.snapshot) == "fast"
    assert example_of(msgspec.structs.replace(stage.snapshot, routes={})) is None


def test_where_this_machine_reaches_itself() -> None:
    assert [reachable(host) for host in ("0.0.0.0", "::", "10.0.0.1")] == [
        "127.0.0.1",
        "127.0.0.1",
        "10.0.0.1",
    ]


def test_what_an_unclean_end_left_is_one_sentence() -> None:
    assert summary_of(RecoveryReport()) is None
    told = summary_of(RecoveryReport(settled=3, estimated=1, damaged=2, set_aside=("a.bad",)))
    assert told == (
        "recovered from an unclean end: 3 settled requests posted, 1 estimated, 2 damaged lines; kept for you: a.bad"
    )
