"""`bedrock_converse` to and from the core: the cross-dialect lane."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from waypost.core.asked import Asked, Stamp
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest
from waypost.core.response import ChatResponse
from waypost.dialects.bedrock_converse.request import parse_request, render_request
from waypost.dialects.bedrock_converse.response import parse_response, render_response
from waypost.dialects.bedrock_converse.stream import ConverseStreamParser
from waypost.dialects.bedrock_converse.writing import ConverseStreamRenderer
from waypost.dialects.dialect import StreamParser, StreamRenderer


class ConverseCrossing:
    """A `ChatCodec`. Stateless."""

    __slots__ = ()

    @property
    def names(self) -> Mapping[str, str]:
        """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (2026-11-25)."""
        return _NAMES

    @property
    def neutral(self) -> Mapping[str, frozenset[bytes]]:
        """What AWS documents as the default, and what is empty."""
        return _NEUTRAL

    def parse_request(self, asked: Asked) -> ChatRequest:
        """See `request.parse_request`."""
        return parse_request(asked)

    def render_request(self, request: ChatRequest, quirks: Quirks, loss: Loss) -> bytes:
        """See `request.render_request`."""
        return render_request(request, quirks, loss)

    def parse_response(self, body: bytes) -> ChatResponse:
        """See `response.parse_response`."""
        return parse_response(body)

    def render_response(
        self, response: ChatResponse, asked: Asked, cost_nusd: int | None, stamp: Stamp
    ) -> bytes:
        """See `response.render_response`. Converse neither dates nor numbers its answers."""
        return render_response(response, cost_nusd)

    def stream_parser(self) -> StreamParser:
        """See `stream.ConverseStreamParser`."""
        return ConverseStreamParser()

    def stream_renderer(self, asked: Asked, stamp: Stamp) -> StreamRenderer:
        """See `writing.ConverseStreamRenderer`."""
        return ConverseStreamRenderer()


CROSSING = ConverseCrossing()

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "max_output": "inferenceConfig.maxTokens",
        "temperature": "inferenceConfig.temperature",
        "top_p": "inferenceConfig.topP",
        "stop": "inferenceConfig.stopSequences",
        "top_k": "additionalModelRequestFields.top_k",
        "effort": "outputConfig.effort",
        "thinking_budget": "additionalModelRequestFields.thinking",
        "show_thinking": "additionalModelRequestFields.thinking.display",
        "response_format": "outputConfig.textFormat",
        "tools": "toolConfig.tools",
        "tool_choice": "toolConfig.toolChoice",
        "tier": "serviceTier",
        "metadata": "requestMetadata",
    }
)
_EMPTY = frozenset((b"{}", b"[]"))
_NEUTRAL: Mapping[str, frozenset[bytes]] = MappingProxyType(
    {
        "system": _EMPTY,
        "inferenceConfig": frozenset((b"{}", b'{"stopSequences":[]}')),
        "toolConfig": frozenset((b"{}", b'{"tools":[]}')),
        "outputConfig": _EMPTY,
        "additionalModelRequestFields": _EMPTY,
        "additionalModelResponseFieldPaths": _EMPTY,
        "promptVariables": _EMPTY,
        "requestMetadata": _EMPTY,
        "performanceConfig": frozenset((b'{"latency":"standard"}',)),
        "citations": frozenset((b'{"enabled":false}',)),
    }
)
