"""The dialects `gemini_embed` and `gemini_embed_batch`: one content, or many.

Two dialects, because each has its own path and its own body. A request of another dialect goes to the second, also with
a single input, where the provider has it.
"""

from __future__ import annotations

from collections.abc import Callable

from waypost.core.asked import Asked, Onward, PathAsk
from waypost.core.quirks import Quirks
from waypost.dialects.dialect import NO_PATH
from waypost.dialects.gemini.ask import onward
from waypost.dialects.gemini.codec import GeminiDialect
from waypost.dialects.gemini.reply import parse_reply
from waypost.dialects.gemini_embed.ask import batch_for, parse_batch, parse_one
from waypost.dialects.gemini_embed.crossing import BATCH, EmbedCrossing
from waypost.dialects.gemini_embed.parts import NAME
from waypost.dialects.json_limits import DEFAULT, JsonLimits


class EmbedDialect(GeminiDialect):
    """A `Dialect`. Immutable."""

    __slots__ = ("_parse",)

    def __init__(self, name: str, method: str, parse: Callable[[bytes, JsonLimits, PathAsk], Asked]) -> None:
        batch = name == BATCH
        super().__init__(name, "embeddings", method, embed_codec=EmbedCrossing(parse_reply, batch=batch))
        self._parse = parse

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """See `ask.parse_one` and `ask.parse_batch`."""
        return self._parse(body, limits, path)

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """The client's fields; a batch names the target's model in each of its requests."""
        fields = batch_for(asked, model) if "requests" in asked.fields else asked.fields.copy()
        return onward(fields, quirks)


EMBED = EmbedDialect(NAME, "embedContent", parse_one)
EMBED_BATCH = EmbedDialect(BATCH, "batchEmbedContents", parse_batch)
