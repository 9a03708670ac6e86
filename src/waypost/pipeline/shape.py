"""Answers of the shape that was asked for: checked where the provider's own word is not enough, and asked for again."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from waypost.config.targets import Target
from waypost.core.asked import Asked, Reply
from waypost.core.fold import fold
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.response import ChatResponse
from waypost.dialects.dialect import Dialect
from waypost.dialects.lane import Lane
from waypost.dialects.structured import Shape, ShapedLane, ask_again, shape_faults
from waypost.errors import Misshapen
from waypost.pipeline.exchange import LiveExchange, Trial

HEADER = b"x-waypost-structured"

_PLAIN = Quirks()


def prepare(shape: Shape, targets: Iterable[Target]) -> None:
    """Before any target is asked: is the schema one that answers can be checked against, where they have to be? Raises
    InvalidRequest."""
    if any(target.provider.quirks.json_schema != "native" for target in targets):
        shape.prepare()


def shaped_lane(client: Dialect, lane: Lane, quirks: Quirks) -> Lane:
    """The lane for a request that wants a shape, to a provider with these quirks."""
    target = lane.target
    if quirks.json_schema not in ("tool", "prompt") or client.codec is None or target.codec is None:
        return lane
    return ShapedLane(client.codec, target, target.codec, quirks.json_schema)


def header(shape: Shape, trial: Trial) -> tuple[bytes, bytes]:
    """How this answer came by its shape."""
    mode = trial.target.provider.quirks.json_schema
    if mode == "tool" and shape.with_tools:
        mode = "prompt"  # its own tools stay the client's, so the shape is told in words
    return (HEADER, {"native": b"native", "tool": b"tool"}.get(mode, b"validated"))


def check_whole(live: LiveExchange, trial: Trial, reply: Reply, body: bytes) -> None:
    """Raises Misshapen, and leaves the request that asks once more in `live.asked`."""
    shape, codec = _checked(live, trial), trial.lane.target.codec
    if shape is None or codec is None:
        return
    response = reply.response or codec.parse_response(body)
    faults = shape_faults(shape, response)
    if faults:
        _ask_again(live, response, faults)
        raise _misshapen(faults)


def check_stream(live: LiveExchange, trial: Trial, written: bytes) -> None:
    """`written` is all that the client got or is about to get. Raises Misshapen: what was sent can not be called back,
    but it is not called complete."""
    shape, codec = _checked(live, trial), live.call.dialect.codec
    if shape is None or codec is None:
        return
    parser = codec.stream_parser()
    faults = shape_faults(shape, fold([*parser.feed(written), *parser.end()]))
    if faults:
        raise _misshapen(faults)


def _checked(live: LiveExchange, trial: Trial) -> Shape | None:
    return None if trial.target.provider.quirks.json_schema == "native" else live.shape


def _ask_again(live: LiveExchange, response: ChatResponse, faults: list[str]) -> None:
    client, asked = live.call.dialect, live.asked
    assert client.codec is not None  # noqa: S101 - without one there is no shape
    assert asked is not None  # noqa: S101 - stage 3 set it
    request = ask_again(client.codec, asked, response, faults)
    body = client.codec.render_request(request, _PLAIN, Loss(drop=True))
    again = client.parse_ask(body, live.snapshot.settings.json, live.call.path)
    live.asked = _kept(again, asked)
    live.original = None


def _kept(again: Asked, first: Asked) -> Asked:
    """What the gateway itself was asked stays as it was, and so does what was held for it."""
    return msgspec.structs.replace(
        again, drop_content=first.drop_content, form=first.form, stream=first.stream, tier=first.tier
    )


def _misshapen(faults: list[str]) -> Misshapen:
    return Misshapen(
        "The model's answer does not match the JSON schema that was asked for: "
        + "; ".join(faults)
        + ". Ask again, simplify the schema, or choose a model that enforces it."
    )
