"""Google Cloud access tokens: a service account's signed JWT, a user's refresh token, or the metadata server.

Wire facts: https://developers.google.com/identity/protocols/oauth2/service-account and
https://cloud.google.com/compute/docs/access/authenticate-workloads, compared with google-auth 2.63 (2026-11-25).
"""

from __future__ import annotations

import base64
from collections.abc import Generator
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from waypost.errors import CredentialRefused
from waypost.providers.auth.renewal import (
    FORM,
    JSON,
    Ask,
    Said,
    Token,
    Wanted,
    form,
    masked,
    metadata,
    parse_token,
    public,
)

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - a URL
_WHO = "Google's token endpoint"
_LIFE_S = 3600
_METADATA = metadata("169.254.169.254")
_METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"

TokenSteps: TypeAlias = Generator[Wanted, Said, Token]


class BadCredentials(Exception):
    """A credentials file is not what it should be. The text holds no secret."""


class AccountKey(msgspec.Struct, frozen=True):
    """A service account's key file."""

    email: str
    private_key: str
    """PEM."""
    key_id: str
    token_uri: str = TOKEN_URI
    project: str | None = None

    __repr__ = masked

    def steps(self, at: float) -> TokenSteps:
        """RFC 7523: the signed assertion is exchanged for an access token."""
        body = form(
            grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
            assertion=signed_assertion(self, at),
        )
        return parse_token((yield _post(self.token_uri, body)), at, _WHO)


class AuthorizedUser(msgspec.Struct, frozen=True):
    """What `gcloud auth application-default login` writes."""

    client_id: str
    client_secret: str
    refresh_token: str
    token_uri: str = TOKEN_URI
    project: str | None = None

    __repr__ = masked

    def steps(self, at: float) -> TokenSteps:
        body = form(
            grant_type="refresh_token",
            client_id=self.client_id,
            client_secret=self.client_secret,
            refresh_token=self.refresh_token,
        )
        return parse_token((yield _post(self.token_uri, body)), at, _WHO)


class MetadataServer(msgspec.Struct, frozen=True):
    """The identity of the machine, the pod or the function the gateway runs on."""

    project: str | None = None

    def steps(self, at: float) -> TokenSteps:
        ask = Ask(_METADATA, "GET", _METADATA_PATH, (("metadata-flavor", "Google"),))
        return parse_token((yield ask), at, "Google's metadata server")


GoogleSource: TypeAlias = AccountKey | AuthorizedUser | MetadataServer


class _File(msgspec.Struct):
    type: str
    client_email: str = ""
    private_key: str = ""
    private_key_id: str = ""
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""
    token_uri: str = TOKEN_URI
    project_id: str | None = None
    quota_project_id: str | None = None


def parse_credentials(data: str) -> AccountKey | AuthorizedUser:
    """A credentials file of either kind. Raises BadCredentials."""
    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.DecodeError, RecursionError):
        raise BadCredentials("this is not a Google credentials file in JSON") from None
    uri = urlsplit(file.token_uri)
    if uri.scheme != "https" or not uri.hostname or uri.port not in (None, 443):
        raise BadCredentials("the credentials' `token_uri` is not an https URL")
    if file.type == "service_account":
        if not file.client_email or "-----BEGIN" not in file.private_key:
            raise BadCredentials("the service account's file has no `client_email` or no `private_key`")
        return AccountKey(
            file.client_email, file.private_key, file.private_key_id, file.token_uri, file.project_id
        )
    if file.type == "authorized_user":
        if not (file.client_id and file.client_secret and file.refresh_token):
            raise BadCredentials("the user's file has no `client_id`, `client_secret` or `refresh_token`")
        return AuthorizedUser(
            file.client_id, file.client_secret, file.refresh_token, file.token_uri, file.quota_project_id
        )
    raise BadCredentials(
        "the credentials are neither a service account's nor a user's (`type` is another one)"
    )


class _Header(msgspec.Struct):
    kid: str
    alg: Literal["RS256"] = "RS256"
    typ: Literal["JWT"] = "JWT"


class _Claims(msgspec.Struct):
    iss: str
    scope: str
    aud: str
    iat: int
    exp: int


def signed_assertion(account: AccountKey, at: float) -> str:
    """The JWT that a service account proves itself with for an hour. Raises CredentialRefused for a broken key."""
    now = int(at)
    claims = _Claims(account.email, SCOPE, account.token_uri, now, now + _LIFE_S)
    text = f"{_encode(_Header(account.key_id))}.{_encode(claims)}"
    return f"{text}.{_unpadded(_sign_rs256(account.private_key, text.encode()))}"


def _sign_rs256(pem: str, data: bytes) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CredentialRefused("the service account's `private_key` can not be read.") from None
    if not isinstance(key, RSAPrivateKey):
        raise CredentialRefused("the service account's `private_key` is not an RSA key.")
    signature: bytes = key.sign(data, PKCS1v15(), SHA256())
    return signature


def _encode(part: msgspec.Struct) -> str:
    return _unpadded(msgspec.json.encode(part))


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _post(uri: str, body: bytes) -> Ask:
    parts = urlsplit(uri)
    return Ask(public(parts.hostname or ""), "POST", parts.path or "/", (FORM, JSON), body)
