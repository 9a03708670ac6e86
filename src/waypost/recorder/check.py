"""Looks through fixtures for what a recorder would not have written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from waypost.recorder.exchange import Answered, Asked, Change, Opened
from waypost.recorder.fixture import Fixture, encode_fixture, split_lines
from waypost.recorder.folder import read_folder
from waypost.recorder.known import Known
from waypost.recorder.leaks import leaks


class Finding(msgspec.Struct, frozen=True):
    """Something that must not be committed: the file, the place in it, and why."""

    file: str
    place: str
    why: str


class Checked(msgspec.Struct, frozen=True):
    """How many fixtures were looked at, and what was found."""

    fixtures: int
    findings: tuple[Finding, ...]


def check(folder: Path, secrets: Iterable[str] = ()) -> Checked:
    """Scrub every fixture once more: what that changes is a finding. So is every known secret."""
    known = Known(secrets)
    fixtures, faulty = read_folder(folder)
    findings = [Finding(str(file), "", why) for file, why in faulty.items()]
    for file, fixture in fixtures.items():
        changes = check_fixture(fixture, known)
        findings += [Finding(str(file), each.place, each.rule) for each in changes]
    return Checked(len(fixtures), tuple(findings))


def check_fixture(fixture: Fixture, known: Known) -> list[Change]:
    """What is wrong with one fixture, each thing once."""
    try:
        asked, answered = asked_of(fixture), answered_of(fixture)
    except ValueError:
        return [Change("base64", "it can not be decoded")]
    places = leaks(encode_fixture(fixture), fixture, known)
    changes = [Change(place, "a known secret, or a part of one") for place in places]
    # What the rules learn from this file they may use for this file only.
    own = Known()
    changes += Opened(asked, answered, own, fixture.options).changes()
    for place, text in (("note", fixture.note), ("user_agent", fixture.user_agent)):
        worn = Asked("GET", "/", (), text.encode())
        changes += [Change(place, each.rule) for each in Opened(worn, None, own, fixture.options).changes()]
    return list(dict.fromkeys(changes))


def asked_of(fixture: Fixture) -> Asked:
    """The request of a fixture, as it would be sent. Raises ValueError for bad base64."""
    request = fixture.request
    body = b"" if request.content is None else request.content.data() or b""
    if request.body is not msgspec.UNSET:
        body = bytes(request.body)
    return Asked(request.method, request.path, split_lines(request.headers), body)


def answered_of(fixture: Fixture) -> Answered:
    """The response of a fixture, as it would arrive. Raises ValueError for bad base64."""
    response = fixture.response
    streamed = response.chunks is not None
    chunks = response.chunks or ()
    pieces = [(chunk.ms, chunk.data()) for chunk in chunks] if streamed else [(0, response.data() or b"")]
    return Answered(
        response.status, split_lines(response.headers), tuple(pieces), streamed, response.complete
    )
