from __future__ import annotations

from waypost.config.schema import Config
from waypost.config.snapshot import Settings
from waypost.config.storage import Storage
from waypost.config.storage_schema import BatchesConfig, FilesConfig, check_files, resolve_storage


def test_what_is_usual_is_the_same_in_the_file_and_in_the_settings() -> None:
    config = Config()
    assert resolve_storage(config.files, config.batches) == Storage() == Settings().storage


def test_every_field_arrives() -> None:
    files = FilesConfig(store=False, max_file="1kB", max_per_key="2kB", max_total="3kB", retention="4h")
    batches = BatchesConfig(per_batch=5, overall=6, max_lines=7, running=8, waiting=9)
    assert resolve_storage(files, batches) == Storage(False, 1000, 2000, 3000, 14_400.0, 5, 6, 7, 8, 9)


def test_files_that_are_not_kept_are_refused() -> None:
    [(name, _, expected)] = check_files(FilesConfig(retention="0s"))
    assert (name, expected) == ("retention", "more than 0s")
    assert list(check_files(FilesConfig(retention="1ms"))) == []
