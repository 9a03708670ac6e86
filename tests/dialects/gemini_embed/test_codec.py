from __future__ import annotations

import msgspec

from waypost.core.asked import PathAsk
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.gemini_embed.codec import EMBED, EMBED_BATCH

PATH = PathAsk("m")


def test_paths() -> None:
    assert EMBED.onward_path("e", False) == "/models/e:embedContent"
    assert EMBED_BATCH.onward_path("e", False) == "/models/e:batchEmbedContents"
    assert EMBED.operation == EMBED_BATCH.operation == "embeddings"
    assert EMBED.family != EMBED_BATCH.family, "their bodies differ"


def test_one_goes_on_without_its_model() -> None:
    asked = EMBED.parse_ask(b'{"model":"models/x","content":{"parts":[]}}', path=PATH)
    assert EMBED.render_onward(asked, "target", Quirks()).body == b'{"content":{"parts":[]}}'


def test_a_batch_goes_on_with_the_target() -> None:
    asked = EMBED_BATCH.parse_ask(b'{"requests":[{"content":{}}]}', path=PATH)
    body = EMBED_BATCH.render_onward(asked, "target", Quirks()).body
    assert msgspec.json.decode(body) == {"requests": [{"content": {}, "model": "models/target"}]}


def test_usage_where_it_is_reported() -> None:
    reply = EMBED.parse_reply(b'{"embedding":{"values":[0.1]},"usageMetadata":{"promptTokenCount":3}}')
    assert reply.usage == Usage(input=3)
    silent = EMBED.parse_reply(b'{"embedding":{"values":[0.1]}}')
    asked = EMBED.parse_ask(b'{"content":{}}', path=PATH)
    counted = EMBED.estimate_output(asked, silent)
    assert (silent.usage, counted.output, counted.source) == (None, 0, "estimated")
