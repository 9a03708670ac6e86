"""How one exchange passes between the client's dialect and a target's: as it is, or through the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from waypost.core.asked import Asked, Onward, Reply, Stamp
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.cross import (
    CrossRelay,
    estimate_response,
    parse_cross_error,
    parse_cross_reply,
    render_across,
)
from waypost.dialects.dialect import ChatCodec, Dialect, Pricer, StreamRelay
from waypost.dialects.embedding import embed_lane
from waypost.errors import UpstreamError


class Lane(Protocol):
    """One pair of dialects. Immutable; the methods are those of `Dialect`, seen from both ends."""

    @property
    def target(self) -> Dialect:
        """The dialect that the target is spoken to in."""
        ...

    @property
    def forwarded(self) -> tuple[bytes, ...]: ...

    @property
    def passed(self) -> tuple[bytes, ...]: ...

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward: ...

    def parse_reply(self, body: bytes) -> Reply: ...

    def render_reply(self, asked: Asked, reply: Reply, cost_nusd: int | None, stamp: Stamp) -> bytes: ...

    def stream_relay(self, asked: Asked, price: Pricer, stamp: Stamp) -> StreamRelay: ...

    def estimate_output(self, asked: Asked, reply: Reply) -> Usage: ...

    def parse_error(
        self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> UpstreamError: ...


class SameLane:
    """Both ends are of one family: everything passes, and the meter reads beside."""

    __slots__ = (
        "estimate_output",
        "forwarded",
        "parse_error",
        "parse_reply",
        "passed",
        "render_onward",
        "target",
    )

    def __init__(self, target: Dialect) -> None:
        self.target = target
        self.forwarded = target.forwarded
        self.passed = target.passed
        self.render_onward = target.render_onward
        self.parse_reply = target.parse_reply
        self.estimate_output = target.estimate_output
        self.parse_error = target.parse_error

    def render_reply(self, asked: Asked, reply: Reply, cost_nusd: int | None, stamp: Stamp) -> bytes:
        return self.target.render_reply(reply, cost_nusd)

    def stream_relay(self, asked: Asked, price: Pricer, stamp: Stamp) -> StreamRelay:
        return self.target.stream_relay(asked, price)


class CrossLane:
    """Both ends have a codec: everything goes through the core, and nothing is lost without its being named."""

    __slots__ = ("_client", "_codec", "forwarded", "passed", "target")

    def __init__(self, client: ChatCodec, target: Dialect, codec: ChatCodec) -> None:
        self.target = target
        self.forwarded: tuple[bytes, ...] = ()
        self.passed: tuple[bytes, ...] = ()
        self._client = client
        self._codec = codec

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """Raises InvalidRequest and Unrepresentable."""
        return render_across(self._client, self._codec, self.target.family, asked, model, quirks)

    def parse_reply(self, body: bytes) -> Reply:
        return parse_cross_reply(self._codec, body)

    def render_reply(self, asked: Asked, reply: Reply, cost_nusd: int | None, stamp: Stamp) -> bytes:
        assert reply.response is not None  # noqa: S101 - parse_reply set it
        response = reply.response
        if response.usage is None or not response.model:
            response = msgspec.structs.replace(
                response, usage=response.usage or reply.usage, model=response.model or asked.model
            )
        return self._client.render_response(response, asked, cost_nusd, stamp)

    def stream_relay(self, asked: Asked, price: Pricer, stamp: Stamp) -> StreamRelay:
        return CrossRelay(
            asked, price, self._codec.stream_parser(), self._client.stream_renderer(asked, stamp)
        )

    def estimate_output(self, asked: Asked, reply: Reply) -> Usage:
        assert reply.response is not None  # noqa: S101 - parse_reply set it
        return estimate_response(asked, reply.response)

    def parse_error(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> UpstreamError:
        return parse_cross_error(self.target, status, headers, body)


class Lanes:
    """Finds lanes; each pair is built once."""

    def __init__(self, dialects: Mapping[str, Dialect]) -> None:
        self._dialects = dialects
        self._found: dict[tuple[str, tuple[str, ...]], Lane | None] = {}

    def find(self, client: Dialect, spoken: tuple[str, ...]) -> Lane | None:
        """The lane from a client's dialect to a provider that speaks these, in its order of preference. One of the
        client's own family comes first. None: this provider can not serve the operation."""
        key = (client.name, spoken)
        try:
            return self._found[key]
        except KeyError:
            lane = self._found[key] = self._build(client, spoken)
            return lane

    def _build(self, client: Dialect, spoken: tuple[str, ...]) -> Lane | None:
        known = [self._dialects[name] for name in spoken if name in self._dialects]
        for target in known:
            if target.family == client.family and target.operation == client.operation:
                return SameLane(target)
        for target in known:
            if target.operation == client.operation and client.codec is not None and target.codec is not None:
                return CrossLane(client.codec, target, target.codec)
        return embed_lane(client, known)
