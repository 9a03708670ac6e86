"""What rendering one request has to know besides the part at hand."""

from __future__ import annotations

from waypost.core.loss import Loss
from waypost.core.request import ChatRequest, ToolCall
from waypost.dialects.gemini_generate.own import NAME
from waypost.dialects.gemini_generate.traits import Traits, traits_of


class Rendering:
    """Owned by one call of `render_request`."""

    __slots__ = ("loss", "names", "native", "traits")

    def __init__(self, request: ChatRequest, loss: Loss) -> None:
        self.loss = loss
        self.traits: Traits = traits_of(request.model)
        #: The request came in this dialect: it is said again as it was, without help for what the model may lack.
        self.native = request.extras is not None and request.extras.dialect == NAME
        #: Tools by the id of a call.
        self.names = {
            part.call_id: part.name
            for message in request.messages
            for part in message.parts
            if isinstance(part, ToolCall)
        }
