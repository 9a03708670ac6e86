"""How a provider of the configuration is authorized, when that takes more than a key: signatures and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from waypost.config.credentials import SecretMissing, SecretStore
from waypost.config.faults import Faults
from waypost.config.problems import Path
from waypost.config.schema import AuthConfig
from waypost.core.origin import Origin
from waypost.providers.auth.authorizer import Authorizer, BearerToken
from waypost.providers.auth.aws_find import AwsPlace, AwsWanted, NotFound, find_aws
from waypost.providers.auth.entra import AUTHORITY, ClientSecret, EntraSource, FederatedToken, ManagedIdentity
from waypost.providers.auth.entra import SCOPE as ENTRA_SCOPE
from waypost.providers.auth.google import BadCredentials, GoogleSource, MetadataServer, parse_credentials
from waypost.providers.auth.ibm import IamKey
from waypost.providers.auth.renewal import Held, metadata
from waypost.providers.auth.sigv4 import AwsKeys, Place, SigV4

#: Fields of `auth` by scheme; any other one is a mistake.
FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "bearer": frozenset(),
    "header": frozenset(("header",)),
    "none": frozenset(),
    "sigv4": frozenset(
        [
            "access_key_id",
            "secret_access_key",
            "session_token",
            "profile",
            "role_arn",
            "external_id",
            "session_name",
            "service",
            "region",
            "source",
        ]
    ),
    "google": frozenset(("credentials", "source")),
    "azure_entra": frozenset(("tenant_id", "client_id", "client_secret", "scope", "source")),
    "ibm_iam": frozenset(),
}
#: Values of `source` by scheme.
SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "sigv4": ("auto", "environment", "profile", "container", "web_identity", "instance"),
    "google": ("auto", "metadata"),
    "azure_entra": ("auto", "web_identity", "managed_identity"),
}
_AWS_PLACES: Final[Mapping[str, AwsPlace]] = {
    "auto": "auto",
    "environment": "environment",
    "profile": "profile",
    "container": "container",
    "web_identity": "web_identity",
    "instance": "instance",
}


class Schemes:
    """Builds authorizers. `standing` are those in force, by provider: one that does the same is kept, with what it
    fetched."""

    def __init__(self, secrets: SecretStore, faults: Faults, standing: Mapping[str, Authorizer]) -> None:
        self._secrets = secrets
        self._faults = faults
        self._standing = standing

    def check(self, auth: AuthConfig, path: Path) -> None:
        """Collects the fields that do not belong to the scheme."""
        given = {name for name, value in msgspec.structs.asdict(auth).items() if value is not None}
        allowed = FIELDS[auth.scheme]
        for name in sorted(given - allowed - {"scheme"}):
            self._faults.add(
                (*path, name),
                f"the scheme {auth.scheme!r} has no `{name}`",
                expected="one of " + ", ".join(sorted(allowed)) if allowed else "`scheme` alone",
            )
        sources = SOURCES.get(auth.scheme, ())
        if auth.source is not None and sources and auth.source not in sources:
            self._faults.add(
                (*path, "source"),
                f"the scheme {auth.scheme!r} has no source {auth.source!r}",
                expected="one of " + ", ".join(sources),
            )

    def aws(
        self, name: str, auth: AuthConfig, service: str, region: str | None, path: Path
    ) -> Authorizer | None:
        """`sigv4`. `region` is the provider's own."""
        region = auth.region or region
        if region is None:
            self._faults.add(
                path, "no AWS region is known", hint="Add `region: us-east-1`, or set AWS_REGION."
            )
            return None
        keys = self._aws_keys(auth, path)
        if keys is None:
            return None
        wanted = AwsWanted(
            region=region,
            place=_AWS_PLACES.get(auth.source or "auto", "auto"),
            keys=keys if keys.access_key_id else None,
            profile=auth.profile,
            role_arn=auth.role_arn,
            external_id=auth.external_id,
            session_name=auth.session_name or "waypost",
        )
        try:
            found = find_aws(wanted, self._secrets.environ, self._secrets.read_text)
        except NotFound as fault:
            self._faults.add(
                path,
                f"the provider {name!r} can not sign: {fault}",
                hint="Set them, or write `auth: {scheme: sigv4, profile: …}`, or on EC2 "
                "`auth: {scheme: sigv4, source: instance}`.",
            )
            return None
        if isinstance(found, AwsKeys) and not found.printable:
            self._faults.add(path, "the AWS keys have characters that can not stand in a header")
            return None
        place = Place(region, auth.service or service)
        made = SigV4(found if isinstance(found, AwsKeys) else Held[AwsKeys](found, name), place)
        return self._kept(name, made)

    def _aws_keys(self, auth: AuthConfig, path: Path) -> AwsKeys | None:
        """The keys that are written into the configuration, empty for none; None after a fault."""
        pair = (auth.access_key_id, auth.secret_access_key)
        if pair == (None, None):
            return AwsKeys("", "")
        if None in pair:
            absent = "secret_access_key" if auth.secret_access_key is None else "access_key_id"
            self._faults.add(
                path, f"`{absent}` is missing", hint="An access key is a pair of an id and a secret."
            )
            return None
        texts = [
            self.secret(reference, (*path, field)) if reference is not None else ""
            for field, reference in (
                ("access_key_id", auth.access_key_id),
                ("secret_access_key", auth.secret_access_key),
                ("session_token", auth.session_token),
            )
        ]
        access, secret, session = texts
        if access is None or secret is None or session is None:
            return None
        return AwsKeys(access, secret, session or None)

    def google(self, name: str, auth: AuthConfig, path: Path) -> Authorizer | None:
        """`google`."""
        source = self._google_source(name, auth, path)
        return None if source is None else self._kept(name, BearerToken(Held(source, name)))

    def google_project(self, auth: AuthConfig | None) -> str | None:
        """The project that the credentials name, if they can be read."""
        try:
            if auth is not None and auth.credentials is not None:
                text: str | None = self._secrets.resolve(auth.credentials)
            else:
                text = self._secrets.read_text(self._google_file())
            return None if text is None else parse_credentials(text).project
        except (SecretMissing, BadCredentials):
            return None  # whoever needs the credentials says what is wrong with them

    def _google_file(self) -> str:
        env = self._secrets.environ
        folder = env.get("CLOUDSDK_CONFIG") or f"{env.get('HOME', '')}/.config/gcloud"
        return env.get("GOOGLE_APPLICATION_CREDENTIALS") or f"{folder}/application_default_credentials.json"

    def _google_source(self, name: str, auth: AuthConfig, path: Path) -> GoogleSource | None:
        if auth.source == "metadata":
            return MetadataServer()
        at = path
        if auth.credentials is not None:
            at = (*path, "credentials")
            text = self.secret(auth.credentials, at)
            if text is None:
                return None
        else:
            file = self._google_file()
            found = self._secrets.read_text(file)
            if found is None:
                self._faults.add(
                    path,
                    f"the provider {name!r} has no Google credentials: there is no file {file}",
                    hint="Write `auth: {scheme: google, credentials: file:/path}`, or where the machine has an "
                    "identity `auth: {scheme: google, source: metadata}`.",
                )
                return None
            text = found
        try:
            return parse_credentials(text)
        except BadCredentials as fault:
            self._faults.add(at, str(fault), expected="a service account's key, or what `gcloud auth` wrote")
            return None

    def entra(self, name: str, auth: AuthConfig, path: Path) -> Authorizer | None:
        """`azure_entra`."""
        source = self._entra_source(name, auth, path)
        return None if source is None else self._kept(name, BearerToken(Held(source, name)))

    def _entra_source(self, name: str, auth: AuthConfig, path: Path) -> EntraSource | None:
        env = self._secrets.environ
        scope = auth.scope or ENTRA_SCOPE
        if auth.source == "managed_identity":
            endpoint, header = env.get("IDENTITY_ENDPOINT"), env.get("IDENTITY_HEADER")
            where = _app_service(endpoint) if endpoint and header else None
            return ManagedIdentity(auth.client_id, scope, where, header if where else None)
        tenant = auth.tenant_id or env.get("AZURE_TENANT_ID")
        client = auth.client_id or env.get("AZURE_CLIENT_ID")
        authority = (
            env.get("AZURE_AUTHORITY_HOST", AUTHORITY).removeprefix("https://").rstrip("/") or AUTHORITY
        )
        if not tenant or not client:
            self._faults.add(
                path,
                f"the provider {name!r} has no Entra application: `tenant_id` and `client_id` are needed",
                hint="Write them, or set AZURE_TENANT_ID and AZURE_CLIENT_ID, or on an Azure machine "
                "`source: managed_identity`.",
            )
            return None
        if auth.client_secret is not None:
            secret = self.secret(auth.client_secret, (*path, "client_secret"))
            return None if secret is None else ClientSecret(tenant, client, secret, scope, authority)
        file, secret = env.get("AZURE_FEDERATED_TOKEN_FILE"), env.get("AZURE_CLIENT_SECRET")
        if file and (auth.source == "web_identity" or not secret):
            return FederatedToken(tenant, client, file, scope, authority)
        if secret and auth.source != "web_identity":
            return ClientSecret(tenant, client, secret, scope, authority)
        self._faults.add(
            path,
            f"the provider {name!r} has no secret for its Entra application",
            hint="Write `client_secret: env:NAME`, or set AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE.",
        )
        return None

    def ibm(self, name: str, key: str) -> Authorizer:
        """`ibm_iam`."""
        return self._kept(name, BearerToken(Held(IamKey(key), name)))

    def secret(self, reference: str, path: Path) -> str | None:
        """What is behind a reference; None after a fault."""
        try:
            return self._secrets.resolve(reference)
        except SecretMissing as fault:
            self._faults.add(path, str(fault), hint="Set it before the gateway starts, or name another one.")
            return None

    def _kept(self, name: str, made: Authorizer) -> Authorizer:
        old = self._standing.get(name)
        same = old is not None and type(old) is type(made) and old.key == made.key
        return old if old is not None and same else made


def _app_service(endpoint: str) -> tuple[Origin, str] | None:
    try:
        url = urlsplit(endpoint)
        if url.scheme != "http" or url.hostname is None:
            return None
        return metadata(url.hostname, url.port or 80), url.path or "/"
    except ValueError:
        return None
