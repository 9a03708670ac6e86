from __future__ import annotations

from providers.auth.steps import NOW, ask, walk
from waypost.providers.auth.ibm import IamKey


def test_the_key_is_exchanged() -> None:
    wanted, token = walk(IamKey("k 1").steps(NOW), [b'{"access_token":"t","expires_in":3600}'])
    sent = ask(wanted[0])
    assert (sent.method, sent.origin.authority, sent.path) == ("POST", "iam.cloud.ibm.com", "/identity/token")
    assert sent.body == b"grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=k+1"
    assert (token.text, token.expires) == ("t", NOW + 3600)
