from __future__ import annotations

import asyncio

import pytest

from config.golden_view import NoCatalog
from waypost.app.found import LOCAL_MODEL_NAME, answering, from_environment, local_model
from waypost.config.load import load_bytes
from waypost.config.resolve import Surroundings, resolve
from waypost.config.targets import Credential, Provider
from waypost.dialects.registry import DIALECTS
from waypost.providers.environment import find_in_environment
from waypost.providers.local import LocalServer
from waypost.providers.registry import find_provider
from waypost.providers.rows import CLOUD
from waypost.providers.spec import KEYED, ProviderSpec

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


#: By itself it is found with what only a configuration can change: how a person's own key would be shown to it.
_OF_ITS_OWN = ("origin_label", "keying")


@pytest.mark.parametrize(
    "row", [row for row in CLOUD if row.implicit and row.env and row.auth in KEYED], ids=lambda row: row.name
)
def test_one_that_is_found_is_the_same_as_one_that_is_configured(row: ProviderSpec) -> None:
    given = {name for part in row.variables.values() for name in part.env}
    environ = {row.env[0]: KEY, **{name: f"{name.lower().replace('_', '-')}.example" for name in given}}
    (found,) = from_environment(find_in_environment(environ), environ)
    around = Surroundings(environ=environ, presets={row.name: row}, dialects=DIALECTS, catalog=NoCatalog())
    text = f"providers: [{{name: {row.name}, preset: {row.name}, api_key: 'env:{row.env[0]}'}}]"
    configured = resolve(load_bytes(text.encode()), around, version=1).providers[row.name]
    for name in Provider.__struct_fields__:
        one, other = getattr(found, name), getattr(configured, name)
        if isinstance(one, Credential):
            one, other = one.reveal(), other.reveal()
        if name == "credentials":
            one, other = (
                {dialect: each.reveal() for dialect, each in given.items()} for given in (one, other)
            )
        assert one == other or name in _OF_ITS_OWN, name
