from __future__ import annotations

import pytest

from waypost.core.usage import Usage
from waypost.dialects.openai_embeddings.codec import EMBEDDINGS


@pytest.mark.parametrize("vector", [b"[0.10,-2e-3]", b'"zczMPQrXI7w="'])
def test_vectors_pass_as_they_are(vector: bytes) -> None:
    body = (
        b'{"object":"list","data":[{"embedding":%b,"index":0}],"usage":{"prompt_tokens":4,"total_tokens":4}}'
        % vector
    )
    dialect = EMBEDDINGS
    reply = dialect.parse_reply(body)
    assert reply.usage == Usage(input=4)
    assert dialect.render_reply(reply, 80) == body.replace(
        b'"total_tokens":4', b'"total_tokens":4,"cost":0.00000008'
    )
