from __future__ import annotations

import pytest

from waypost.recorder.names import Names, random_run


def names(*taken: str) -> Names:
    return Names(lambda name: name in taken)


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ("msg_01AbCdEfGh12345678", "msg_1"),
        ("chatcmpl-9zYxWvUt87654321", "chatcmpl-1"),
        ("0F6B2C1E-1111-4222-8333-123456789ABC", "00000000-0000-4000-8000-000000000001"),
        ("8f14e45fceea167a", "id_1"),
    ],
)
def test_an_id_keeps_its_kind(value: str, given: str) -> None:
    here = names()
    assert (here.id(value), here.id(value), here.id(given)) == (given, given, given)


def test_the_next_one_has_the_next_number_and_none_that_is_there_already() -> None:
    here = names("toolu_2")
    assert [here.id(f"toolu_01AbCdEfGh{at}") for at in "123"] == ["toolu_1", "toolu_3", "toolu_4"]


def test_ids_in_a_text_and_words_that_look_like_them() -> None:
    text = "see resp_68a1b2c3d4e5 and file_search_call, sk_learn, part_of_speech and claude-sonnet-4-20250514"
    assert names().ids(text) == text.replace("resp_68a1b2c3d4e5", "resp_1")


def test_an_echo_follows_its_name() -> None:
    here = names()
    here.account("acme-corporation")
    assert here.echoes("no quota left for acme-corporation.") == "no quota left for account_1."


def test_people_and_addresses() -> None:
    here = names()
    assert here.people("bob@corp.io, eve@corp.io, bob@corp.io") == (
        "person1@example.com, person2@example.com, person1@example.com"
    )
    assert here.people("a@example.com b@mail.example.org") == "a@example.com b@mail.example.org"
    text = "10.1.2.3 and 2a00:1450:4001:82f::200e, not 127.0.0.1, 1.2.3, 999.1.1.1, 12:30:45 or std::vector"
    assert here.addresses(text) == text.replace("10.1.2.3", "192.0.2.1").replace(
        "2a00:1450:4001:82f::200e", "2001:db8::1"
    )


def test_sealed_texts_stay_base64() -> None:
    here = names()
    first = here.sealed("EqQBCkYIBhgCKkBx")
    assert (first, here.sealed(first), here.sealed("other")) == (
        "c2VhbGVkICMwMDE=",
        first,
        "c2VhbGVkICMwMDI=",
    )


def test_random_runs() -> None:
    assert random_run("a1b2c3d4", 8)
    assert not random_run("gpt-4o-mini-2024-07-18", 8)
