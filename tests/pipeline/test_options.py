from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.asked import Asked
from waypost.errors import InvalidRequest
from waypost.pipeline.options import read_options
from waypost.routing.requested.wishes import NO_WISHES, Wishes

TWO_NAMES = b'{"_user": "ann", "team": "blue"}'


def asked(**fields: object) -> Asked:
    return Asked(
        "m", False, {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}
    )


def wishes(field: object = None, **headers: bytes) -> Wishes:
    names = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    request = asked(model="m") if field is None else asked(model="m", waypost=field)
    read, made = read_options(request, names)
    assert set(read.fields) == {"model"}, "the gateway's own object never goes to a provider"
    return made


def test_nothing_said_changes_nothing() -> None:
    plain = asked(model="m", user="u", session_id="s")
    read, made = read_options(plain, {b"host": b"x", b"x-session-id": b"s"})
    assert read is plain
    assert made is NO_WISHES
    assert wishes({}) is NO_WISHES
    assert wishes({"on_loss": "drop"}) is NO_WISHES


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
    read, _ = read_options(asked(model="m", waypost=field), headers)
    assert read.drop_content is drop


@pytest.mark.parametrize(
    ("field", "headers", "made"),
    [
        ({"route": "prod"}, {}, Wishes(route="prod", route_from="waypost.route")),
        ({"route": "prod"}, {"x_waypost_route": b"route/eu"}, Wishes(route="route/eu")),
        ({"user": " ann "}, {}, Wishes(user="ann")),
        ({"user": "ann"}, {"x_waypost_user": b"bob"}, Wishes(user="bob")),
        ({"session": "s"}, {}, Wishes(session="s")),
        ({"session": "s"}, {"x_waypost_session": b"t"}, Wishes(session="t")),
        ({"trace": "t"}, {"x_portkey_trace_id": b"p"}, Wishes(trace="t")),
        ({}, {"x_portkey_trace_id": b"p"}, Wishes(trace="p")),
        ({"trace": "t"}, {"x_waypost_trace": b"w", "x_portkey_trace_id": b"p"}, Wishes(trace="w")),
        ({"metadata": {"a": "b"}}, {}, Wishes(metadata={"a": "b"})),
        ({"metadata": {"a": "b"}}, {"x_waypost_metadata": b'{"c":"d"}'}, Wishes(metadata={"c": "d"})),
        (
            {},
            {"x_portkey_metadata": TWO_NAMES},
            Wishes(user="ann", metadata={"_user": "ann", "team": "blue"}),
        ),
        (
            {"user": "bob"},
            {"x_portkey_metadata": TWO_NAMES},
            Wishes(user="bob", metadata={"_user": "ann", "team": "blue"}),
        ),
        (
            {},
            {"x_waypost_metadata": b"{}", "x_portkey_metadata": TWO_NAMES, "x_waypost_user": b"eve"},
            Wishes(user="eve"),
        ),
        ({"continue_on_failure": True}, {}, Wishes(continue_on_failure=True)),
        ({"continue_on_failure": True}, {"x_waypost_continue_on_failure": b"false"}, NO_WISHES),
        ({}, {"x_waypost_continue_on_failure": b"True"}, Wishes(continue_on_failure=True)),
        ({"hedge": False}, {}, Wishes(hedge="off")),
        ({"hedge": "auto"}, {}, Wishes(hedge="auto")),
        ({"hedge": 2}, {}, Wishes(hedge=2.0)),
        ({"hedge": 0.25}, {"x_waypost_hedge": b"off"}, Wishes(hedge="off")),
        ({}, {"x_waypost_hedge": b"AUTO"}, Wishes(hedge="auto")),
        ({}, {"x_waypost_hedge": b"false"}, Wishes(hedge="off")),
        ({}, {"x_waypost_hedge": b"1.5"}, Wishes(hedge=1.5)),
        ({}, {"x_waypost_hedge": b"250ms"}, Wishes(hedge=0.25)),
        ({"deadline": 30}, {}, Wishes(deadline_s=30.0)),
        ({"deadline": "1m30s"}, {}, Wishes(deadline_s=90.0)),
        ({"deadline": "2.5"}, {}, Wishes(deadline_s=2.5)),
        ({"deadline": 30}, {"x_waypost_deadline": b"10s"}, Wishes(deadline_s=10.0)),
        ({}, {"x_waypost_deadline": b" 10 "}, Wishes(deadline_s=10.0)),
        ({}, {"x_portkey_config": b"pc-x"}, Wishes(config=b"pc-x")),
        ({}, {"x_portkey_provider": b"@openai"}, Wishes(provider="openai")),
        ({}, {"x_portkey_virtual_key": b"openai"}, Wishes(provider="openai")),
        ({}, {"x_portkey_provider": b"a", "x_portkey_virtual_key": b"b"}, Wishes(provider="a")),
        ({}, {"x_waypost_user": "ü".encode()}, Wishes(user="ü")),
        ({}, {"x_waypost_user": b"\xfc"}, Wishes(user="ü")),
    ],
)
def test_every_option(field: object, headers: dict[str, bytes], made: Wishes) -> None:
    assert wishes(field, **headers) == made


