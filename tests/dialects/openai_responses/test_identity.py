from __future__ import annotations

import re

from waypost.dialects.openai_responses.identity import item_id, response_id


def test_ids_are_the_same_for_the_same_exchange_and_differ_otherwise() -> None:
    assert response_id("wp-1") == response_id("wp-1") != response_id("wp-2")
    assert re.fullmatch(r"resp_[0-9a-f]{48}", response_id("wp-1"))
    made = {item_id(kind, seed, number) for kind in ("msg", "fc") for seed in "ab" for number in (0, 1)}
    assert len(made) == 8
    assert all(re.fullmatch(r"(msg|fc)_[0-9a-f]{32}", each) for each in made)
