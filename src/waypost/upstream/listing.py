"""Ask a provider for its list of models."""

from __future__ import annotations

from posixpath import normpath

from waypost.catalog.discovery import ListedModel, parse_models
from waypost.config.snapshot import Provider
from waypost.core.origin import Deadlines
from waypost.errors import CredentialRefused, Failed
from waypost.ports import Upstream
from waypost.upstream.head import render_prefix

_DEADLINES = Deadlines(connect_s=5.0, first_byte_s=10.0, idle_s=10.0, total_s=20.0)
_CONSTANT = b"accept: application/json\r\naccept-encoding: identity\r\nuser-agent: waypost\r\n"


async def fetch_models(upstream: Upstream, provider: Provider) -> tuple[ListedModel, ...]:
    """The provider's models, in its own order; empty for a provider that has no list. Raises UpstreamError."""
    if provider.models_path is None:
        return ()
    head = render_prefix(
        "GET",
        # A row's `models_path` may climb out of the base URL's path.
        normpath(provider.path + provider.models_path),
        provider.origin.authority,
        provider.credential.reveal(),
        _CONSTANT,
        provider.headers,
    )
    answer = await upstream.send(provider.origin, head + b"\r\n", b"", _DEADLINES)
    answer.close()
    if answer.status in (401, 403):
        raise CredentialRefused(f"{provider.name} refused the key it was given (HTTP {answer.status}).")
    if answer.status != 200:
        raise Failed(f"{provider.name} answered HTTP {answer.status} when asked for its models.")
    return parse_models(answer.body or b"")
