"""Lanes for answers that another target may finish (`continue_on_failure`).

The stream goes through the core even between two ends of one dialect, so that one renderer writes the client's stream
whoever speaks upstream.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from waypost.core.asked import Asked, Onward, Stamp
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Message, Text
from waypost.dialects.cross import render_across
from waypost.dialects.dialect import ChatCodec, Dialect, Pricer, StreamRelay
from waypost.dialects.lane import CrossLane, Lane
from waypost.dialects.seam import (
    ContinuingRelay,
    Mark,
    Seam,
    mark_by_comment,
    mark_by_field,
    mark_nothing,
)
from waypost.errors import InvalidRequest, Unrepresentable

#: What the target that goes on is told. An assistant's turn at the end (a prefill) would be simpler where it is taken;
#: Claude from 4.6 on refuses it (https://github.com/agno-agi/agno/issues/7015, 2026-11-25), servers of OpenAI's format
#: are each told in another way to go on from it (https://docs.litellm.ai/docs/completion/prefix, 2026-11-25), and what
#: is refused here is an answer that is lost.
GO_ON = (
    "Your last message was cut off by a technical fault before it was complete. Write only what comes next, beginning "
    "with the very character after its last one, in the middle of a word or a code block if that is where it ends. Do "
    "not repeat anything of it, do not begin again, and say nothing about the interruption."
)

#: By family of the client's dialect. Google's SDK takes a comment for a piece of an error (google-genai 3.6.1,
#: `_api_client.py`), and an AWS event stream has no place for one.
_MARKS: Mapping[str, Mark] = MappingProxyType(
    {
        "openai_chat": mark_by_field,
        "openai_responses": mark_by_comment,
        "anthropic_messages": mark_by_comment,
    }
)


def can_continue(client: Dialect, asked: Asked) -> bool:
    """Whether an answer to this request could be finished by another target: one plain answer in words."""
    codec = client.codec
    if codec is None or not asked.stream:
        return False
    try:
        request = codec.parse_request(asked)
    except (InvalidRequest, Unrepresentable):
        return False  # a target of the client's own dialect may still understand it
    wanted = request.response_format
    return (
        request.choices == 1
        and request.top_logprobs is None
        and (wanted is None or wanted.kind == "text")
        and set(request.modalities) <= {"text"}
    )


class ContinuingLane:
    """A lane as it was, but for the stream of its answers."""

    __slots__ = (
        "_client",
        "estimate_output",
        "forwarded",
        "parse_error",
        "parse_reply",
        "passed",
        "render_onward",
        "render_reply",
        "target",
    )

    def __init__(self, client: Dialect, lane: Lane) -> None:
        """Both ends need a codec."""
        self._client = client
        self.target = lane.target
        self.forwarded = lane.forwarded
        self.passed = lane.passed
        self.render_onward = lane.render_onward
        self.parse_reply = lane.parse_reply
        self.render_reply = lane.render_reply
        self.estimate_output = lane.estimate_output
        self.parse_error = lane.parse_error

    def stream_relay(self, asked: Asked, price: Pricer, stamp: Stamp) -> StreamRelay:
        """See `Lane`."""
        client, target = self._client.codec, self.target.codec
        assert client is not None  # noqa: S101 - the lane was made for it
        assert target is not None  # noqa: S101 - the lane was made for it
        mark = _MARKS.get(self._client.family, mark_nothing)
        return ContinuingRelay(
            asked, price, target.stream_parser(), client.stream_renderer(asked, stamp), mark
        )


class ContinuedLane(CrossLane):
    """The lane to a target that goes on with an answer: it is asked what the first was, and for the rest; its stream
    goes on in the client's."""

    __slots__ = ("_relay", "_seam")

    def __init__(
        self, client: ChatCodec, target: Dialect, codec: ChatCodec, relay: ContinuingRelay, seam: Seam
    ) -> None:
        super().__init__(client, target, codec)
        self._relay = relay
        self._seam = seam

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """See `Lane`."""
        return render_across(
            self._client, self._codec, self.target.family, asked, model, quirks, self._change
        )

    def stream_relay(self, asked: Asked, price: Pricer, stamp: Stamp) -> StreamRelay:
        """See `Lane`. The relay is the one that has written the stream so far."""
        self._relay.switch(asked, price, self._codec.stream_parser(), self._seam)
        return self._relay

    def _change(self, request: ChatRequest) -> ChatRequest:
        return continued(request, self._relay.said, self._seam.usage.output)


def continued(request: ChatRequest, said: str, spent: int) -> ChatRequest:
    """The request for the rest of an answer of which the client has `said`, for `spent` tokens. Where it has no words
    yet, the answer is asked for again: reasoning is no answer, and is not shown twice."""
    if not said.strip():
        return request
    limit = request.max_output
    if limit is not None and request.thinking_budget is None and request.effort is None:
        limit = max(1, limit - spent)  # with reasoning in it, a lower limit may be one that is refused
    turns = Message("assistant", (Text(said),)), Message("user", (Text(GO_ON),))
    return msgspec.structs.replace(request, messages=(*request.messages, *turns), max_output=limit)
