from __future__ import annotations

import pytest

from waypost.core.loss import Loss
from waypost.dialects.naming import BEDROCK, CLAUDE, GOOGLE, OPENAI, Naming
from waypost.errors import Unrepresentable


@pytest.mark.parametrize(
    ("naming", "name", "mended"),
    [
        (CLAUDE, "weather-1_a", "weather-1_a"),
        (CLAUDE, "a.b/c", "a_b_c"),
        (BEDROCK, "wetter_für", "wetter_f_r"),
        (OPENAI, "", "_"),
        (GOOGLE, "a.b:c", "a.b:c"),
        (GOOGLE, "a b", "a_b"),
        (GOOGLE, "1a", "_1a"),
        (OPENAI, "a" * 64, "a" * 64),
        (OPENAI, "a" * 65, "a" * 63),
    ],
)
def test_names(naming: Naming, name: str, mended: str) -> None:
    loss = Loss(drop=True)
    assert naming.takes(name, "tools[0]", loss) is (name == mended)
    assert loss.names == (() if name == mended else ("tools[0]",))
    assert naming.mended(name) == mended


def test_a_refused_name_is_told() -> None:
    with pytest.raises(Unrepresentable, match=r"'a b'.*Rename it") as caught:
        CLAUDE.takes("a b", "tools[3]", Loss())
    assert caught.value.param == "tools[3]"
