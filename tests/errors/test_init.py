"""Rules that every error keeps, walked over the whole taxonomy and through every dialect."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from waypost import errors
from waypost.dialects.dialect import Dialect
from waypost.dialects.registry import DIALECTS
from waypost.errors import GatewayError, Rejected, TimedOut, UpstreamError


def kinds(root: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from kinds(kind)


ALL = sorted(
    {kind for kind in kinds() if kind.__module__.startswith(f"{errors.__name__}.")},
    key=lambda kind: kind.__name__,
)
GROUPS = {"CallerError", "LimitError", "UpstreamError", "OperatorError"}


def make(kind: type[GatewayError]) -> GatewayError:
    if issubclass(kind, Rejected):
        return kind("It broke.", status=422)
    if issubclass(kind, TimedOut):
        return kind("It broke.", phase="idle")
    if issubclass(kind, errors.ConfigInvalid):
        return kind("It broke.", [])
    return kind("It broke.")


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_each_error_reads_well_in_each_dialect(kind: type[GatewayError], dialect: Dialect) -> None:
    error = make(kind)
    body = dialect.render_error(error)
    assert isinstance(msgspec.json.decode(body), dict)
    assert b"It broke." in body
    assert dialect.family[:7] != "openai_" or msgspec.json.decode(body)["error"]["code"] == error.code


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_each_error_has_a_documented_meaning_and_a_valid_status(kind: type[GatewayError]) -> None:
    assert kind.__doc__
    assert 400 <= make(kind).status <= 599


def test_codes_tell_errors_apart() -> None:
    codes = [
        kind.code for kind in ALL if kind.__name__ not in GROUPS and not issubclass(kind, errors.ConfigError)
    ]
    shared = {code for code in codes if codes.count(code) > 1}
    assert shared <= {"invalid_request"}


def test_what_may_have_billed_is_said_by_the_error() -> None:
    assert errors.Garbled("x").may_have_billed
    assert not errors.Unavailable("x").may_have_billed
    assert not TimedOut("x", phase="connect", may_have_billed=False).may_have_billed
    assert all(isinstance(make(kind), UpstreamError) == issubclass(kind, UpstreamError) for kind in ALL)
