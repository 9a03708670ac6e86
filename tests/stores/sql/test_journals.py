from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from waypost.stores.sql.journals import AnyJournal


def test_a_journal_of_either_kind(journal: AnyJournal) -> None:
    assert journal.applied() == {}
    assert journal.drift() == {}


@pytest.mark.process
def test_without_a_server_neither_its_driver_nor_sqlalchemy_is_loaded() -> None:
    code = (
        "import sys, waypost.stores.sql.posting\n"
        "assert not {'pg8000', 'sqlalchemy', 'ssl', 'asyncio'} & set(sys.modules), sys.modules.keys()"
    )
    path = str(Path(__file__).parents[3] / "src")
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30, env={"PYTHONPATH": path})
