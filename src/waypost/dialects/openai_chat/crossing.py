"""`openai_chat` to and from the core: the cross-dialect lane."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from waypost.core.asked import Asked, Stamp
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest
from waypost.core.response import ChatResponse
from waypost.dialects.dialect import StreamParser, StreamRenderer
from waypost.dialects.openai_chat.request import parse_fields, render_request
from waypost.dialects.openai_chat.response import parse_response, render_response
from waypost.dialects.openai_chat.stream import ChatStreamParser, ChatStreamRenderer


class ChatCrossing:
    """A `ChatCodec`. Stateless."""

    __slots__ = ()

    @property
    def names(self) -> Mapping[str, str]:
        """https://platform.openai.com/docs/api-reference/chat/create (2026-11-25)."""
        return _NAMES

    @property
    def neutral(self) -> Mapping[str, frozenset[bytes]]:
        """What OpenAI documents as the default."""
        return _NEUTRAL

    def parse_request(self, asked: Asked) -> ChatRequest:
        """See `request.parse_fields`."""
        return parse_fields(asked.fields)

    def render_request(self, request: ChatRequest, quirks: Quirks, loss: Loss) -> bytes:
        """See `request.render_request`."""
        return render_request(request, quirks, loss)

    def parse_response(self, body: bytes) -> ChatResponse:
        """See `response.parse_response`."""
        return parse_response(body)

    def render_response(
        self, response: ChatResponse, asked: Asked, cost_nusd: int | None, stamp: Stamp
    ) -> bytes:
        """See `response.render_response`."""
        return render_response(response, cost_nusd, stamp.created)

    def stream_parser(self) -> StreamParser:
        """See `stream.ChatStreamParser`."""
        return ChatStreamParser()

    def stream_renderer(self, asked: Asked, stamp: Stamp) -> StreamRenderer:
        """See `stream.ChatStreamRenderer`."""
        return ChatStreamRenderer(asked.wants_usage, stamp.created)


CROSSING = ChatCrossing()

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "max_output": "max_completion_tokens",
        "effort": "reasoning_effort",
        "thinking_budget": "reasoning.max_tokens",
        "choices": "n",
        "tier": "service_tier",
        "cache_key": "prompt_cache_key",
    }
)
_NEUTRAL: Mapping[str, frozenset[bytes]] = MappingProxyType(
    {
        "n": frozenset((b"1",)),
        "stream": frozenset((b"false",)),
        "stream_options": frozenset((b"{}", b'{"include_usage":true}', b'{"include_usage":false}')),
        "store": frozenset((b"false",)),
        "logprobs": frozenset((b"false",)),
        "logit_bias": frozenset((b"{}",)),
        "tools": frozenset((b"[]",)),
        "stop": frozenset((b"[]", b'""')),
        "response_format": frozenset((b'{"type":"text"}',)),
        "refusal": frozenset((b'""',)),
        "tool_calls": frozenset((b"[]",)),
    }
)
