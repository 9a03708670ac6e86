"""The provider rows are complete and consistent, and each comes to what its golden file says."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlsplit

import pytest

from providers.golden_rows import FOLDER, ROWS, render_row
from waypost.catalog.catalog import load
from waypost.providers.fill import parts_of
from waypost.providers.rows import CLOUD, LOCAL
from waypost.providers.spec import DIALECT_NAMES, KEYED, MADE, ProviderSpec

TODAY = date(2026, 11, 26)
#: Providers whose prices no catalogue source has: their models are unpriced.
UNPRICED = {
    "chutes", "clarifai", "cortecs", "dockermodels", "gitee", "github", "helicone", "huggingface", "inferencenet",
    "infinity", "ionet", "jan", "kilo", "litellm", "llamacpp", "llmgateway", "lmstudio", "local", "localai",
    "modelscope", "nanogpt", "ollamacloud", "opencode", "parasail", "poe", "poolside", "portkey", "qianfan", "qiniu",
    "reka", "requesty", "sakana", "sglang", "siliconflow", "simulated", "stackit", "stepfun", "synthetic", "tei",
    "tetrate", "tgi", "upstage", "venice", "vllm", "vultr", "writer", "zenmux",
}  # fmt: skip
#: Who is asked for a key in the configuration alone: it would be that of another row.
KEYLESS = {"azuredeployments"}


def test_there_are_enough_of_them_and_names_are_unique() -> None:
    assert len(ROWS) >= 65
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert len({row.title for row in ROWS}) == len(ROWS)


def test_no_variable_belongs_to_two_providers() -> None:
    variables = [variable for row in ROWS for variable in row.env]
    assert len(variables) == len(set(variables))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_has_all_its_facts(row: ProviderSpec) -> None:
    assert row.name.isalnum()
    assert row.name == row.name.lower()
    assert row.title
    assert row.dialects
    assert len(set(row.dialects)) == len(row.dialects)
    assert not set(row.dialects) & set(row.imitates)
    assert {*row.dialects, *row.imitates} <= DIALECT_NAMES
    assert {*row.paths, *row.endings, *row.dialect_auth, *row.dialect_headers} <= {
        *row.dialects,
        *row.imitates,
    }
    for spoken in row.serves.values():
        assert set(spoken) <= set(row.dialects)
        assert len(set(spoken)) == len(spoken)
    if row.serves:
        assert list(row.serves)[-1] == "*", "what none of the others fits"
        assert {dialect for spoken in row.serves.values() for dialect in spoken} == set(row.dialects)
    assert (row.models_path is None) == (row.models_shape == "none")
    assert set(row.variables) <= parts_of(row)
    for url in (row.base_url, *row.regions.values()):
        check_url(row, url)
    if row.models_path is not None:
        assert row.models_path.startswith(("/", "https://"))
    assert date.fromisoformat(row.checked) <= TODAY
    assert row.docs_url


def check_url(row: ProviderSpec, url: str) -> None:
    parts = urlsplit(url.replace("{port}", "1"))
    assert parts.hostname
    assert not url.endswith("/")
    assert not parts.query
    if row in CLOUD:
        assert parts.scheme == "https"
    else:
        assert parts.hostname == "127.0.0.1"


@pytest.mark.parametrize("row", CLOUD, ids=lambda row: row.name)
def test_a_provider_with_an_account_says_how_it_is_paid(row: ProviderSpec) -> None:
    assert row.docs_url.startswith("https://")
    assert row.auth in KEYED | MADE
    assert row.env or row.auth in MADE or row.name in KEYLESS
    if row.auth == "ibm_iam":
        assert not row.implicit, "its key is no bearer token"
    if row.auth == "header":
        assert row.auth_header != "authorization"


@pytest.mark.parametrize("row", LOCAL, ids=lambda row: row.name)
def test_a_local_server_needs_no_key(row: ProviderSpec) -> None:
    assert row.auth == "none"
    assert not row.env


def test_no_two_local_servers_are_looked_for_at_one_port() -> None:
    ports = [port for row in LOCAL for port in row.local_ports]
    assert len(ports) == len(set(ports))


def test_every_row_has_prices_or_is_known_to_have_none() -> None:
    catalogued = set(load().providers)
    without = {row.name for row in ROWS if (row.prices or row.name) not in catalogued}
    assert without == UNPRICED


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_comes_to_what_its_golden_file_says(row: ProviderSpec) -> None:
    expected = FOLDER / f"{row.name}.json"
    assert expected.is_file(), "write it with `python -m providers.golden_rows` (in tests/) and read it"
    assert render_row(row) == expected.read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == {row.name for row in ROWS}
