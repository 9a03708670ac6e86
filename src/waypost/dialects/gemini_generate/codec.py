"""The dialect `gemini_generate`."""

from __future__ import annotations

from waypost.core.asked import Asked, PathAsk, Reply
from waypost.dialects.dialect import NO_PATH
from waypost.dialects.gemini.codec import GeminiDialect
from waypost.dialects.gemini.paths import entries, onward_path
from waypost.dialects.gemini_generate.ask import parse_ask
from waypost.dialects.gemini_generate.crossing import CROSSING
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.verdict import no_answer

_WHOLE = "generateContent"
_STREAM = "streamGenerateContent"
#: One of these makes an object an answer: a prompt that was blocked has no candidates, nor has one that only cost.
_ANSWERS = frozenset({"candidates", "promptFeedback", "usageMetadata"})


class GenerateDialect(GeminiDialect):
    """A `Dialect`. Immutable."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("gemini_generate", "chat", _WHOLE, CROSSING)
        self.entries = entries(_WHOLE) + entries(_STREAM, stream=True)

    def onward_path(self, model: str, stream: bool) -> str:
        """Streams are asked for as events, whatever form the client wants."""
        return onward_path(model, _STREAM) + "?alt=sse" if stream else onward_path(model, _WHOLE)

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """See `ask.parse_ask`."""
        return parse_ask(body, limits, path)

    def parse_reply(self, body: bytes) -> Reply:
        """Raises as `gemini.reply.parse_reply`, and Garbled for an object that is no answer."""
        reply = super().parse_reply(body)
        if not reply.fields.keys() & _ANSWERS:
            raise no_answer()
        return reply


GENERATE = GenerateDialect()
