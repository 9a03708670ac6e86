"""`gemini_generate` to and from the core: the cross-dialect lane.

| what | crosses as |
|---|---|
| system and developer messages, wherever they stand | `systemInstruction`; alone in a request, the user's content |
| texts, refusals | text parts; empty texts of other dialects are left out |
| thinking | `thought` parts; signatures of Google's models alone; hidden thinking of others is dropped and named |
| tool calls | `functionCall`; arguments that are no JSON object: in the one argument `invalid_json` |
| calls without Google's signature, to Gemini 3 and later | with the documented one that skips the check |
| tool results | `functionResponse` with the call's name; a JSON object as it is, other texts as `output` or `error` |
| pictures, sounds, videos, documents | `inlineData`, `fileData`; ids of other providers' files are refused |
| functions | `parametersJsonSchema`; all of them strict: mode VALIDATED; some of them strict: dropped and named |
| JSON answers | `responseJsonSchema`, the name and description in it |
| effort, thinking budget | level or budget, whichever the model has; what it has not is dropped and named |
| metadata | `labels`, when all of it may be one; otherwise dropped and named |
| names of tools that Google refuses | refused |
| seeds beyond 32 bits, stop texts beyond five | dropped and named |
| user, verbosity, cache key, no parallel calls, cache hints, citations in requests | dropped and named |
| `safetySettings`, `speechConfig`, `imageConfig`, `allowedFunctionNames` of several … to others | dropped and named |
| `cachedContent`, built-in tools, code execution parts, to others | refused, being content |
| `promptFeedback.blockReason` | a choice that a filter ended |
| `groundingMetadata`, `citationMetadata` | citations |
| `logprobsResult`, `safetyRatings`, to others | not shown: the core has no place for them |
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
from waypost.dialects.gemini_generate.request import NAMES, parse_request, render_request
from waypost.dialects.gemini_generate.response import parse_response, render_response
from waypost.dialects.gemini_generate.stream import GeminiStreamParser
from waypost.dialects.gemini_generate.writing import GeminiStreamRenderer


class GenerateCrossing:
    """A `ChatCodec`. Stateless."""

    __slots__ = ()

    @property
    def names(self) -> Mapping[str, str]:
        """https://ai.google.dev/api/generate-content (2026-11-25)."""
        return NAMES

    @property
    def neutral(self) -> Mapping[str, frozenset[bytes]]:
        """What Google documents as the default."""
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
        """See `response.render_response`."""
        return render_response(response, cost_nusd, stamp.exchange_id)

    def stream_parser(self) -> StreamParser:
        """See `stream.GeminiStreamParser`."""
        return GeminiStreamParser()

    def stream_renderer(self, asked: Asked, stamp: Stamp) -> StreamRenderer:
        """See `writing.GeminiStreamRenderer`."""
        return GeminiStreamRenderer(asked.form, stamp.exchange_id)


CROSSING = GenerateCrossing()

_FALSE = frozenset((b"false",))
_NOTHING = frozenset((b"[]", b"{}"))
_NEUTRAL: Mapping[str, frozenset[bytes]] = MappingProxyType(
    {
        "thought": _FALSE,
        "role": frozenset((b'"system"', b'"user"', b'"model"')),
        "tools": _NOTHING,
        "toolConfig": _NOTHING | {b'{"functionCallingConfig":{}}'},
        "safetySettings": _NOTHING,
        "labels": _NOTHING,
        "store": _FALSE,
        "serviceTier": frozenset((b'"unspecified"', b'"SERVICE_TIER_UNSPECIFIED"')),
        "generationConfig.candidateCount": frozenset((b"1",)),
        "generationConfig.stopSequences": _NOTHING,
        "generationConfig.responseModalities": _NOTHING,
        "generationConfig.responseLogprobs": _FALSE,
        "generationConfig.thinkingConfig.thinkingLevel": frozenset((b'"THINKING_LEVEL_UNSPECIFIED"',)),
        "generationConfig.mediaResolution": frozenset((b'"MEDIA_RESOLUTION_UNSPECIFIED"',)),
    }
)
