"""Ask a provider for its list of models."""

from __future__ import annotations

from posixpath import normpath

from waypost.catalog.discovery import ListedModel, parse_models
from waypost.config.targets import Provider
from waypost.core.origin import Deadlines
from waypost.errors import CredentialRefused, Failed
from waypost.ports import Upstream
from waypost.upstream.head import render_prefix

_DEADLINES = Deadlines(connect_s=5.0, first_byte_s=10.0, idle_s=10.0, total_s=20.0)
_CONSTANT = b"accept: application/json\r\naccept-encoding: identity\r\nuser-agent: waypost\r\n"


async def fetch_models(upstream: Upstream, provider: Provider, at: float) -> tuple[ListedModel, ...]:
    """The provider's models, in its own order; empty for a provider that has no list. `at` is Unix time.

    Raises UpstreamError.
    """
    if provider.models_path is None:
        return ()
    origin = provider.models_origin or provider.origin
    native = provider.dialects[0] if provider.dialects else ""
    path = models_target(provider)
    head = render_prefix(
        "GET",
        path,
        origin.authority,
        provider.credential_for(native).lines("GET", origin.authority, path, b"", at),
        _CONSTANT,
        provider.headers,
        *(line for _, line in provider.dialect_headers.get(native, ())),
    )
    answer = await upstream.send(origin, head + b"\r\n", b"", _DEADLINES)
    answer.close()
    if answer.status in (401, 403):
        raise CredentialRefused(f"{provider.name} refused the key it was given (HTTP {answer.status}).")
    if answer.status != 200:
        raise Failed(f"{provider.name} answered HTTP {answer.status} when asked for its models.")
    return parse_models(answer.body or b"")


def models_target(provider: Provider) -> str:
    """The path and query of the list. A row's `models_path` may climb out of the base URL's path."""
    path, mark, query = (provider.models_path or "").partition("?")
    start = provider.path if provider.models_origin is None else ""
    return normpath(start + path) + mark + query
