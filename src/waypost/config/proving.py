"""How a provider of the configuration is shown who asks: its one key, each of its several keys, or a scheme."""

from __future__ import annotations

from typing import Final

import msgspec

from waypost.config.credentials import BEARER, SecretMissing, SecretStore, render_credential, render_keyed
from waypost.config.faults import Faults
from waypost.config.preset import UNLISTED, keyed, keying_of
from waypost.config.problems import Path
from waypost.config.schema import AuthConfig, ProviderConfig
from waypost.config.schemes import Schemes
from waypost.config.targets import Credential, Keying, Provider
from waypost.providers.auth.authorizer import Authorizer
from waypost.providers.fill import Filled
from waypost.providers.spec import KEYED, MADE, ProviderSpec

NOTHING: Final = Credential(b"")
_NO_SETTINGS: Final = AuthConfig(scheme="none")


class _Given(msgspec.Struct, frozen=True):
    """A key as it was written."""

    reference: str | None
    path: Path
    name: str = ""

    def label(self, provider: str) -> str:
        return f"{provider}#{self.name}" if self.name else provider


class Proving:
    """Makes credentials."""

    def __init__(self, secrets: SecretStore, faults: Faults, schemes: Schemes) -> None:
        self._secrets = secrets
        self._faults = faults
        self._schemes = schemes

    def provers(
        self,
        plainly: Provider,
        entry: ProviderConfig,
        spec: ProviderSpec | None,
        filled: Filled | None,
        hidden: bytes,
        path: Path,
    ) -> tuple[Provider, ...]:
        """`plainly`, a provider without a credential, once for each of its keys."""
        if entry.auth is not None:
            self._schemes.check(entry.auth, (*path, "auth"))
        plainly = msgspec.structs.replace(plainly, keying=_keying(entry, spec, hidden))
        if entry.keys is None:
            given = _Given(entry.api_key, (*path, "api_key"))
            credential, others = self._credential(entry, spec, filled, hidden, path, given)
            return (msgspec.structs.replace(plainly, credential=credential, credentials=others),)
        if entry.api_key is not None:
            self._faults.add((*path, "keys"), "`api_key` and `keys` are both given", hint="Keep one.")
        made: dict[str, Provider] = {}
        for index, key in enumerate(entry.keys):
            at: Path = (*path, "keys", index)
            if key.name in made:
                self._faults.add((*at, "name"), f"there are two keys named {key.name!r}")
            given = _Given(key.api_key, (*at, "api_key"), key.name)
            credential, others = self._credential(entry, spec, filled, hidden, path, given)
            made[key.name] = msgspec.structs.replace(
                plainly,
                credential=credential,
                credentials=others,
                key_name=key.name,
                key_weight=key.weight,
                key_rpm=key.rpm,
                key_concurrency=key.concurrency,
            )
        return tuple(made.values())

    def _credential(
        self,
        entry: ProviderConfig,
        spec: ProviderSpec | None,
        filled: Filled | None,
        hidden: bytes,
        path: Path,
        given: _Given,
    ) -> tuple[Credential, dict[str, Credential]]:
        """The credential, and by dialect those that differ. Header lines made of secrets go with them, since no repr
        shows what is in them."""
        none: dict[str, Credential] = {}
        scheme = (
            entry.auth.scheme if entry.auth is not None else (spec.auth if spec is not None else "bearer")
        )
        if entry.auth is not None and given.reference is not None and scheme not in (*KEYED, "ibm_iam"):
            self._faults.add(
                given.path, f"the scheme {scheme!r} takes no `api_key`", hint="Keep one of the two."
            )
            return Credential(hidden), none
        made = scheme in MADE
        if made and scheme != "ibm_iam" and given.reference is None:
            secret = self._usual_key(spec) if entry.auth is None else None
            if secret is None:
                return Credential(hidden, self._authorizer(entry, spec, filled, scheme, path)), none
        else:
            secret = self._key(entry, spec, scheme, path, given)
        if secret is None:
            return Credential(hidden), none
        if scheme == "ibm_iam":
            return Credential(hidden, self._schemes.ibm(given.label(entry.name), secret)), none
        header = (entry.auth.header or BEARER) if entry.auth is not None and scheme == "header" else None
        if entry.auth is not None:
            line = render_keyed(secret, header or BEARER)
        else:
            found = render_credential(secret, spec)
            line = None if found is None else found.reveal()
        if line is None:
            self._faults.add(given.path, "the key has characters that can not stand in a header")
            return Credential(hidden), none
        others = keyed(spec or UNLISTED, secret, hidden) if entry.auth is None else none
        return Credential(line + hidden), others

    def _key(
        self, entry: ProviderConfig, spec: ProviderSpec | None, scheme: str, path: Path, given: _Given
    ) -> str | None:
        """A key of a provider; None when it needs none, or after a fault."""
        if given.reference is not None:
            return self.secret(given.reference, given.path)
        if scheme == "none":
            return None
        secret = self._usual_key(spec)
        if secret is None and spec is not None:
            unset = (
                f": {' and '.join(spec.env)} {'are' if len(spec.env) > 1 else 'is'} not set"
                if spec.env
                else ""
            )
            either = f"Set {spec.env[0]}, or write" if spec.env else "Write"
            self._faults.add(
                path,
                f"the provider {entry.name!r} has no key{unset}",
                hint=f"{either} `api_key: env:NAME` or `api_key: file:/path`.",
            )
        return secret

    def _usual_key(self, spec: ProviderSpec | None) -> str | None:
        names = spec.env if spec is not None else ()
        return next((value for value in map(self._from_environment, names) if value), None)

    def _authorizer(
        self,
        entry: ProviderConfig,
        spec: ProviderSpec | None,
        filled: Filled | None,
        scheme: str,
        path: Path,
    ) -> Authorizer | None:
        auth = entry.auth or _NO_SETTINGS
        at: Path = path if entry.auth is None else (*path, "auth")
        if scheme == "sigv4":
            region = entry.region or (filled.region if filled is not None else None)
            if region is None and auth.region is None and spec is not None and filled is None:
                return None  # told of already
            service = spec.aws_service if spec is not None else "bedrock"
            return self._schemes.aws(entry.name, auth, service, region, at)
        if scheme == "google":
            return self._schemes.google(entry.name, auth, at)
        return self._schemes.entra(entry.name, auth, at)

    def _from_environment(self, name: str) -> str | None:
        try:
            return self._secrets.resolve(f"env:{name}")
        except SecretMissing:
            return None

    def secret(self, reference: str, path: Path) -> str | None:
        """What is behind a reference; None after a fault."""
        try:
            return self._secrets.resolve(reference)
        except SecretMissing as fault:
            self._faults.add(path, str(fault), hint="Set it before the gateway starts, or name another one.")
            return None


def _keying(entry: ProviderConfig, spec: ProviderSpec | None, hidden: bytes) -> Keying | None:
    """How a key that somebody brings goes to a provider, whether the operator's own goes so or not."""
    auth = entry.auth
    if auth is None or auth.scheme == "none":
        return keying_of(spec or UNLISTED, hidden)
    if auth.scheme not in KEYED:
        return None
    header = (auth.header or BEARER) if auth.scheme == "header" else BEARER
    return Keying(header.lower(), hidden=hidden)
