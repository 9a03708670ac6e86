"""The provider rows are complete and consistent."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlsplit

import pytest

from waypost.catalog.catalog import load
from waypost.providers.rows import CLOUD, LOCAL
from waypost.providers.spec import ProviderSpec

ROWS = CLOUD + LOCAL
#: Providers whose prices no catalogue source has: their models are unpriced.
UNPRICED = {"huggingface", "github", "requesty", "vllm", "lmstudio", "llamacpp", "local", "simulated"}


def test_there_are_enough_of_them_and_names_are_unique() -> None:
    assert len(CLOUD) >= 25
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_no_variable_belongs_to_two_providers() -> None:
    variables = [variable for row in ROWS for variable in row.env]
    assert len(variables) == len(set(variables))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_well_formed(row: ProviderSpec) -> None:
    url = urlsplit(row.base_url.replace("{port}", "1"))
    assert row.name == row.name.lower()
    assert row.name.isalnum()
    assert row.title
    assert url.hostname
    assert not row.base_url.endswith("/")
    assert not url.query
    assert row.dialects
    assert set(row.dialects) <= {"openai_chat", "openai_completions", "openai_embeddings"}
    if row in CLOUD:
        assert url.scheme == "https"
        assert row.env
        assert row.docs_url.startswith("https://")
    else:
        assert url.hostname == "127.0.0.1"
        assert row.auth == "none"
        assert not row.env
    if row.checked:
        assert date.fromisoformat(row.checked) <= date(2026, 11, 21)


def test_every_row_has_prices_or_is_known_to_have_none() -> None:
    catalogued = set(load().providers)
    without = {row.name for row in ROWS if (row.prices or row.name) not in catalogued}
    assert without == UNPRICED
