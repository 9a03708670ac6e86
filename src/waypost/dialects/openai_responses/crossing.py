"""`openai_responses` to and from the core: the cross-dialect lane.

| what | towards another dialect |
|---|---|
| `instructions`, messages, pictures, documents, sounds | cross; ids and states of items are left out without a name |
| reasoning items | cross, with their signature; see `sealed.py` for those of other makers |
| functions, their calls and results, `tool_choice` | cross; `allowed_tools` by giving those tools alone |
| custom tools, their calls and results | cross as functions with one text argument; `format` is named |
| `text.format`, `text.verbosity`, `reasoning.effort`, `reasoning.summary` | cross |
| `max_output_tokens`, `temperature`, `top_p`, `top_logprobs`, `parallel_tool_calls`, `metadata`, `user`, \
`safety_identifier`, `service_tier`, `prompt_cache_key`, `prompt_cache_breakpoint`, `stream` | cross |
| `include` (but encrypted reasoning and log probabilities), `truncation: auto`, `max_tool_calls`, `background: true`, \
`moderation`, `context_management`, `prompt_cache_options`, `reasoning.context`, … | dropped and named |
| tools and items that are built into OpenAI, `item_reference` | refused, as content |
| `previous_response_id`, `conversation`, `prompt` | refused: what they stand for is not in the request |

From another dialect: `stop`, `seed`, `top_k`, penalties, `choices`, `modalities`, cache hints and the error mark of a
tool's result have no word here and are named; an output limit below 16 becomes 16 and is named. Video, sounds by URL
and names of tools that OpenAI refuses are refused. Nothing is stored at the provider, so reasoning that is asked for is
asked for encrypted; it goes back without an id, which OpenAI would check.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from waypost.core.asked import Asked, Stamp
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest
from waypost.core.response import ChatResponse
from waypost.dialects.dialect import StreamParser, StreamRenderer
from waypost.dialects.openai_responses.ask import is_set
from waypost.dialects.openai_responses.request import parse_fields, render_request
from waypost.dialects.openai_responses.response import parse_response, render_response
from waypost.dialects.openai_responses.stream_parser import ResponsesStreamParser
from waypost.dialects.openai_responses.stream_renderer import ResponsesStreamRenderer
from waypost.errors import Unrepresentable

#: What stands for messages that only the provider has, and what to do without it.
_ELSEWHERE = {
    "previous_response_id": "Send the conversation itself as `input`.",
    "conversation": "Send the conversation itself as `input`.",
    "prompt": "Send its text as `instructions` and `input`.",
}


class ResponsesCrossing:
    """A `ChatCodec`. Stateless."""

    __slots__ = ()

    @property
    def names(self) -> Mapping[str, str]:
        """https://platform.openai.com/docs/api-reference/responses/create (2026-11-25)."""
        return _NAMES

    @property
    def neutral(self) -> Mapping[str, frozenset[bytes]]:
        """What OpenAI documents as the default, and what the gateway itself sees to."""
        return _NEUTRAL

    def parse_request(self, asked: Asked) -> ChatRequest:
        """See `request.parse_fields`. Raises Unrepresentable for a conversation that is kept elsewhere."""
        for name, advice in _ELSEWHERE.items():
            if is_set(asked.fields, name):
                raise Unrepresentable(
                    f"`{name}` stands for what only another provider keeps, and the target can not read it. {advice}",
                    param=name,
                )
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
        return render_response(response, asked, cost_nusd, stamp)

    def stream_parser(self) -> StreamParser:
        """See `stream_parser.ResponsesStreamParser`."""
        return ResponsesStreamParser()

    def stream_renderer(self, asked: Asked, stamp: Stamp) -> StreamRenderer:
        """See `stream_renderer.ResponsesStreamRenderer`."""
        return ResponsesStreamRenderer(asked, stamp)


CROSSING = ResponsesCrossing()

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "max_output": "max_output_tokens",
        "effort": "reasoning.effort",
        "thinking_budget": "reasoning.effort",
        "show_thinking": "reasoning.summary",
        "response_format": "text.format",
        "verbosity": "text.verbosity",
        "tier": "service_tier",
        "cache_key": "prompt_cache_key",
    }
)
_FALSE = frozenset((b"false",))
_EITHER = frozenset((b"true", b"false"))
_NEUTRAL: Mapping[str, frozenset[bytes]] = MappingProxyType(
    {
        "stream": _FALSE,
        "background": _FALSE,
        # Whether an answer is kept is the gateway's affair, whoever gives it.
        "store": _EITHER,
        "stream_options": frozenset(
            (b"{}", b'{"include_obfuscation":true}', b'{"include_obfuscation":false}')
        ),
        "truncation": frozenset((b'"disabled"',)),
        "include": frozenset((b"[]",)),
        "metadata": frozenset((b"{}",)),
        "tools": frozenset((b"[]",)),
        "top_logprobs": frozenset((b"0",)),
        "prompt_cache_retention": frozenset((b'"in_memory"',)),
        "reasoning.mode": frozenset((b'"standard"',)),
        "reasoning.context": frozenset((b'"auto"',)),
        "detail": frozenset((b'"auto"',)),
        "defer_loading": _FALSE,
        "async": _FALSE,
        "format": frozenset((b'{"type":"text"}',)),
        "content.annotations": frozenset((b"[]",)),
        "content.logprobs": frozenset((b"[]",)),
    }
)
