from __future__ import annotations

import msgspec
import pytest

from config.golden_view import PRESETS, surroundings
from waypost.config.load import load_bytes
from waypost.config.places import merge_facts
from waypost.config.resolve import build_settings, resolve
from waypost.config.schema import Config
from waypost.config.snapshot import Settings, Snapshot
from waypost.config.targets import Credential, Provider
from waypost.core.facts import ModelFacts
from waypost.core.origin import Origin
from waypost.errors import ConfigInvalid, ModelNotFound


class Listed(msgspec.Struct, frozen=True):
    id: str
    facts: ModelFacts = ModelFacts()


def found(name: str) -> Provider:
    return Provider(
        name=name,
        dialects=("openai_chat",),
        origin=Origin("https", f"{name}.example", 443),
        path="/v1",
        credential=Credential(b""),
        origin_label="environment",
    )


def snap(
    text: str = "", listed: dict[str, list[Listed]] | None = None, around: tuple[str, ...] = ()
) -> Snapshot:
    surround = msgspec.structs.replace(
        surroundings(), found=[found(name) for name in around], discovered=listed or {}
    )
    return resolve(load_bytes(text.encode()), surround, version=7)


LAB = "providers: [{name: lab, dialect: openai_chat, base_url: http://lab/v1}]\n"


def test_a_bare_id_means_the_first_provider_that_lists_it() -> None:
    listed = {"groq": [Listed("shared"), Listed("g")], "lab": [Listed("shared")]}
    snapshot = snap(LAB, listed, around=("groq",))
    assert snapshot.find("shared").name == "lab/shared"
    assert snapshot.find("g").name == "groq/g"
    assert snapshot.find("groq/shared").targets[0].provider.name == "groq"
    assert snapshot.version == 7


def test_a_configured_name_comes_before_a_listed_one() -> None:
    text = LAB + "models: [{name: shared, targets: [{provider: lab, model: other}]}]"
    snapshot = snap(text, {"lab": [Listed("shared")]})
    assert snapshot.find("shared").targets[0].model == "other"
    assert snapshot.find("lab/shared").targets[0].model == "shared"


def test_an_alias_never_captures_what_a_provider_means() -> None:
    listed = {"lab": [Listed("groq/model")]}
    snapshot = snap(LAB, listed, around=("groq",))
    assert snapshot.find("groq/model").targets[0].provider.name == "groq"
    assert snapshot.find("lab/groq/model").targets[0].provider.name == "lab"


def test_a_configured_provider_replaces_the_found_one_of_its_name_or_preset() -> None:
    by_name = snap(
        "providers: [{name: openai, dialect: openai_chat, base_url: http://x/v1}]", around=("openai", "groq")
    )
    assert list(by_name.providers) == ["openai", "groq"]
    assert by_name.providers["openai"].origin.host == "x"
    by_preset = snap("providers: [{name: mine, preset: openai}]", around=("openai",))
    assert list(by_preset.providers) == ["mine"]


def test_top_level_deadlines_hold_for_found_providers_too() -> None:
    assert snap("deadlines: {total: 5s}", around=("groq",)).providers["groq"].deadlines.total_s == 5.0


def test_an_explicit_list_replaces_the_providers_own() -> None:
    text = LAB.replace("/v1}", "/v1, models: [a]}")
    assert list(snap(text, {"lab": [Listed("b")]}).routes) == ["lab/a"]


def test_what_a_provider_lists_completes_the_facts() -> None:
    known = ModelFacts(context=1000, max_output=10, features=("tools",))
    assert merge_facts(known, ModelFacts(context=5)) == ModelFacts(
        context=5, max_output=10, features=("tools",)
    )
    text = LAB + "models: [{name: m, targets: [{provider: lab, model: a}]}]"
    snapshot = snap(text, {"lab": [Listed("a", ModelFacts(context=77))]})
    assert snapshot.find("m").targets[0].facts.context == 77


def test_a_target_may_name_a_local_server_that_is_down_unless_discovery_is_off() -> None:
    text = "models: [{name: m, targets: [{provider: ollama, model: a}]}]\n"
    assert snap(text).find("m").targets[0].provider.origin.port == PRESETS["ollama"].local_ports[0]
    with pytest.raises(ConfigInvalid):
        snap(text + "discovery: {local: false}")


def test_any_model_of_a_provider_can_be_asked_for() -> None:
    snapshot = snap(LAB)
    assert snapshot.find("lab/anything/at-all").targets[0].model == "anything/at-all"
    for name in ("lab", "lab/", "nope/x", ""):
        with pytest.raises(ModelNotFound):
            snapshot.find(name)


def test_default_settings_are_the_snapshots_own() -> None:
    assert build_settings(Config()) == Settings()


def test_what_is_kept_for_requests_that_come_again() -> None:
    given = snap("idempotency: {retention: 1h30m, max_body: 64KiB, max_total: 10MiB}").settings
    assert (given.replay_s, given.replay_max_bytes, given.replay_total_bytes) == (5400.0, 65_536, 10_485_760)
    assert snap("idempotency: {store: false}").settings.replay_s == 0.0
    usual = snap().settings
    assert (usual.replay_s, usual.replay_max_bytes) == (Settings().replay_s, Settings().replay_max_bytes)
    assert usual.replay_total_bytes == Settings().replay_total_bytes


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("files: {retention: 0s}", "files.retention"),
        ("resilience: {breaker: {ejection: 0s}}", "resilience.breaker.ejection"),
        ("resilience: {parking: {quota: 1h, quota_max: 1m}}", "resilience.parking.quota"),
        (LAB.replace("/v1}", "/v1, probe: {model: m, every: 0s}}"), "providers[0].probe.every"),
    ],
)
def test_times_that_make_no_sense_are_refused(text: str, named: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        snap(text)
    (problem,) = refused.value.problems
    assert named in str(problem)


MARKED_UP = """
markup: 5%
providers:
  - {name: lab, dialect: openai_chat, base_url: http://lab/v1}
  - {name: own, dialect: openai_chat, base_url: http://own/v1, markup: 2.5%}
models:
  - name: plain
    targets: [{provider: lab, model: a}, {provider: own, model: a}]
  - name: dear
    markup: 10%
    targets: [{provider: own, model: a}, {provider: own, model: b, markup: 0%}]
"""


def test_the_most_specific_markup_holds() -> None:
    snapshot = snap(MARKED_UP, {"lab": [Listed("listed")]}, around=("groq",))

    def markups(model: str) -> list[int]:
        return [target.markup for target in snapshot.find(model).targets]

    assert markups("plain") == [50_000, 25_000]
    assert markups("dear") == [100_000, 0]
    assert markups("lab/listed") == markups("lab/unlisted") == markups("groq/any") == [50_000]
    assert markups("own/any") == [25_000]
    assert all(target.markup == 0 for target in snap(LAB).find("lab/any").targets)


@pytest.mark.parametrize(("where", "value"), [("markup", "0.05"), ("markup", "5"), ("markup", "-5%")])
def test_a_markup_that_is_none_is_refused_with_its_place(where: str, value: str) -> None:
    with pytest.raises(ConfigInvalid) as told:
        snap(f"{where}: {value}")
    (problem,) = told.value.problems
    assert problem.path == where
    assert problem.expected == "a percentage with its sign, such as 5% or 2.5%"
