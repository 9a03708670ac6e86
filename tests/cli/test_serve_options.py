from typing import get_args

import pytest

from waypost.cli.serve_options import DrainDelay, Host, Port, Workers


@pytest.mark.parametrize(
    ("option", "variable"),
    [
        (Host, "WAYPOST_HOST"),
        (Port, "WAYPOST_PORT"),
        (Workers, "WAYPOST_WORKERS"),
        (DrainDelay, "WAYPOST_DRAIN_DELAY"),
    ],
)
def test_each_option_has_its_variable(option: object, variable: str) -> None:
    assert get_args(option)[1].envvar == variable
