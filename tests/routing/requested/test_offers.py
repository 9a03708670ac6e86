from __future__ import annotations

import msgspec

from routing.requested.rig import SNAPSHOT, listed
from waypost.routing.requested.offers import OFFERS_MAX, Offers


def test_everyone_who_lists_an_id_is_found_by_it() -> None:
    offers = Offers(SNAPSHOT)
    assert [route.name for route in offers.of("gpt-5")] == ["openai/gpt-5", "azure/gpt-5"]
    assert [route.name for route in offers.of("qwen3:4b")] == ["together/qwen3:4b", "ollama/qwen3:4b"]
    assert offers.of("fast") == (), "what the operator put together is not added to"
    assert offers.of("nothing") == ()
    assert offers.everyone("nothing") is None
    assert offers.everyone("gpt-5") is offers.everyone("gpt-5")
    assert offers.everyone("gpt-5-mini") is SNAPSHOT.routes["openai/gpt-5-mini"]
    assert offers.regions == {"eu-west-1", "us"}


def test_an_id_has_so_many_offers_at_most() -> None:
    one = listed("openai/gpt-5")
    routes = {f"p{place}/gpt-5": one for place in range(OFFERS_MAX + 9)}
    assert len(Offers(msgspec.structs.replace(SNAPSHOT, routes=routes)).of("gpt-5")) == OFFERS_MAX
