from __future__ import annotations

from waypost.cli.options import end_option


def test_an_option_that_several_commands_share_has_a_variable_of_each() -> None:
    made = end_option("WAYPOST_KEY_EXPIRES")
    assert (made.envvar, made.default) == ("WAYPOST_KEY_EXPIRES", "--expires")
