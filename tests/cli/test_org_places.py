from __future__ import annotations

from pathlib import Path

import pytest

from waypost.cli.org_book import OrgBook
from waypost.cli.org_places import open_orgs
from waypost.cli.org_remote import RemoteOrgs
from waypost.errors import Unavailable


def test_a_data_folder_is_there_or_made(tmp_path: Path) -> None:
    with open_orgs(tmp_path / "a", None, None, create=False) as orgs:
        assert orgs is None
    with open_orgs(tmp_path / "a", None, None, create=True) as orgs:
        assert isinstance(orgs, OrgBook)
        assert list(orgs.read(["default"]).entries) == [("organization", "default", "")]


def test_a_gateway_elsewhere_is_asked(tmp_path: Path) -> None:
    with open_orgs(tmp_path, "http://127.0.0.1:9", "wp-api-x", create=True) as orgs:
        assert isinstance(orgs, RemoteOrgs)
        with pytest.raises(Unavailable):
            orgs.read(["acme"])
