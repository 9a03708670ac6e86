from __future__ import annotations

import msgspec

from transcript import provider, target
from waypost.config.targets import Credential, Provider, Target
from waypost.core.origin import Origin


def test_a_credential_is_shown_to_nobody() -> None:
    credential = Credential(b"authorization: Bearer hush\r\n")
    assert credential.reveal() == b"authorization: Bearer hush\r\n"
    made = Provider(
        name="a", dialects=(), origin=Origin("https", "a.example", 443), path="", credential=credential
    )
    for shown in (repr(credential), str(credential), f"{credential}", repr(made)):
        assert "hush" not in shown


def test_a_target_is_named_by_provider_and_model() -> None:
    made = Provider(
        name="a", dialects=(), origin=Origin("https", "a.example", 443), path="", credential=Credential(b"")
    )
    assert Target(provider=made, model="x/y").name == "a/x/y"


def test_a_label_follows_what_it_is_made_of() -> None:
    made = Provider(
        name="a", dialects=(), origin=Origin("https", "a.example", 443), path="", credential=Credential(b"")
    )
    aimed = Target(provider=made, model="m", label="anything")
    assert (made.label, aimed.label) == ("a", "a/m")
    other = msgspec.structs.replace(made, key_name="two")
    assert other.label == "a#two"
    assert msgspec.structs.replace(aimed, provider=other, model="n").label == "a#two/n"


def test_a_target_speaks_what_its_provider_serves_its_model_in() -> None:
    everything = ("openai_chat", "anthropic_messages", "openai_embeddings")
    plain = msgspec.structs.replace(provider(), dialects=everything)
    assert target(plain).dialects == everything
    some = msgspec.structs.replace(
        plain, serves={"*claude*": ("anthropic_messages",), "text-*": ("openai_embeddings",)}
    )
    spoken = {model: target(some, model).dialects for model in ("x/claude-5", "text-1", "other")}
    assert spoken == {
        "x/claude-5": ("anthropic_messages",),
        "text-1": ("openai_embeddings",),
        "other": everything,
    }
    assert msgspec.structs.replace(target(some, "other"), model="x/claude-5").dialects == (
        "anthropic_messages",
    )
