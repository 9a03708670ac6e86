from __future__ import annotations

import pytest

from waypost.edge.asgi import address


@pytest.mark.parametrize(
    ("client", "told"), [(("127.0.0.1", 5000), "127.0.0.1"), (["::1", 1], "::1"), (None, None)]
)
def test_the_other_end_of_the_connection(client: object, told: str | None) -> None:
    assert address({"client": client}) == told


def test_a_server_need_not_tell_it() -> None:
    assert address({}) is None
