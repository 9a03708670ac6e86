from __future__ import annotations

import msgspec
import pytest

from waypost.core.asked import Asked
from waypost.errors import InvalidRequest
from waypost.pipeline.options import read_options


def asked(**fields: object) -> Asked:
    return Asked(
        "m", False, {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}
    )


def test_nothing_said_changes_nothing() -> None:
    plain = asked(model="m")
    assert read_options(plain, {}) is plain


@pytest.mark.parametrize(
    ("field", "header", "drop"),
    [
        ({"on_loss": "drop"}, None, True),
        ({"on_loss": "refuse"}, None, False),
        ({}, b" Drop ", True),
        ({"on_loss": "drop"}, b"refuse", False),
    ],
)
def test_a_header_wins_over_the_body(field: object, header: bytes | None, drop: bool) -> None:
    headers = {} if header is None else {b"x-waypost-on-loss": header}
    read = read_options(asked(model="m", waypost=field), headers)
    assert read.drop_content is drop
    assert set(read.fields) == {"model"}, "the gateway's own object never goes to a provider"


@pytest.mark.parametrize("field", [{"on_los": "drop"}, {"on_loss": "maybe"}, 7])
def test_a_wrong_object_is_refused_by_name(field: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_options(asked(waypost=field), {})
    assert caught.value.param == "waypost"
    assert "on_loss" in caught.value.message


def test_a_wrong_header_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest, match="x-waypost-on-loss"):
        read_options(asked(), {b"x-waypost-on-loss": b"perhaps"})
