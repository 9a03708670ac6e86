from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.config.org_load import load_org_bytes
from waypost.config.org_schema import (
    KeyConfig,
    MachineConfig,
    OrganizationConfig,
    OrgFile,
    PlaceConfig,
    TeamConfig,
)
from waypost.config.org_text import render_org_file


def test_the_file_reads_like_one_that_was_written_by_hand() -> None:
    made = OrganizationConfig(
        name="acme",
        title="Acme Ltd.",
        suspended=True,
        teams=[TeamConfig(name="web", models=["fast", "openai/*"])],
        service_accounts=[
            MachineConfig(name="shop", teams=[PlaceConfig("web"), PlaceConfig("ops", "admin")])
        ],
        keys=[],
    )
    assert render_org_file(OrgFile(organizations=[made])) == (
        "organizations:\n"
        "  - name: acme\n"
        "    title: Acme Ltd.\n"
        "    suspended: true\n"
        "    teams:\n"
        "      - name: web\n"
        '        models: [fast, "openai/*"]\n'
        "    service_accounts:\n"
        "      - name: shop\n"
        "        teams: [{team: web}, {team: ops, role: admin}]\n"
        "    keys: []\n"
    )


@pytest.mark.parametrize(
    "text", ["on", "Null", "1e5", "12", "a: b", "a #b", "- a", '"', "\\", "ä\t", "\ufeffx", " a", "a,b"]
)
def test_a_text_comes_back_as_it_was(text: str) -> None:
    assert there_and_back(text) == text


@given(st.text(min_size=1, max_size=200).filter(lambda text: "\x00" not in text))
def test_every_text_comes_back_as_it_was(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    if text:
        assert there_and_back(text) == text


def there_and_back(text: str) -> str:
    made = OrganizationConfig(name="a", title=text, keys=[KeyConfig(name=text, models=[text])])
    read = load_org_bytes(render_org_file(OrgFile(organizations=[made])).encode()).content.organizations[0]
    assert read == made
    return read.title
