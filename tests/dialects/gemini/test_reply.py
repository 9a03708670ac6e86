from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases, counts_of
from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.gemini.reply import estimate_output, parse_reply, render_reply
from waypost.errors import Garbled, Throttled


@pytest.mark.parametrize("case", cases("gemini_generate", "responses"))
def test_golden(case: Any) -> None:
    reply = parse_reply(msgspec.json.encode(case["body"]))
    assert counts_of(reply.usage) == case["usage"]
    assert (reply.tier, reply.finish_reason) == (case["tier"], case["finish_reason"])
    shown = msgspec.json.decode(render_reply(reply, 5))
    assert shown["usageMetadata"].pop("cost") == 0.000000005
    assert {**case["body"], "usageMetadata": shown["usageMetadata"]} == shown
    assert shown["usageMetadata"] == case["body"].get("usageMetadata", {})


def test_errors() -> None:
    with pytest.raises(Throttled):
        parse_reply(b'[{"error":{"code":429,"message":"x"}}]')
    with pytest.raises(Garbled):
        parse_reply(b"[1]")


def test_estimated_by_the_bytes_of_its_parts() -> None:
    reply = parse_reply(b'{"candidates":[{"content":{"parts":[{"text":"12345678"}]}}]}')
    assert estimate_output(Asked("m", False, {}, input_estimate=3), reply) == Usage(
        input=3, output=2, source="estimated"
    )
    odd = parse_reply(b'{"candidates":7}')
    assert estimate_output(Asked("m", False, {}), odd) == Usage(source="estimated")
