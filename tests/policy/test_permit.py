from __future__ import annotations

import msgspec
import pytest

from waypost.core.key import Key
from waypost.errors import Forbidden, InvalidRequest
from waypost.policy.permit import TAGS_MAX, check_metadata, check_network, check_operation, tags_of

KEY = Key("k1", "app", b"", "", 0.0)


def key(**changes: object) -> Key:
    return msgspec.structs.replace(KEY, **changes)


@pytest.mark.parametrize(
    ("networks", "address", "let_in"),
    [
        ((), None, True),
        ((), "9.9.9.9", True),
        (("10.0.0.0/8",), "10.1.2.3", True),
        (("10.0.0.0/8",), "11.1.2.3", False),
        (("10.0.0.0/8",), "::ffff:10.1.2.3", True),
        (("10.0.0.5/8",), "10.1.2.3", True),
        (("127.0.0.1", "2001:db8::/32"), "2001:db8::1", True),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("10.0.0.0/8",), "2001:db8::1", False),
        (("10.0.0.0/8",), None, False),
        (("10.0.0.0/8",), "a name", False),
        (("nonsense",), "10.1.2.3", False),
        (("nonsense", "10.0.0.0/8"), "10.1.2.3", True),
    ],
)
def test_a_key_works_from_its_networks(networks: tuple[str, ...], address: str | None, let_in: bool) -> None:
    if let_in:
        check_network(key(networks=networks), address)
        return
    with pytest.raises(Forbidden, match="from this address"):
        check_network(key(networks=networks), address)


def test_a_key_asks_for_its_operations() -> None:
    check_operation(KEY, "chat")
    check_operation(key(endpoints=("chat", "embeddings")), "chat")
    with pytest.raises(Forbidden, match=r"may not ask for speech\. It may ask for: chat"):
        check_operation(key(endpoints=("chat",)), "speech")


def test_what_a_request_has_to_bring() -> None:
    check_metadata(KEY, {})
    wanting = key(required_tags=("team", "cost_centre"))
    check_metadata(wanting, {"team": "web", "cost_centre": "42"})
    with pytest.raises(InvalidRequest, match="lacks cost_centre") as refusal:
        check_metadata(wanting, {"team": "web", "cost_centre": ""})
    assert refusal.value.param == "metadata"


def test_how_metadata_becomes_tags() -> None:
    metadata = {"team": "web", "beta": "", "deep": {"a": "b"}, "tags": ["a", "b:c", 5, ""], "user_id": "ann"}
    assert tags_of(metadata) == ("team:web", "beta", "a", "b:c", "user_id:ann")
    assert tags_of({"tags": "one"}) == ("tags:one",)
    with pytest.raises(InvalidRequest, match=f"up to {TAGS_MAX} tags"):
        tags_of({str(number): "x" for number in range(TAGS_MAX + 1)})
