from __future__ import annotations

import pytest

from providers.auth.steps import NOW, ask, walk
from waypost.errors import CredentialRefused
from waypost.providers.auth.entra import ClientSecret, FederatedToken, ManagedIdentity
from waypost.providers.auth.renewal import ReadFile, Said, metadata

REPLY = b'{"token_type":"Bearer","expires_in":3599,"access_token":"t"}'


def test_a_secret_is_exchanged_for_a_token() -> None:
    wanted, token = walk(ClientSecret("tenant-1", "app", "s3 cret").steps(NOW), [REPLY])
    sent = ask(wanted[0])
    assert sent.origin.authority == "login.microsoftonline.com"
    assert sent.path == "/tenant-1/oauth2/v2.0/token"
    assert sent.body == (
        b"grant_type=client_credentials&client_id=app&client_secret=s3+cret"
        b"&scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default"
    )
    assert token.text == "t"
    assert "s3" not in repr(ClientSecret("tenant-1", "app", "s3 cret"))


def test_a_federated_token_is_read_anew_each_time() -> None:
    source = FederatedToken("tenant-1", "app", "/var/run/token", authority="login.microsoftonline.us")
    wanted, _ = walk(source.steps(NOW), [b"eyJ.a.b\n", REPLY])
    assert wanted[0] == ReadFile("/var/run/token")
    assert ask(wanted[1]).origin.authority == "login.microsoftonline.us"
    assert b"&client_assertion=eyJ.a.b&" in ask(wanted[1]).body
    with pytest.raises(CredentialRefused, match="/var/run/token"):
        walk(source.steps(NOW), [Said(404, b"")])


def test_the_machines_identity() -> None:
    wanted, token = walk(
        ManagedIdentity("c1").steps(NOW), [b'{"access_token":"t","expires_in":"86399","expires_on":"9"}']
    )
    sent = ask(wanted[0])
    assert sent.origin == metadata("169.254.169.254")
    assert sent.path == (
        "/metadata/identity/oauth2/token?api-version=2018-02-01"
        "&resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=c1"
    )
    assert ("metadata", "true") in sent.headers
    assert token.expires == NOW + 86_399


def test_the_identity_of_an_app_service() -> None:
    source = ManagedIdentity(endpoint=(metadata("127.0.0.1", 41141), "/msi/token"), header="h1")
    wanted, token = walk(source.steps(NOW), [b'{"access_token":"t","expires_on":"1795700000"}'])
    sent = ask(wanted[0])
    assert sent.origin.port == 41141
    assert sent.path.startswith("/msi/token?api-version=2019-08-01&resource=")
    assert ("x-identity-header", "h1") in sent.headers
    assert token.expires == 1_795_700_000.0
