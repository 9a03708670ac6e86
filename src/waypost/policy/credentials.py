"""Credentials that people bring: which secrets are taken, and how they are sealed and opened."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from hmac import compare_digest
from typing import Final

import msgspec

from waypost.config.targets import Provider
from waypost.core.credentials import Credential, CredentialState, ends_of
from waypost.errors import InvalidRequest, StoreUnavailable
from waypost.ports.sealing import Sealing

#: What the key is made for that seals them.
PURPOSE: Final = "provider credential"
SECRET_MOST: Final = 8192
#: What can stand in a header, without white space: a line's end that came along is a key that nobody accepts.
_SECRET: Final = re.compile(r"[\x21-\x7e]+")
_NAMED_MOST: Final = 12
#: What belongs to a secret, and changes with it.
_OF_SECRET: Final = ("origin", "sealed", "ends_in", "version", "changed_at")


def check_secret(secret: str) -> None:
    """Raises InvalidRequest, which never quotes it."""
    if len(secret) > SECRET_MOST:
        raise InvalidRequest(f"The secret is longer than {SECRET_MOST:,} characters.", param="secret")
    if not _SECRET.fullmatch(secret):
        raise InvalidRequest(
            "The secret is empty, or has white space or characters that can not stand in a header. Send the provider's "
            "key as it is, without a line's end.",
            param="secret",
        )


def served_by(providers: Mapping[str, Provider], name: str) -> Provider:
    """The provider that a credential is to be for. Raises InvalidRequest for one that is not configured, or whose
    requests are proven otherwise than with a key."""
    provider = providers.get(name)
    if provider is None:
        raise InvalidRequest(
            f"There is no provider {name[:80]!r} in the configuration. {_named(providers)}", param="provider"
        )
    if provider.keying is None:
        raise InvalidRequest(
            f"The provider {name!r} takes no key: it is asked without one, its requests are signed, or a token is "
            "fetched for them. Only its operator can say with what, in the configuration (`auth`).",
            param="provider",
        )
    return provider


def given(
    seals: Sealing,
    providers: Mapping[str, Provider],
    made: Credential,
    secret: str | None,
    old: Credential | None,
    at: float,
) -> Credential:
    """`made`, a credential that is to be in place of `old`, with the secret that was given, or with the one there is.

    A secret is bound to the address that its provider has now; the same one for the same address changes nothing.
    Raises InvalidRequest.
    """
    if secret is None:
        if old is None or old.provider != made.provider:
            which = "A new credential" if old is None else "A credential for another provider"
            raise InvalidRequest(f"{which} needs a secret: the provider's key.", param="secret")
        kept = {name: getattr(old, name) for name in _OF_SECRET}
        return msgspec.structs.replace(made, **kept)
    check_secret(secret)
    origin = served_by(providers, made.provider).origin.url
    there = None if old is None else (old.provider, old.origin)
    if old is not None and there == (made.provider, origin) and _is_same(seals, old, secret):
        return given(seals, providers, made, None, old, at)
    version = 1 if old is None else old.version + 1
    bound = msgspec.structs.replace(made, origin=origin, version=version, changed_at=at)
    return _with(seals, bound, secret)


def _with(seals: Sealing, found: Credential, secret: str) -> Credential:
    sealed = seals.seal(PURPOSE, found.row, secret.encode("ascii"))
    return msgspec.structs.replace(found, sealed=sealed, ends_in=ends_of(secret))


def _is_same(seals: Sealing, old: Credential, secret: str) -> bool:
    try:
        return compare_digest(secret_of(seals, old).encode(), secret.encode())
    except StoreUnavailable:  # what can not be read any more is replaced
        return False


def secret_of(seals: Sealing, found: Credential) -> str:
    """Its secret. Raises StoreUnavailable when its root key is not here, or when the row was changed."""
    return seals.open(PURPOSE, found.row, found.sealed).decode("ascii")


def resealed(seals: Sealing, found: Credential) -> Credential:
    """The same under the newest root key; the same value where it is already. Raises as `secret_of`."""
    if not seals.is_stale(found.sealed):
        return found
    return _with(seals, found, secret_of(seals, found))


def state_of(
    found: Credential, providers: Mapping[str, Provider], at: float, readable: bool = True
) -> CredentialState:
    """Whether it is used at Unix time `at`, and if not, why."""
    if found.disabled:
        return "disabled"
    if found.expires_at is not None and found.expires_at <= at:
        return "expired"
    provider = providers.get(found.provider)
    if provider is None or provider.keying is None:
        return "unserved"
    if provider.origin.url != found.origin:
        return "unbound"
    return "active" if readable else "unreadable"


def _named(providers: Collection[str]) -> str:
    if not providers:
        return "None is configured or was found."
    names = sorted(providers)
    more = f" and {len(names) - _NAMED_MOST} more" if len(names) > _NAMED_MOST else ""
    return f"There is {', '.join(names[:_NAMED_MOST])}{more}."
