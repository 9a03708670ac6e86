"""Microsoft Entra access tokens: a client secret, a federated token in a file, or the machine's managed identity.

Wire facts: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow and
https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token (2026-11-25).
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from waypost.core.origin import Origin
from waypost.errors import CredentialRefused
from waypost.providers.auth.google import TokenSteps
from waypost.providers.auth.renewal import (
    FORM,
    JSON,
    Ask,
    ReadFile,
    form,
    masked,
    metadata,
    parse_token,
    public,
)

#: What Azure OpenAI and Azure AI services accept tokens for.
SCOPE = "https://cognitiveservices.azure.com/.default"
AUTHORITY = "login.microsoftonline.com"
_WHO = "Microsoft Entra"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ClientSecret(msgspec.Struct, frozen=True):
    """An application with a secret."""

    tenant_id: str
    client_id: str
    client_secret: str
    scope: str = SCOPE
    authority: str = AUTHORITY

    __repr__ = masked

    def steps(self, at: float) -> TokenSteps:
        body = form(
            grant_type="client_credentials",
            client_id=self.client_id,
            client_secret=self.client_secret,
            scope=self.scope,
        )
        return parse_token((yield _post(self.authority, self.tenant_id, body)), at, _WHO)


class FederatedToken(msgspec.Struct, frozen=True):
    """Workload identity: a token of another issuer in a file, read anew each time."""

    tenant_id: str
    client_id: str
    token_file: str
    scope: str = SCOPE
    authority: str = AUTHORITY

    def steps(self, at: float) -> TokenSteps:
        said = yield ReadFile(self.token_file)
        assertion = said.body.decode("ascii", "replace").strip()
        if said.status != 200 or not assertion:
            raise CredentialRefused(f"the file {self.token_file} can not be read, or holds no token.")
        body = form(
            grant_type="client_credentials",
            client_id=self.client_id,
            client_assertion_type=_ASSERTION,
            client_assertion=assertion,
            scope=self.scope,
        )
        return parse_token((yield _post(self.authority, self.tenant_id, body)), at, _WHO)


class ManagedIdentity(msgspec.Struct, frozen=True):
    """The identity of the virtual machine; `endpoint` and `header` are App Service's way to the same."""

    client_id: str | None = None
    """Of a user-assigned identity; None for the machine's own."""
    scope: str = SCOPE
    endpoint: tuple[Origin, str] | None = None
    header: str | None = None

    __repr__ = masked

    def steps(self, at: float) -> TokenSteps:
        asked = {"resource": self.scope.removesuffix("/.default")}
        if self.client_id is not None:
            asked["client_id"] = self.client_id
        if self.endpoint is not None and self.header is not None:
            (origin, path), proof = self.endpoint, ("x-identity-header", self.header)
            query = form(**{"api-version": "2019-08-01"}, **asked)
        else:
            origin, path = metadata("169.254.169.254"), "/metadata/identity/oauth2/token"
            proof, query = ("metadata", "true"), form(**{"api-version": "2018-02-01"}, **asked)
        said = yield Ask(origin, "GET", f"{path}?{query.decode()}", (proof, JSON))
        return parse_token(said, at, "Azure's managed identity endpoint")


EntraSource: TypeAlias = ClientSecret | FederatedToken | ManagedIdentity


def _post(authority: str, tenant: str, body: bytes) -> Ask:
    return Ask(public(authority), "POST", f"/{tenant}/oauth2/v2.0/token", (FORM, JSON), body)
