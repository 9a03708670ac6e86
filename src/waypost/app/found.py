"""Providers that nobody configured: by their key in the environment, or by answering on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from waypost.config.credentials import render_credential
from waypost.config.origins import BadUrl, parse_base_url
from waypost.config.preset import keyed, keying_of, surface
from waypost.config.targets import Credential, Provider
from waypost.core.origin import Origin
from waypost.providers.environment import EnvironmentScan
from waypost.providers.fill import Filled, fill
from waypost.providers.local import LocalServer
from waypost.providers.smollm import ALIAS
from waypost.providers.spec import ProviderSpec

_PROBE_S = 0.3
#: The name under which the built-in model's server is a provider: `local/smollm2`.
LOCAL_MODEL = "local"
LOCAL_MODEL_NAME = f"{LOCAL_MODEL}/{ALIAS}"


def from_environment(scan: EnvironmentScan, environ: Mapping[str, str]) -> list[Provider]:
    """One provider for each key found; a row whose URL has parts that the environment does not tell either is left to
    the configuration."""
    providers: list[Provider] = []
    for found in scan.found:
        secret = environ[found.variable].strip()
        credential, filled = render_credential(secret, found.spec), fill(found.spec, {}, environ)
        if credential is None or not filled.whole:
            continue
        made = _provider(found.spec, filled, filled.base_url, credential, label="environment")
        providers.append(msgspec.structs.replace(made, credentials=keyed(found.spec, secret)))
    return providers


async def answering(servers: Sequence[LocalServer]) -> list[Provider]:
    """Those local servers at whose port something listens. What it is shows when its model list is read."""
    open_ports = await asyncio.gather(*(_listens(server.port) for server in servers))
    providers: dict[str, Provider] = {}
    for server, is_open in zip(servers, open_ports, strict=True):
        if is_open and server.spec.name not in providers:
            filled = fill(server.spec, {}, {})
            providers[server.spec.name] = _provider(
                server.spec, filled, server.base_url, Credential(b""), label="local"
            )
    return list(providers.values())


def local_model(port: int) -> Provider:
    """The built-in model's server."""
    return Provider(
        name=LOCAL_MODEL,
        dialects=("openai_chat", "openai_completions"),
        origin=Origin("http", "127.0.0.1", port, private=True),
        path="/v1",
        credential=Credential(b""),
        origin_label="local",
    )


def _provider(
    spec: ProviderSpec, filled: Filled, base_url: str, credential: Credential, *, label: str
) -> Provider:
    try:
        url = parse_base_url(base_url)
    except BadUrl as error:
        raise AssertionError(f"the provider row {spec.name} has a bad URL: {error}") from None
    local = label == "local"
    over = surface(spec, filled, url)
    return Provider(
        name=spec.name,
        dialects=spec.dialects,
        # A preset's public name that suddenly resolves to a private address is an attack, not a configuration.
        origin=Origin(url.scheme, url.host, url.port, private=local),
        path=url.path,
        credential=credential,
        keying=keying_of(spec),
        quirks=spec.quirks,
        headers=over.headers,
        dialect_headers=over.dialect_headers,
        paths=over.paths,
        endings=over.endings,
        query=over.query,
        models_path=over.models_path,
        models_origin=over.models_origin,
        prices=spec.prices or spec.name,
        serves=spec.serves,
        rates=spec.rates,
        origin_label="local" if local else "environment",
        region=filled.region or "",
    )


async def _listens(port: int) -> bool:
    try:
        async with asyncio.timeout(_PROBE_S):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
