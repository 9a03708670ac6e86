"""`openai_chat` to and from the core: the cross-dialect lane.

| of a request from another dialect | what a target gets |
|---|---|
| text, roles, tool calls and results, tools, schemas, sampling, limits | as it is; `developer` as `system` (`takes`) |
| a tool's pictures and documents | in a message of the user after all results: its role `tool` takes text |
| a budget to think with | the nearest word of `reasoning_effort`, or `reasoning.max_tokens` (`takes`) |
| reasoning in the history, its signatures | `reasoning_details` or `reasoning_content` (`takes`); else named |
| cache hints, whether reasoning is shown, citations in the history | in the fields that it takes; else named |
| that a tool's answer is an error | named: the text says it |
| video, a document or sound by its URL, a picture by its id, parts and tools of another dialect | refused, or dropped |

`takes`: `Quirks.takes`. An answer of another dialect gets everything that clients of this format and of OpenRouter
read: reasoning as `reasoning_content` and, where it has to go back, `reasoning_details`; Gemini's signatures as
`extra_content`; citations as `annotations`; pictures as `images`. A part of another dialect's own is refused; a
citation without a URL is left out.
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
from waypost.dialects.openai_chat.body import NAMES, render_request
from waypost.dialects.openai_chat.request import parse_fields
from waypost.dialects.openai_chat.response import parse_response, render_response
from waypost.dialects.openai_chat.stream import ChatStreamParser
from waypost.dialects.openai_chat.stream_renderer import ChatStreamRenderer
from waypost.dialects.openai_chat.tools import OLD_TOOLS


class ChatCrossing:
    """A `ChatCodec`. Stateless."""

    __slots__ = ()

    @property
    def names(self) -> Mapping[str, str]:
        """https://platform.openai.com/docs/api-reference/chat/create (2026-11-25)."""
        return NAMES

    @property
    def neutral(self) -> Mapping[str, frozenset[bytes]]:
        """What OpenAI documents as the default."""
        return _NEUTRAL

    def parse_request(self, asked: Asked) -> ChatRequest:
        """See `request.parse_fields`."""
        return parse_fields(asked.fields)

    def render_request(self, request: ChatRequest, quirks: Quirks, loss: Loss) -> bytes:
        """See `body.render_request`."""
        return render_request(request, quirks, loss)

    def parse_response(self, body: bytes) -> ChatResponse:
        """See `response.parse_response`."""
        return parse_response(body)

    def render_response(
        self, response: ChatResponse, asked: Asked, cost_nusd: int | None, stamp: Stamp
    ) -> bytes:
        """See `response.render_response`."""
        return render_response(
            response, cost_nusd, stamp.created, old=OLD_TOOLS in asked.fields, made_id=_made_id(stamp)
        )

    def stream_parser(self) -> StreamParser:
        """See `stream.ChatStreamParser`."""
        return ChatStreamParser()

    def stream_renderer(self, asked: Asked, stamp: Stamp) -> StreamRenderer:
        """See `stream.ChatStreamRenderer`."""
        old = OLD_TOOLS in asked.fields
        return ChatStreamRenderer(asked.wants_usage, stamp.created, old=old, made_id=_made_id(stamp))


def _made_id(stamp: Stamp) -> str:
    return f"chatcmpl-{stamp.exchange_id}"


CROSSING = ChatCrossing()

_NEUTRAL: Mapping[str, frozenset[bytes]] = MappingProxyType(
    {
        "n": frozenset((b"1",)),
        "stream": frozenset((b"false",)),
        "stream_options": frozenset((b"{}", b'{"include_usage":false}', b'{"include_obfuscation":false}')),
        "store": frozenset((b"false",)),
        "logprobs": frozenset((b"false",)),
        "top_logprobs": frozenset((b"0",)),
        "logit_bias": frozenset((b"{}",)),
        "metadata": frozenset((b"{}",)),
        "modalities": frozenset((b"[]", b'["text"]')),
        "tools": frozenset((b"[]",)),
        "functions": frozenset((b"[]",)),
        "stop": frozenset((b"[]", b'""')),
        "response_format": frozenset((b'{"type":"text"}',)),
        "reasoning": frozenset((b"{}",)),
        # A call's place, which OpenAI's SDKs leave in the calls they put together from a stream.
        "index": frozenset(b"%d" % number for number in range(128)),
        "refusal": frozenset((b'""',)),
        "reasoning_content": frozenset((b'""',)),
        "reasoning_details": frozenset((b"[]",)),
        "tool_calls": frozenset((b"[]",)),
        "annotations": frozenset((b"[]",)),
        "images": frozenset((b"[]",)),
    }
)
