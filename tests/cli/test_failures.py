from __future__ import annotations

import pytest
import typer

from waypost.cli.exits import Exit
from waypost.cli.failures import end_by
from waypost.errors import ConfigError, ConfigInvalid, GatewayError, NotFound, StoreUnavailable


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
