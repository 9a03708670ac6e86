"""Who the gateway is to a Valkey or Redis server: asked for anew for each connection, where it may change."""

from __future__ import annotations

import asyncio
import ssl

from waypost.config.shared_store import SharedStore
from waypost.errors import StoreUnavailable
from waypost.stores.fresh_secret import ask_secret, read_secret


async def password_of(store: SharedStore) -> str | None:
    """The password for a new connection. Raises StoreUnavailable."""
    if store.password_command:
        told = "the command in shared.password_command printed no password"
        return await asyncio.to_thread(ask_secret, store.password_command, told)
    if store.password_file is not None:
        told = f"its password can not be read from {store.password_file}"
        return (await asyncio.to_thread(read_secret, store.password_file, told)).strip()
    return store.password


def secured(store: SharedStore) -> ssl.SSLContext | None:
    """How a connection is secured. Raises StoreUnavailable for files that can not be used."""
    if not store.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=store.ca)
        if store.ca is not None:
            context.load_default_certs()
        if store.cert is not None:
            context.load_cert_chain(store.cert, store.key, password="")
    except (OSError, ssl.SSLError):
        raise StoreUnavailable(
            "its `ca`, `cert` or `key` can not be used: they have to be PEM files"
        ) from None
    return context
