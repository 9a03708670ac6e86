"""`anthropic_messages` to and from the core: the cross-dialect lane.

| | |
|---|---|
| crosses | text, system prompts, pictures, PDFs and plain texts (inline, by address, by file id), calls and results of tools, errors of tools, cache hints, signed and redacted thinking, citations, functions with their schemas, every tool choice, parallel calls, JSON schemas, effort and thinking budgets, sampling, stop texts, the user's id, tiers `auto` and `default` |
| dropped and named, from here | every other field of the request (`container`, `context_management`, `inference_geo`, `speed` …), `input_examples` and the like of tools, `context` and `citations` of documents |
| refused, from here | tools that Anthropic runs or defines, MCP servers, and their blocks; search results; documents made of blocks; blocks that are not known |
| dropped and named, to here | `n`, `seed`, penalties, log probabilities, metadata, verbosity, cache keys, other modalities, JSON without a schema, a schema's name and description, a picture's detail, other tiers, a temperature above 1 (1 is sent), sampling where the model takes none, thinking and citations that others made, the place of a later system message, what Claude refuses beside other settings (see `dialects/claude.py`), an error that says nothing |
| refused, to here | sounds, films, other kinds of pictures and documents, media of the model, tools and parts of other dialects, names of tools that Anthropic refuses |

Schemas of answers and of strict tools go in the part of the language that Claude's grammars know. Answers: text, thinking
(of others without its signature), calls and refusals cross; a foreign answer with media, a built-in tool's part or
several choices is refused.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from waypost.core.asked import Asked, Stamp
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest
from waypost.core.response import ChatResponse
from waypost.dialects.anthropic_messages.request import parse_fields, render_request
from waypost.dialects.anthropic_messages.response import parse_response, render_response
from waypost.dialects.anthropic_messages.stream_parser import AnthropicStreamParser
from waypost.dialects.anthropic_messages.stream_renderer import AnthropicStreamRenderer
from waypost.dialects.dialect import StreamParser, StreamRenderer


class AnthropicCrossing:
    """A `ChatCodec`. Stateless."""

    __slots__ = ()

    @property
    def names(self) -> Mapping[str, str]:
        """https://platform.claude.com/docs/en/api/messages (2026-11-25)."""
        return _NAMES

    @property
    def neutral(self) -> Mapping[str, frozenset[bytes]]:
        """What Anthropic documents as the default."""
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
        return render_response(response, cost_nusd, stamp)

    def stream_parser(self) -> StreamParser:
        """See `stream_parser.AnthropicStreamParser`."""
        return AnthropicStreamParser()

    def stream_renderer(self, asked: Asked, stamp: Stamp) -> StreamRenderer:
        """See `stream_renderer.AnthropicStreamRenderer`."""
        return AnthropicStreamRenderer(stamp)


CROSSING = AnthropicCrossing()

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "max_output": "max_tokens",
        "stop": "stop_sequences",
        "user": "metadata.user_id",
        "tier": "service_tier",
        "effort": "output_config.effort",
        "thinking_budget": "thinking.budget_tokens",
        "show_thinking": "thinking.display",
        "response_format": "output_config.format",
        "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    }
)
_NEUTRAL: Mapping[str, frozenset[bytes]] = MappingProxyType(
    {
        "stream": frozenset((b"false",)),
        "system": frozenset((b'""', b"[]")),
        "tools": frozenset((b"[]",)),
        "mcp_servers": frozenset((b"[]",)),
        "stop_sequences": frozenset((b"[]",)),
        "speed": frozenset((b'"standard"',)),
        "citations": frozenset((b"[]", b"{}", b'{"enabled":false}')),
        "defer_loading": frozenset((b"false",)),
        "eager_input_streaming": frozenset((b"false",)),
        "input_examples": frozenset((b"[]",)),
        "allowed_callers": frozenset((b"[]", b'["direct"]')),
        "caller": frozenset((b'{"type":"direct"}',)),
        "context_management": frozenset((b"{}", b'{"edits":[]}')),
        "fallbacks": frozenset((b"[]",)),
    }
)
