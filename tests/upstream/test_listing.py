from __future__ import annotations

import pytest

from transcript import ScriptedAnswer, ScriptedUpstream, provider
from waypost.errors import CredentialRefused, Failed, Garbled
from waypost.upstream.listing import fetch_models

LIST = b'{"object":"list","data":[{"id":"b"},{"id":"a"}]}'


async def test_the_list_is_asked_for_with_the_providers_key() -> None:
    upstream = ScriptedUpstream([ScriptedAnswer(200, LIST)])
    models = await fetch_models(upstream, provider(), 0.0)
    assert [model.id for model in models] == ["b", "a"]
    head = upstream.sent[0][1]
    assert head.startswith(b"GET /v1/models HTTP/1.1\r\n")
    assert b"Bearer upstream-secret" in head
    assert head.endswith(b"\r\n\r\n")


async def test_a_path_may_climb_out_of_the_base_url() -> None:
    upstream = ScriptedUpstream([ScriptedAnswer(200, LIST)])
    await fetch_models(upstream, provider(path="/inference", models_path="/../catalog/models"), 0.0)
    assert upstream.sent[0][1].startswith(b"GET /catalog/models ")


async def test_a_provider_without_a_list_is_not_asked() -> None:
    assert await fetch_models(ScriptedUpstream([]), provider(models_path=None), 0.0) == ()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ScriptedAnswer(401, b"sk-secret"), CredentialRefused),
        (ScriptedAnswer(500, b""), Failed),
        (ScriptedAnswer(200, b"<html>"), Garbled),
    ],
)
async def test_trouble_is_told_without_the_providers_words(
    answer: ScriptedAnswer, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as raised:
        await fetch_models(ScriptedUpstream([answer]), provider(), 0.0)
    assert "secret" not in str(raised.value)
