"""The golden matrix: every case of tests/golden/matrix in every dialect: `python -m tools.golden_matrix [--check]`.

A case is written in the core's own terms; what a dialect makes of it stands below it, for people to review. After a
reviewed change of a codec, or with a new dialect, this writes the renderings anew. With `--check` nothing is written:
it exits 1 and names the cases that are no longer true.

    {"note": what it shows, "case": ChatRequest | ChatResponse | [events], "quirks"?: of the target,
     "rendered": {dialect: rendering}}

How a case is written: `tools/core_values.py`.
Renderings: requests are `{"body", "dropped"}`, with the core's names, or `{"refused": {"param", "message"},
"dropping": …}`, where `dropping` is what a client that lets content be dropped gets; answers are `{"body"}` or
`{"refused"}`; streams are `{"lines"}`, blank ones left out, with `failed` where the client is told of a failure;
AWS's binary messages are one line each, `type {payload}`.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec

from tools.core_values import built, event_of
from waypost import errors
from waypost.core.asked import Asked, Stamp
from waypost.core.events import Event, Failed
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest
from waypost.core.response import ChatResponse
from waypost.core.usage import Usage
from waypost.dialects.bedrock_converse.eventstream import CONTENT_TYPE, FrameSplitter, decode_frame
from waypost.dialects.cross import CrossRelay
from waypost.dialects.dialect import ChatCodec, Dialect
from waypost.dialects.registry import DIALECTS
from waypost.errors import Unrepresentable, UpstreamError

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden" / "matrix"
Kind = Literal["requests", "responses", "streams"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
Json = dict[str, Any]

STAMP = Stamp("x-0123456789", 1_700_000_000)
COST_NUSD = 1_234_500


class Case(msgspec.Struct):
    """One file. `case` and `quirks` are as they are written there."""

    note: str
    case: Any
    quirks: Json = {}
    rendered: dict[str, Json] = {}


def paths(kind: Kind) -> list[Path]:
    """The cases of one kind, in order."""
    return sorted((FOLDER / kind).glob("*.json"))


def read(path: Path) -> Case:
    """Raises ValidationError for a field that a case does not have."""
    return msgspec.json.decode(path.read_bytes(), type=Case)


def text_of(case: Case) -> str:
    """The file's content."""
    document: Json = {"note": case.note, "case": case.case}
    if case.quirks:
        document["quirks"] = case.quirks
    document["rendered"] = {name: case.rendered[name] for name in sorted(case.rendered)}
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"


def spoken(kind: Kind) -> list[Dialect]:
    """The dialects that a kind is rendered in: answers only in those that clients ask in."""
    return [
        dialect
        for _, dialect in sorted(DIALECTS.items())
        if dialect.codec is not None and (kind == "requests" or dialect.entries)
    ]


def render(kind: Kind, case: Case, dialect: Dialect) -> Json:
    """What a dialect makes of a case."""
    codec = dialect.codec
    assert codec is not None
    if kind == "requests":
        return _render_request(case, codec)
    if kind == "responses":
        return _render_response(case, codec)
    return _render_stream(case, codec, dialect.stream_type(_asked(stream=True)))


def _refusal(error: Unrepresentable) -> Json:
    return {"param": error.param, "message": error.message}


def _render_request(case: Case, codec: ChatCodec) -> Json:
    request = built(case.case, ChatRequest)
    quirks = built(case.quirks, Quirks)

    def one(loss: Loss) -> Json:
        body = codec.render_request(request, quirks, loss)
        return {"body": msgspec.json.decode(body), "dropped": list(loss.names)}

    try:
        return one(Loss())
    except Unrepresentable as error:
        refused = _refusal(error)
    try:
        return {"refused": refused, "dropping": one(Loss(drop=True))}
    except Unrepresentable as error:
        return {"refused": refused, "dropping": {"refused": _refusal(error)}}


