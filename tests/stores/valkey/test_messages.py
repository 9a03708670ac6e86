from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.routing.health.changes import Change
from waypost.stores.valkey.messages import (
    MESSAGE_MOST,
    UNTIL_MOST_S,
    WELL_KEPT_S,
    Message,
    channel_of,
    decode,
    encode,
    kept_until,
    key_of,
    pattern_of,
)

NOW = 1_790_000_000.0
NODE = "0123456789abcdef"
EJECTED = Change("ejected", "p", "", "m", NOW + 30)
PARKED = Change("parked", "p", "k1", "", NOW + 300)


@pytest.mark.parametrize(
    "change",
    [
        EJECTED,
        PARKED,
        Change("parked", "p", "", "a/model:with*signs", NOW + 1),
        Change("ejected", "p", "", "m", 0.0),
    ],
)
def test_what_one_node_writes_another_reads(change: Change) -> None:
    data = encode(Message(NODE, "beef", change))
    assert data is not None
    assert decode(data, NOW) == Message(NODE, "beef", change)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"{}",
        b"[]",
        b'["0123456789abcdef","m"]',
        b'["me","m",["ejected","p","","m",1790000030]]',
        b'["0123456789ABCDEF","m",["ejected","p","","m",1790000030]]',
        b'["0123456789abcdef","a mark that is too long",["ejected","p","","m",1790000030]]',
        b'["0123456789abcdef","m",["erased","p","","m",1790000030]]',
        b'["0123456789abcdef","m",["ejected","p","","m","1790000030"]]',
        b'["0123456789abcdef","m",["ejected","p","","m",true]]',
        b'["0123456789abcdef","m",["ejected","p","","m",NaN]]',
        b'["0123456789abcdef","m",["ejected","p","","m",1e999]]',
        b'["0123456789abcdef","m",["ejected","p","","m",1789999999]]',
        b'["0123456789abcdef","m",["ejected","p","","m",-1]]',
        b'["0123456789abcdef","m",["ejected","","","m",1790000030]]',
        b'["0123456789abcdef","m",["ejected","p","","",1790000030]]',
        b'["0123456789abcdef","m",["ejected","p","k1","m",1790000030]]',
        b'["0123456789abcdef","m",["ejected","p","","\xff",1790000030]]',
        b'["0123456789abcdef","m",["ejected","p","","' + b"m" * MESSAGE_MOST + b'",1790000030]]',
        b"[" * 1000,
    ],
)
def test_what_no_node_would_write_is_not_taken(text: bytes) -> None:
    assert decode(text, NOW) is None


def test_nobody_is_kept_away_for_longer_than_a_day() -> None:
    data = encode(Message(NODE, "beef", msgspec.structs.replace(PARKED, until=NOW * 2)))
    assert data is not None
    told = decode(data, NOW)
    assert told is not None
    assert told.change.until == NOW + UNTIL_MOST_S


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    assert decode(data, NOW) is None


@given(st.text(max_size=4000))
def test_a_message_is_never_larger_than_may_be_and_neither_is_its_key(model: str) -> None:
    change = Change("ejected", "p", "", model, NOW + 30)
    data = encode(Message(NODE, "beef", change))
    assert data is None or len(data) <= MESSAGE_MOST
    assert len(key_of("default", change)) == len("waypost:health:v1:default:ejected:") + 32


def test_keys_are_of_one_namespace_and_one_subject() -> None:
    later = msgspec.structs.replace(EJECTED, until=NOW + 99)
    assert key_of("a", EJECTED) == key_of("a", later)
    others = [
        key_of("a", EJECTED),
        key_of("b", EJECTED),
        key_of("a", PARKED),
        key_of("a", Change("ejected", "pm", "", "", 0.0)),
        key_of("a", Change("parked", "p", "", "m", 0.0)),
        key_of("a", Change("parked", "p", "m", "", 0.0)),
    ]
    assert len(set(others)) == len(others)
    assert all(key.startswith(pattern_of("a")[:-1]) for key in others if ":v1:a:" in key)
    assert channel_of("a") == "waypost:health:v1:a"


def test_what_is_well_again_is_kept_for_some_minutes() -> None:
    assert kept_until(EJECTED, NOW) == EJECTED.until
    assert kept_until(Change("ejected", "p", "", "m", 0.0), NOW) == NOW + WELL_KEPT_S
