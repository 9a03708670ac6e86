"""The dialect `anthropic_vertex`: the model and whether to stream stand in the path, the version in the body.

https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude and the Vertex client of
anthropic 2.14.0 on PyPI (2026-11-25).
"""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from waypost.core.asked import Asked, Onward
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest
from waypost.dialects.anthropic_messages.codec import AnthropicDialect
from waypost.dialects.anthropic_messages.crossing import AnthropicCrossing
from waypost.dialects.fields import Fields, parse_object, render_fields
from waypost.errors import InvalidRequest

#: Sent unless the client names another: in this dialect the header `anthropic-version` is not read.
VERSION = "vertex-2023-10-16"


class VertexCrossing(AnthropicCrossing):
    """A `ChatCodec`."""

    __slots__ = ()

    def render_request(self, request: ChatRequest, quirks: Quirks, loss: Loss) -> bytes:
        """As at Anthropic, with the version and without the model."""
        return _body(parse_object(super().render_request(request, quirks, loss)))


class VertexDialect(AnthropicDialect):
    """A `Dialect` for targets only. Immutable."""

    __slots__ = ()

    def onward_path(self, model: str, stream: bool) -> str:
        """Raises InvalidRequest for an id that can not stand in a path."""
        if not model or model.strip(".") == "" or any(ord(letter) < 33 for letter in model):
            raise InvalidRequest(
                f"The model {model[:64]!r} can not stand in a path at Vertex AI. Ask for the id that Google lists, "
                "such as `claude-sonnet-4-5@20250929`.",
                param="model",
            )
        verb = "streamRawPredict" if stream else "rawPredict"
        return f"/publishers/anthropic/models/{quote(model, safe='@')}:{verb}"

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """As at Anthropic, with the version and without the model."""
        onward = super().render_onward(asked, model, quirks)
        return Onward(_body(parse_object(onward.body)), onward.dropped)


def _body(fields: Fields) -> bytes:
    fields.pop("model", None)
    fields.setdefault("anthropic_version", msgspec.Raw(b'"%b"' % VERSION.encode()))
    return render_fields(fields)


VERTEX = VertexDialect("anthropic_vertex", VertexCrossing(), ())
