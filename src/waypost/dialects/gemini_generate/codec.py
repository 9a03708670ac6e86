"""The dialect `gemini_generate`."""

from __future__ import annotations

from waypost.core.asked import Asked, PathAsk
from waypost.dialects.dialect import NO_PATH
from waypost.dialects.gemini.codec import GeminiDialect
from waypost.dialects.gemini.paths import entries, onward_path
from waypost.dialects.gemini_generate.ask import parse_ask
from waypost.dialects.gemini_generate.crossing import CROSSING
from waypost.dialects.json_limits import DEFAULT, JsonLimits

_WHOLE = "generateContent"
_STREAM = "streamGenerateContent"


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


GENERATE = GenerateDialect()
