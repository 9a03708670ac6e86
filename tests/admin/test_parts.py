from __future__ import annotations

from admin.rig import CONTROL, World


def test_secrets_are_not_in_what_is_printed(world: World) -> None:
    assert CONTROL not in repr(world.parts())
