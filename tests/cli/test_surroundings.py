from __future__ import annotations

from pathlib import Path

import pytest

from waypost.catalog.discovery import ListedModel
from waypost.cli.surroundings import load_config, open_database, resolve_config
from waypost.config.load import load_bytes
from waypost.errors import ConfigInvalid
from waypost.stores.sql.sqlite_file import FILE_NAME


def test_no_file_is_the_defaults() -> None:
    assert load_config(None).file == "(no file)"


def test_providers_of_the_environment_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefgh")
    assert "openai" in resolve_config(load_bytes(b"")).providers
    assert "openai" not in resolve_config(load_bytes(b"discovery: {environment: false}")).providers


def test_the_small_model_can_be_a_target_when_it_is_on_or_was_seen() -> None:
    text = "models: [{name: m, targets: [{provider: local, model: smollm2}]}]\n"
    assert resolve_config(load_bytes(f"{text}discovery: {{local_model: on}}".encode())).find("m")
    assert resolve_config(load_bytes(text.encode()), {"local": (ListedModel("smollm2"),)}).find("m")
    with pytest.raises(ConfigInvalid):
        resolve_config(load_bytes(text.encode()))


def test_looking_makes_no_database(tmp_path: Path) -> None:
    assert open_database(tmp_path / "d", create=False) is None
    assert not (tmp_path / "d").exists()
    made = open_database(tmp_path / "d", create=True)
    assert made is not None
    made.close()
    assert (tmp_path / "d" / FILE_NAME).exists()