def _render_response(case: Case, codec: ChatCodec) -> Json:
    response = built(case.case, ChatResponse)
    if response.usage is None:
        response = msgspec.structs.replace(response, usage=Usage(source="estimated"))
    if not response.model:  # as the lane does
        response = msgspec.structs.replace(response, model=_asked(stream=False).model)
    try:
        body = codec.render_response(response, _asked(stream=False), COST_NUSD, STAMP)
    except Unrepresentable as error:
        return {"refused": _refusal(error)}
    return {"body": msgspec.json.decode(body)}


def _asked(*, stream: bool) -> Asked:
    return Asked("model", stream, {}, wants_usage=True, input_estimate=10)


class _Script:
    """A `StreamParser` that says what a case says."""

    def __init__(self, events: list[Event]) -> None:
        self.finished = False
        self.skipped = 0
        self.failure: UpstreamError | None = None
        self._events = events

    def feed(self, chunk: bytes) -> list[Event]:
        del chunk
        last = self._events[-1] if self._events else None
        self.failure = error_of(last) if isinstance(last, Failed) else None
        self.finished = self.failure is None
        return self._events

    def end(self) -> list[Event]:
        return []


def error_of(event: Failed) -> UpstreamError:
    """The error that a parser sets with the event."""
    kinds = (errors.Throttled, errors.Unavailable, errors.CredentialRefused, errors.Truncated, errors.Failed)
    by_code: dict[str, type[UpstreamError]] = {kind.code: kind for kind in kinds}
    return by_code[event.code](event.message)


def lines_of(stream: bytes, content_type: bytes) -> list[str]:
    """A stream for people: its lines, or of AWS's binary messages one line each, `type {payload}`."""
    if content_type == CONTENT_TYPE:
        frames = [decode_frame(raw) for raw in FrameSplitter().feed(stream)]
        return [
            f"{frame.text(':event-type') or frame.text(':exception-type')} {frame.payload.decode()}"
            for frame in frames
        ]
    return [line for line in stream.decode().splitlines() if line]


def _render_stream(case: Case, codec: ChatCodec, content_type: bytes) -> Json:
    events = [event_of(value) for value in case.case]
    asked = _asked(stream=True)
    relay = CrossRelay(asked, lambda *_: COST_NUSD, _Script(events), codec.stream_renderer(asked, STAMP))
    out = relay.feed(b"")
    rendering: Json = {}
    if relay.failure is not None:
        rendering["failed"] = relay.failure.message
        out += relay.fail(relay.failure)
    return {**rendering, "lines": lines_of(out, content_type)}


def rendered(kind: Kind, path: Path) -> Case:
    """A case with all its renderings made anew."""
    case = read(path)
    case.rendered = {dialect.name: render(kind, case, dialect) for dialect in spoken(kind)}
    return case


def difference(expected: Json | None, found: Json) -> str:
    """What changed, line by line, and the whole rendering, ready to paste."""
    before, after = (
        msgspec.json.format(msgspec.json.encode(one or {}), indent=1).decode() for one in (expected, found)
    )
    lines = difflib.unified_diff(
        before.split("\n"), after.split("\n"), "expected", "rendered", lineterm="", n=2
    )
    return "\n".join([*lines, "the rendering:", after])


def _shown(rendering: Json) -> str:
    return msgspec.json.format(msgspec.json.encode(rendering), indent=1).decode()


def stale() -> Iterator[Path]:
    """The cases whose file is not what this would write."""
    for kind in KINDS:
        for path in paths(kind):
            if path.read_text("utf-8") != text_of(rendered(kind, path)):
                yield path


def main(argv: list[str]) -> int:
    """Write the renderings, or with `--check` say which are stale."""
    if "--check" in argv:
        found = list(stale())
        for path in found:
            print(
                f"{path.relative_to(FOLDER)} is not what the codecs say: run `python -m tools.golden_matrix`"
            )
        return 1 if found else 0
    for path in list(stale()):
        path.write_text(text_of(rendered(path.parent.name, path)), "utf-8")  # type: ignore[arg-type]
        print(path.relative_to(FOLDER))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
