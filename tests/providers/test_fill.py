from __future__ import annotations

import pytest

from waypost.providers.fill import fill, parts_of
from waypost.providers.spec import ProviderSpec, Variable

SPEC = ProviderSpec(
    name="n",
    title="N",
    base_url="https://{region}.n.example/v1/{project}",
    dialects=("openai_chat",),
    variables={"project": Variable(("N_PROJECT", "PROJECT")), "region": Variable(("N_REGION",), "us")},
    regions={"global": "https://n.example/v1/{project}"},
    paths={"openai_chat": "/chat/{model}"},
    query="api-version={version}",
    models_path="https://list.{region}.n.example/all",
)
GIVEN = {"project": "p", "version": "2024-10-21"}


def test_the_parts_of_a_row() -> None:
    assert parts_of(SPEC) == {"region", "project", "version"}


def test_values_are_given_or_in_the_environment_or_defaults() -> None:
    filled = fill(SPEC, GIVEN, {"N_PROJECT": "other", "N_REGION": "eu"})
    assert filled.base_url == "https://eu.n.example/v1/p"
    assert (filled.query, filled.models_path) == ("api-version=2024-10-21", "https://list.eu.n.example/all")
    assert filled.paths == {"openai_chat": "/chat/{model}"}
    assert filled.whole
    assert (
        fill(SPEC, {"version": "1"}, {"N_PROJECT": " ", "PROJECT": "q"}).base_url
        == "https://us.n.example/v1/q"
    )


def test_a_region_can_have_its_own_url() -> None:
    assert fill(SPEC, GIVEN, {}, "global").base_url == "https://n.example/v1/p"
    assert fill(SPEC, GIVEN, {}, "asia").base_url == "https://asia.n.example/v1/p"
    only = ProviderSpec(
        name="o", title="O", base_url="https://o.example", dialects=(), regions={"eu": "https://eu.o.example"}
    )
    assert fill(only, {}, {}).base_url == "https://o.example"
    assert fill(only, {}, {}, "eu").base_url == "https://eu.o.example"
    assert fill(only, {}, {}, "mars").no_region


def test_what_is_wrong_is_told() -> None:
    filled = fill(SPEC, {"odd": "x", "version": "a/b"}, {})
    assert (filled.missing, filled.unknown, filled.unusable) == (("project",), ("odd",), ("version",))
    assert not filled.whole


@pytest.mark.parametrize(
    "value", ["evil.example/x", "a?b", "a#b", "a@b", "a:1", "..", "", "a b", "a%2f", "é"]
)
def test_a_value_can_not_lead_elsewhere(value: str) -> None:
    assert fill(SPEC, {**GIVEN, "project": value}, {}).unusable == ("project",)


def test_a_host_may_be_kept_as_a_url() -> None:
    host = ProviderSpec(
        name="d",
        title="D",
        base_url="https://{host}/v1",
        dialects=(),
        variables={"host": Variable(("D_HOST",))},
    )
    assert (
        fill(host, {}, {"D_HOST": "https://dbc-1.cloud.example/"}).base_url
        == "https://dbc-1.cloud.example/v1"
    )
    assert fill(host, {}, {"D_HOST": "http://dbc-1.cloud.example/"}).unusable == ("host",)