@pytest.mark.parametrize(
    ("field", "param"),
    [
        ({"on_los": "drop"}, "waypost"),
        ({"on_loss": "maybe"}, "waypost"),
        (7, "waypost"),
        ({"metadata": {"a": 1}}, "waypost"),
        ({"continue_on_failure": "yes"}, "waypost"),
        ({"route": ""}, "waypost.route"),
        ({"user": "x" * 257}, "waypost.user"),
        ({"session": " "}, "waypost.session"),
        ({"trace": ""}, "waypost.trace"),
        ({"metadata": {str(n): "" for n in range(33)}}, "waypost.metadata"),
        ({"metadata": {"": "x"}}, "waypost.metadata"),
        ({"metadata": {"a" * 65: "x"}}, "waypost.metadata"),
        ({"metadata": {"a": "x" * 513}}, "waypost.metadata"),
        ({"hedge": True}, "waypost.hedge"),
        ({"hedge": 0}, "waypost.hedge"),
        ({"hedge": 601}, "waypost.hedge"),
        ({"deadline": 0}, "waypost.deadline"),
        ({"deadline": -1}, "waypost.deadline"),
        ({"deadline": 86_401}, "waypost.deadline"),
        ({"deadline": "soon"}, "waypost.deadline"),
        ({"deadline": "0s"}, "waypost.deadline"),
    ],
)
def test_a_wrong_object_is_refused_by_name(field: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        wishes(field)
    assert caught.value.param == param
    if param == "waypost":
        assert "on_loss" in caught.value.message


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("x_waypost_on_loss", b"perhaps"),
        ("x_waypost_route", b""),
        ("x_waypost_user", b"x" * 257),
        ("x_waypost_session", b" "),
        ("x_waypost_trace", b""),
        ("x_waypost_metadata", b"a=b"),
        ("x_waypost_metadata", b'{"a":1}'),
        ("x_waypost_metadata", b'["a"]'),
        ("x_waypost_metadata", b'{"a":"\xff"}'),
        ("x_waypost_metadata", b'{"":"a"}'),
        ("x_waypost_metadata", b"[" * 9999),
        ("x_waypost_continue_on_failure", b"perhaps"),
        ("x_waypost_hedge", b"true"),
        ("x_waypost_hedge", b"0"),
        ("x_waypost_hedge", b"1e9"),
        ("x_waypost_deadline", b"nan"),
        ("x_waypost_deadline", b"inf"),
        ("x_waypost_deadline", b"-1"),
        ("x_waypost_deadline", b"9999999d"),
        ("x_portkey_metadata", b"x"),
        ("x_portkey_provider", b""),
        ("x_portkey_custom_host", b"http://127.0.0.1"),
        ("x_portkey_forward_headers", b"authorization"),
    ],
)
def test_a_wrong_header_is_refused_by_name(header: str, said: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        wishes(**{header: said})
    assert caught.value.param == header.replace("_", "-")
    assert header.replace("_", "-") in caught.value.message


json = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
NAMES = ["route", "user", "session", "trace", "metadata", "continue_on_failure", "hedge", "deadline"]


@given(json | st.dictionaries(st.sampled_from(NAMES), json, max_size=3))
def test_any_object_is_read_or_refused(field: object) -> None:
    request = asked(waypost=field)
    try:
        _, made = read_options(request, {})
    except InvalidRequest:
        return
    assert made.deadline_s is None or 0 < made.deadline_s <= 86_400
    assert made.hedge in (None, "auto", "off") or isinstance(made.hedge, float)


@given(
    st.sampled_from(["route", "user", "metadata", "continue", "hedge", "deadline"]), st.binary(max_size=12)
)
def test_any_header_is_read_or_refused(name: str, said: bytes) -> None:
    header = f"x-waypost-{name}"
    try:
        _, made = read_options(asked(), {header.encode(): said})
    except InvalidRequest as refused:
        assert header in refused.message  # noqa: PT017 - both ends are right, one of them has words
        return
    assert made.deadline_s is None or 0 < made.deadline_s <= 86_400
