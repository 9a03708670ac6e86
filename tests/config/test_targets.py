from __future__ import annotations

from waypost.config.targets import Credential, Provider, Target
from waypost.core.origin import Origin


def test_a_credential_is_shown_to_nobody() -> None:
    credential = Credential(b"authorization: Bearer hush\r\n")
    assert credential.reveal() == b"authorization: Bearer hush\r\n"
    provider = Provider(
        name="a", dialects=(), origin=Origin("https", "a.example", 443), path="", credential=credential
    )
    for shown in (repr(credential), str(credential), f"{credential}", repr(provider)):
        assert "hush" not in shown


def test_a_target_is_named_by_provider_and_model() -> None:
    provider = Provider(
        name="a", dialects=(), origin=Origin("https", "a.example", 443), path="", credential=Credential(b"")
    )
    assert Target(provider=provider, model="x/y").name == "a/x/y"
