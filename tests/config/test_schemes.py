"""The golden files of configurations show the faults; here is what a file alone does not show."""

from __future__ import annotations

import msgspec

from config.golden_view import ENVIRON, surroundings
from providers.auth.steps import NOW, walk
from waypost.config.load import load_bytes
from waypost.config.resolve import resolve
from waypost.config.targets import Provider
from waypost.providers.auth.authorizer import Authorizer
from waypost.providers.auth.entra import ClientSecret, FederatedToken, ManagedIdentity
from waypost.providers.auth.google import AuthorizedUser

BEDROCK = "{name: b, preset: bedrock, region: us-east-1, auth: {scheme: sigv4, source: %s}}"
AZURE = "{name: z, preset: azure, variables: {resource: r}, auth: {scheme: azure_entra%s}}"
IDS = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}


def build(entry: str, environ: dict[str, str], standing: dict[str, Authorizer] | None = None) -> Provider:
    around = msgspec.structs.replace(surroundings(environ), standing=standing or {})
    snapshot = resolve(load_bytes(f"providers: [{entry}]".encode()), around, version=1)
    return next(iter(snapshot.providers.values()))


def key(entry: str, environ: dict[str, str]) -> object:
    authorizer = build(entry, environ).credential.authorizer
    assert authorizer is not None
    return authorizer.key


def test_what_was_fetched_outlives_a_reload_that_does_not_change_it() -> None:
    first = build("{name: w, preset: ibm, region: us-south, api_key: env:LAB_KEY}", ENVIRON)
    old = first.credential.authorizer
    assert old is not None
    assert old.renewal is not None
    walk(old.renewal.steps(NOW), [b'{"access_token":"t","expires_in":3600}'])
    same = build(
        "{name: w, preset: ibm, region: us-south, api_key: env:LAB_KEY, retries: 3}", ENVIRON, {"w": old}
    )
    assert same.credential.authorizer is old
    for other in ("{name: w, preset: ibm, region: us-south, api_key: env:EMPTIER}", BEDROCK % "instance"):
        built = build(other, {**ENVIRON, "EMPTIER": "another"}, {"w": old, "b": old})
        assert built.credential.authorizer is not old


def test_where_entra_finds_its_proof() -> None:
    assert key(AZURE % "", {**IDS, "AZURE_CLIENT_SECRET": "s"}) == ClientSecret("t", "c", "s")
    federated = {**IDS, "AZURE_FEDERATED_TOKEN_FILE": "/t"}
    assert key(AZURE % "", federated) == FederatedToken("t", "c", "/t")
    both = {**federated, "AZURE_CLIENT_SECRET": "s", "AZURE_AUTHORITY_HOST": "https://login.example/"}
    assert key(AZURE % "", both) == ClientSecret("t", "c", "s", authority="login.example")
    assert key(AZURE % ", source: web_identity", both) == FederatedToken(
        "t", "c", "/t", authority="login.example"
    )
    machine = key(AZURE % ", source: managed_identity, client_id: c2, scope: 'https://x/.default'", {})
    assert machine == ManagedIdentity("c2", "https://x/.default")
    app = {"IDENTITY_ENDPOINT": "http://127.0.0.1:41/msi/token", "IDENTITY_HEADER": "h"}
    found = key(AZURE % ", source: managed_identity", app)
    assert isinstance(found, ManagedIdentity)
    assert found.endpoint is not None
    assert (found.endpoint[0].port, found.endpoint[1], found.header) == (41, "/msi/token", "h")


def test_google_credentials_in_their_usual_file() -> None:
    user = b'{"type":"authorized_user","client_id":"a","client_secret":"b","refresh_token":"c","quota_project_id":"q1"}'
    around = msgspec.structs.replace(
        surroundings({"HOME": "/h", "CLOUDSDK_CONFIG": "/g"}),
        read_file={"/g/application_default_credentials.json": user}.__getitem__,
    )
    with_missing = msgspec.structs.replace(around, read_file=lambda path: _read(path, user))
    snapshot = resolve(load_bytes(b"providers: [{name: v, preset: vertex}]"), with_missing, version=1)
    provider = snapshot.providers["v"]
    assert provider.path == "/v1/projects/q1/locations/us-central1"
    assert provider.credential.authorizer is not None
    assert provider.credential.authorizer.key == AuthorizedUser("a", "b", "c", project="q1")


def _read(path: str, data: bytes) -> bytes:
    if path != "/g/application_default_credentials.json":
        raise FileNotFoundError(path)
    return data


def test_a_usual_key_is_used_before_anything_is_signed() -> None:
    provider = build("{name: b, preset: bedrock, region: us-east-1}", {"AWS_BEARER_TOKEN_BEDROCK": "k1"})
    assert provider.credential.reveal() == b"authorization: Bearer k1\r\n"
    assert provider.credential.authorizer is None
