from __future__ import annotations

import pytest

from waypost.app.batch.again import wait_before_next
from waypost.pipeline.behind import Sink


def sink(status: int, **headers: bytes) -> Sink:
    made = Sink()
    made.status = status
    made.headers = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return made


@pytest.mark.parametrize(
    ("asked", "tries", "wait_s"),
    [
        (sink(200), 1, None),
        (sink(400), 1, None),
        (sink(402, x_waypost_attempts=b"0"), 1, None),
        (sink(500), 1, None),
        (sink(429, retry_after_ms=b"1500"), 1, 1.5),
        (sink(429, retry_after_ms=b"1500"), 100, 1.5),
        (sink(503), 1, 1.0),
        (sink(503), 4, 8.0),
        (sink(503, retry_after_ms=b"0"), 2, 2.0),
        (sink(503, retry_after_ms=b"x"), 2, 2.0),
        (sink(503), 5000, 60.0),
        (sink(503, x_should_retry=b"false"), 1, None),
        (sink(429, x_waypost_attempts=b"2"), 4, 8.0),
        (sink(429, x_waypost_attempts=b"2"), 5, None),
    ],
)
def test_whether_and_when(asked: Sink, tries: int, wait_s: float | None) -> None:
    assert wait_before_next(asked, tries) == wait_s
