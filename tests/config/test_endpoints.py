from __future__ import annotations

from config.golden_view import surroundings
from waypost.config.endpoints import merge_deadlines, merge_quirks
from waypost.config.load import load_bytes
from waypost.config.resolve import resolve
from waypost.config.schema import DeadlinesConfig, QuirksConfig
from waypost.config.targets import Provider
from waypost.core.origin import Deadlines
from waypost.core.quirks import Quirks


def build(entry: str, **environ: str) -> Provider:
    snapshot = resolve(load_bytes(f"providers: [{entry}]".encode()), surroundings(environ), version=1)
    return next(iter(snapshot.providers.values()))


def test_only_what_the_operator_wrote_may_be_private() -> None:
    assert not build("{name: a, preset: openai}", OPENAI_API_KEY="k").origin.private
    assert build(
        "{name: a, preset: openai, base_url: https://proxy.example/v1}", OPENAI_API_KEY="k"
    ).origin.private
    assert build("{name: a, preset: ollama}").origin.private


def test_keys_go_where_the_preset_wants_them() -> None:
    azure = build("{name: a, preset: azure, variables: {resource: r}, api_key: env:K}", K="k1")
    assert azure.credential.reveal() == b"api-key: k1\r\n"
    assert build("{name: a, preset: openai}", OPENAI_API_KEY="k2").credential.reveal() == (
        b"authorization: Bearer k2\r\n"
    )
    assert build("{name: a, preset: ollama}").credential.reveal() == b""
    assert build("{name: a, preset: ollama, api_key: env:K}", K="k3").credential.reveal() == (
        b"authorization: Bearer k3\r\n"
    )


def test_headers_made_of_secrets_are_hidden_with_the_key() -> None:
    provider = build("{name: a, preset: ollama, headers: {X-Plain: p, X-Hidden: env:K}}", K="hush")
    assert provider.headers == b"x-plain: p\r\n"
    assert provider.credential.reveal() == b"x-hidden: hush\r\n"
    assert "hush" not in repr(provider)


def test_merging_keeps_what_is_not_given() -> None:
    assert merge_deadlines(Deadlines(), None) == Deadlines()
    assert merge_deadlines(Deadlines(), DeadlinesConfig(idle="2s")) == Deadlines(idle_s=2.0)
    preset = Quirks(drop=("a",), reports_charge=True)
    assert merge_quirks(preset, QuirksConfig(drop=[])) == Quirks(reports_charge=True)
    assert merge_quirks(preset, QuirksConfig(reports_charge=False)) == Quirks(drop=("a",))
    assert merge_quirks(preset, QuirksConfig(takes=["images"])).takes == ("images",)
    assert merge_quirks(preset, None) == preset
