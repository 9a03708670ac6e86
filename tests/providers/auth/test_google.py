from __future__ import annotations

import base64
from urllib.parse import parse_qs

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from providers.auth.steps import NOW, ask, walk
from waypost.errors import CredentialRefused
from waypost.providers.auth.google import (
    AccountKey,
    AuthorizedUser,
    BadCredentials,
    MetadataServer,
    parse_credentials,
)
from waypost.providers.auth.renewal import Said, metadata

REPLY = b'{"access_token":"ya29.t","expires_in":3599,"token_type":"Bearer"}'


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_service_account_signs_and_exchanges(key: rsa.RSAPrivateKey) -> None:
    account = AccountKey("me@p.iam.gserviceaccount.com", pem(key), "kid1")
    wanted, token = walk(account.steps(NOW), [REPLY])
    sent = ask(wanted[0])
    assert (sent.method, sent.origin.authority, sent.path) == ("POST", "oauth2.googleapis.com", "/token")
    fields = parse_qs(sent.body.decode())
    assert fields["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    head, claims, signature = fields["assertion"][0].split(".")
    assert msgspec.json.decode(unpadded(head)) == {"kid": "kid1", "alg": "RS256", "typ": "JWT"}
    assert msgspec.json.decode(unpadded(claims)) == {
        "iss": "me@p.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "aud": "https://oauth2.googleapis.com/token",
        "iat": NOW,
        "exp": NOW + 3600,
    }
    key.public_key().verify(unpadded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), SHA256())
    assert (token.text, token.expires) == ("ya29.t", NOW + 3599)
    assert "BEGIN" not in repr(account)


@pytest.mark.parametrize("text", ["-----BEGIN nonsense", pem(ec.generate_private_key(ec.SECP256R1()))])
def test_a_key_that_can_not_sign_is_told_of(text: str) -> None:
    with pytest.raises(CredentialRefused, match="private_key"):
        walk(AccountKey("me", text, "k").steps(NOW), [])


def test_a_users_refresh_token() -> None:
    wanted, _ = walk(AuthorizedUser("id", "sec", "ref").steps(NOW), [REPLY])
    assert ask(wanted[0]).body == b"grant_type=refresh_token&client_id=id&client_secret=sec&refresh_token=ref"
    with pytest.raises(CredentialRefused, match="invalid_grant"):
        walk(AuthorizedUser("id", "sec", "ref").steps(NOW), [Said(400, b'{"error":"invalid_grant"}')])


def test_the_metadata_server() -> None:
    wanted, token = walk(MetadataServer().steps(NOW), [REPLY])
    sent = ask(wanted[0])
    assert sent.origin == metadata("169.254.169.254")
    assert sent.path == "/computeMetadata/v1/instance/service-accounts/default/token"
    assert sent.headers == (("metadata-flavor", "Google"),)
    assert token.text == "ya29.t"


def test_credential_files() -> None:
    account = parse_credentials(
        '{"type":"service_account","project_id":"p","private_key_id":"k","private_key":"-----BEGIN x",'
        '"client_email":"me@p","token_uri":"https://oauth2.googleapis.com/token"}'
    )
    assert account == AccountKey("me@p", "-----BEGIN x", "k", project="p")
    user = parse_credentials(
        '{"type":"authorized_user","client_id":"a","client_secret":"b","refresh_token":"c","quota_project_id":"q"}'
    )
    assert user == AuthorizedUser("a", "b", "c", project="q")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("AIza-not-json", "not a Google credentials file"),
        ('{"type":"external_account"}', "neither"),
        ('{"type":"service_account","client_email":"a"}', "private_key"),
        ('{"type":"authorized_user","client_id":"a"}', "refresh_token"),
        ('{"type":"service_account","token_uri":"http://evil.example/"}', "https"),
    ],
)
def test_other_files_are_told_of(text: str, why: str) -> None:
    with pytest.raises(BadCredentials, match=why):
        parse_credentials(text)
