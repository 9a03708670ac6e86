from __future__ import annotations

import asyncio

from waypost.app.found import LOCAL_MODEL_NAME, answering, from_environment, local_model
from waypost.providers.environment import find_in_environment
from waypost.providers.local import LocalServer
from waypost.providers.registry import find_provider

KEY = "sk-proj-0123456789abcdefABCDEF"


def test_a_key_in_the_environment_is_a_provider_and_shows_nowhere() -> None:
    environ = {"OPENAI_API_KEY": f"{KEY}\n", "GROQ_API_KEY": "changeme"}
    providers = from_environment(find_in_environment(environ), environ)
    assert [each.name for each in providers] == ["openai"]
    openai = providers[0]
    assert openai.credential.reveal() == b"authorization: Bearer %b\r\n" % KEY.encode()
    assert KEY not in repr(providers)
    assert (openai.origin.scheme, openai.origin.private, openai.path) == ("https", False, "/v1")


async def test_only_servers_that_answer_are_providers() -> None:
    spec = find_provider("ollama")
    assert spec is not None
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        found = await answering([LocalServer(spec, port)])
    assert [(each.name, each.origin.port, each.origin.private) for each in found] == [("ollama", port, True)]
    assert await answering([LocalServer(spec, port)]) == []


def test_the_built_in_model_is_a_private_provider() -> None:
    served_by = local_model(1234)
    assert (served_by.origin.port, served_by.origin.private, served_by.credential.reveal()) == (
        1234,
        True,
        b"",
    )
    assert LOCAL_MODEL_NAME == "local/smollm2"
