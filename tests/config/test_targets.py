from __future__ import annotations

import msgspec

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


def test_a_label_follows_what_it_is_made_of() -> None:
    provider = Provider(
        name="a", dialects=(), origin=Origin("https", "a.example", 443), path="", credential=Credential(b"")
    )
    target = Target(provider=provider, model="m", label="anything")
    assert (provider.label, target.label) == ("a", "a/m")
    other = msgspec.structs.replace(provider, key_name="two")
    assert other.label == "a#two"
    assert msgspec.structs.replace(target, provider=other, model="n").label == "a#two/n"
