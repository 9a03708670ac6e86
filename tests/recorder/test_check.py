from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from recorder.taking import answered, asked, scrub
from waypost.recorder.check import check, check_fixture
from waypost.recorder.fixture import Content, encode_fixture
from waypost.recorder.known import Known

CLEAN = scrub(asked({"messages": []}), answered({"id": "msg_01AbCdEfGh12345678"}))


def with_request(**changes: object) -> bytes:
    return encode_fixture(
        msgspec.structs.replace(CLEAN, request=msgspec.structs.replace(CLEAN.request, **changes))
    )


@pytest.mark.parametrize(
    ("changes", "place", "why"),
    [
        ({"headers": ("x-api-key: sk-ant-api03-abc",)}, "request.headers.x-api-key", "header"),
        ({"headers": ("cookie: a=b",)}, "request.headers.cookie", "header"),
        ({"headers": ("content-length: 1",)}, "request.headers.content-length", "header"),
        ({"path": "/v1/x?key=AIzaSyA1234567"}, "request.path", "secret"),
        ({"body": msgspec.Raw(b'{"a": {"b": "sk-proj-abcdefgh1234"}}')}, "request: a.b", "secret"),
        ({"body": msgspec.Raw(b'{"id": "resp_68a1b2c3d4e5f6"}')}, "request: id", "an id"),
        ({"body": msgspec.Raw(b'{"content": "bob@corp.io"}')}, "request: content", "e-mail"),
        ({"body": msgspec.Raw(b'{"content": "at 8.8.4.4"}')}, "request: content", "IP"),
        ({"body": msgspec.UNSET, "content": Content(base64="!")}, "base64", "decoded"),
    ],
)
def test_findings(tmp_path: Path, changes: dict[str, object], place: str, why: str) -> None:
    (tmp_path / "x.json").write_bytes(with_request(**changes))
    checked = check(tmp_path)
    assert [(found.place, why in found.why) for found in checked.findings][:1] == [(place, True)]


def test_known_secrets_notes_and_files_that_are_no_fixtures(tmp_path: Path) -> None:
    noted = msgspec.structs.replace(CLEAN, note="by bob@corp.io")
    assert [each.place for each in check_fixture(noted, Known())] == ["note"]
    (tmp_path / "x.json").write_bytes(with_request(body=msgspec.Raw(b'{"a": "a plain pass phrase"}')))
    assert check(tmp_path).findings == ()
    assert [found.place for found in check(tmp_path, ["a plain pass phrase"]).findings] == ["request.body.a"]
    (tmp_path / "y.json").write_text("[]")
    assert check(tmp_path).findings[0].why.startswith("it is not a fixture")
