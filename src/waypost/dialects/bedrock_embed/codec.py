"""The dialect `bedrock_embed`."""

from __future__ import annotations

from waypost.core.asked import Asked, PathAsk, Reply
from waypost.core.usage import Usage
from waypost.dialects.bedrock_converse.ask import model_path
from waypost.dialects.bedrock_converse.codec import ConverseDialect
from waypost.dialects.bedrock_embed.ask import parse_ask
from waypost.dialects.bedrock_embed.crossing import NAME, BedrockEmbedCrossing
from waypost.dialects.bedrock_embed.reply import parse_reply
from waypost.dialects.dialect import NO_PATH, EmbedCodec
from waypost.dialects.fields import render_fields
from waypost.dialects.json_limits import DEFAULT, JsonLimits


class BedrockEmbedDialect(ConverseDialect):
    """A `Dialect`. Immutable. Errors are those of Converse; no path leads clients here."""

    __slots__ = ()

    embed_codec: EmbedCodec | None = BedrockEmbedCrossing()

    def __init__(self) -> None:
        super().__init__(None)
        self.name = self.family = NAME
        self.operation = "embeddings"
        self.entries = ()

    def onward_path(self, model: str, stream: bool) -> str:
        """InvokeModel. Raises InvalidRequest for an id that can not stand in a path."""
        return f"{model_path(model)}/invoke"

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """See `ask.parse_ask`."""
        return parse_ask(body, limits, path)

    def parse_reply(self, body: bytes) -> Reply:
        """See `reply.parse_reply`."""
        return parse_reply(body)

    def render_reply(self, answer: Reply, cost_nusd: int | None) -> bytes:
        """The answer as it came: it has no place for a cost."""
        return render_fields(answer.fields)

    def estimate_output(self, asked: Asked, answer: Reply) -> Usage:
        """Input as estimated at admission; vectors are not counted."""
        return Usage(input=asked.input_estimate, source="estimated")


BEDROCK_EMBED = BedrockEmbedDialect()
