from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from waypost.config.faults import Faults
from waypost.config.leaves import build_need, build_overlay
from waypost.config.load import load_defaults
from waypost.config.nodes import MaxPrice, Need, Overlay
from waypost.config.route_schema import MaxPriceConfig, NeedConfig, NodeConfig
from waypost.routing.requested.paths import parse_path


def test_dollars_are_exact_nano_dollars() -> None:
    need = build_need(
        NeedConfig(max_price=MaxPriceConfig(input=Decimal("0.1"), request=Decimal("0.000000001")))
    )
    assert need == Need(max_price=MaxPrice(input=100_000_000, request=1))


@pytest.mark.parametrize("config", [None, NeedConfig(), NeedConfig(no_training=False, only=[])])
def test_a_need_of_nothing_is_none(config: NeedConfig | None) -> None:
    assert build_need(config) is None


def test_fields_are_json_and_numbers_stay_as_they_were_written() -> None:
    faults = Faults(load_defaults())
    written = NodeConfig(target="a/m", set={"temperature": Decimal("0.10"), "stop": ["a", 1]}, timeout="1m")
    overlay = build_overlay(written, ("routes", 0), faults)
    assert overlay is not None
    assert {name: bytes(raw) for name, raw in overlay.override.items()} == {
        "temperature": b"0.10",
        "stop": b'["a",1]',
    }
    assert overlay == Overlay(override=overlay.override, timeout_s=60.0)
    assert build_overlay(NodeConfig(target="a/m"), (), faults) is None
    assert not faults.found
    assert msgspec.json.decode(overlay.override["temperature"]) == 0.1


@pytest.mark.parametrize(
    ("path", "good"),
    [
        ("a", True),
        ("a.b-c.d e", True),
        ("tools[0].x", True),
        ("tools[*][12].x", True),
        (".".join("a" * 16), True),
        (".".join("a" * 17), False),
        ("a" + "[0]" * 16, False),
        ("a[", False),
        ("[0]", False),
        ("a..b", False),
        ("a.", False),
        ("a[x]", False),
        ("a]", False),
        ("a[1234567]", False),
    ],
)
def test_paths_that_are_dropped_are_those_that_can_be_followed(path: str, good: bool) -> None:
    faults = Faults(load_defaults())
    build_overlay(NodeConfig(target="a/m", drop=[path]), ("routes", 0), faults)
    assert (not faults.found) is good
    if good:
        assert parse_path(path)
    else:
        with pytest.raises(ValueError, match=r"is not a path|goes deeper"):
            parse_path(path)
