from __future__ import annotations

import pytest

from waypost.core.loss import Loss
from waypost.errors import Unrepresentable


def test_settings_are_named_once_and_in_order() -> None:
    loss = Loss()
    for name in ("seed", "top_k", "seed"):
        loss.setting(name)
    assert loss.names == ("seed", "top_k")


def test_content_is_refused_with_its_place() -> None:
    with pytest.raises(Unrepresentable) as caught:
        Loss().content("messages[2].content[0]", "A sound can not be said here.")
    assert caught.value.param == "messages[2].content[0]"


def test_content_is_dropped_and_named_when_that_is_wanted() -> None:
    loss = Loss(drop=True)
    loss.content("messages[2].content[0]", "A sound can not be said here.")
    assert loss.names == ("messages[2].content[0]",)
