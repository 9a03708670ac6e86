from __future__ import annotations

import pytest
import typer

from waypost.cli.exits import Exit
from waypost.cli.failures import end_by
from waypost.errors import (
    ConfigError,
    ConfigInvalid,
    Conflict,
    GatewayError,
    InvalidRequest,
    NotFound,
    StoreUnavailable,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("A is wrong."), Exit.REFUSED),
        (ConfigInvalid("B is wrong.", []), Exit.REFUSED),
        (StoreUnavailable("C is away."), Exit.UNREACHABLE),
        (NotFound("D is not there."), Exit.REFUSED),
    ],
)
def test_each_error_is_a_message_and_a_code(
    error: GatewayError, code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as caught:
        end_by(error)
    assert caught.value.exit_code == code
    assert error.message in capsys.readouterr().err


@pytest.mark.parametrize("kind", [InvalidRequest, Conflict])
def test_a_stored_value_is_called_as_its_option_is(
    kind: type[InvalidRequest] | type[Conflict], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        end_by(kind("limit_nusd is an amount above 0.", param="limit_nusd"))
    assert capsys.readouterr().err == "✗ --limit is an amount above 0.\n"
    with pytest.raises(typer.Exit):
        end_by(kind("There is no such scope.", param="scope_id"))
    assert capsys.readouterr().err == "✗ There is no such scope.\n"
