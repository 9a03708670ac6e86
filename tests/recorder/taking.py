"""Exchanges for the recorder's tests."""

from __future__ import annotations

import msgspec

from waypost.recorder.exchange import Answered, Asked, Label, Opened
from waypost.recorder.fixture import Fixture, Options
from waypost.recorder.known import Known

LABEL = Label("sim", "openai_chat", "2026-11-25")
PATH = "/v1/chat/completions"


def asked(body: object = None, *headers: tuple[str, str], target: str = PATH) -> Asked:
    """A request with a JSON body (None: no body), or with these bytes."""
    data = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
    return Asked("POST", target, headers, data)


def answered(body: object, *headers: tuple[str, str], status: int = 200) -> Answered:
    """A whole answer."""
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Answered(status, headers, ((0, data),))


def streamed(*pieces: bytes, kind: str = "text/event-stream") -> Answered:
    """A stream, ten milliseconds between pieces."""
    timed = tuple((at * 10, piece) for at, piece in enumerate(pieces))
    return Answered(200, (("content-type", kind),), timed, streamed=True)


def scrub(
    request: Asked,
    answer: Answered,
    *secrets: str,
    options: Options = Options(),  # noqa: B008 - frozen
) -> Fixture:
    """As a recorder would write it."""
    return Opened(request, answer, Known(secrets), options).fixture(LABEL)


def body_of(raw: object) -> object:
    """A body of a fixture, decoded."""
    assert isinstance(raw, msgspec.Raw)
    return msgspec.json.decode(raw)
