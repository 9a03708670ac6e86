from __future__ import annotations

import msgspec
import pytest
from openai.types import FileDeleted, FileObject

from waypost.core.file import StoredFile
from waypost.dialects.openai_batch.files import (
    Described,
    read_described,
    render_file,
    render_file_deleted,
    render_files,
)
from waypost.errors import InvalidRequest

FILE = StoredFile("file-1", "k1", "batch", "ä.jsonl", 7, 10.9, 20.9)


def test_a_file_is_what_the_sdk_expects() -> None:
    shown = FileObject.model_validate_json(render_file(FILE), strict=True)
    assert (shown.id, shown.bytes, shown.created_at, shown.expires_at) == ("file-1", 7, 10, 20)
    assert (shown.filename, shown.purpose, shown.object, shown.status) == (
        "ä.jsonl",
        "batch",
        "file",
        "processed",
    )
    assert "key_id" not in shown.model_extra
    FileDeleted.model_validate_json(render_file_deleted("file-1"), strict=True)


def test_a_page_says_where_it_begins_and_ends() -> None:
    other = msgspec.structs.replace(FILE, file_id="file-2")
    page = msgspec.json.decode(render_files([FILE, other], more=True))
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("file-1", "file-2", True)
    empty = msgspec.json.decode(render_files([], more=False))
    assert (empty["data"], empty["first_id"], empty["has_more"], empty["object"]) == ([], None, False, "list")


def test_what_a_form_says() -> None:
    fields = {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    assert read_described(fields, "a.jsonl") == Described("batch", "a.jsonl", 3600)
    assert read_described({"purpose": "user_data"}, "") == Described("user_data", "file", None)


@pytest.mark.parametrize(
    ("fields", "filename", "param"),
    [
        ({"purpose": "batch"}, None, "file"),
        ({}, "a", "purpose"),
        ({"purpose": "batch_output"}, "a", "purpose"),
        ({"purpose": "batch", "expires_after[seconds]": "3600"}, "a", "expires_after"),
        (
            {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "60"},
            "a",
            "expires_after",
        ),
        (
            {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "-1"},
            "a",
            "expires_after",
        ),
    ],
)
def test_forms_that_are_refused(fields: dict[str, str], filename: str | None, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_described(fields, filename)
    assert refused.value.param == param
