"""Transcripts: what a request asks of its routing, on its way through the stages."""

from __future__ import annotations

import msgspec
import pytest

from transcript import CHAT, ScriptedAnswer, Stage, completion, error_code, provider, target

TWO = (target(provider("p1")), target(provider("p2"), "m2"))


def sent(stage: Stage) -> list[dict[str, object]]:
    return [msgspec.json.decode(body) for _, _, body in stage.upstream.sent]


async def test_the_gateways_fields_are_not_a_providers() -> None:
    stage = Stage([completion()])
    client = await stage.ask(
        {
            **CHAT,
            "models": ["p1/other"],
            "provider": {"order": ["p1"], "max_price": {"prompt": "1"}},
            "waypost": {"user": "ann", "deadline": "1m"},
            "route": "fallback",
            "session_id": "s",
            "user": "u",
            "vendor": 1.50,
        }
    )
    assert client.status == 200
    assert sent(stage)[0].keys() == {"model", "messages", "session_id", "user", "vendor"}


async def test_openrouter_is_sent_its_object() -> None:
    stage = Stage([completion()], (target(provider("openrouter"), "a/b"),))
    await stage.ask({**CHAT, "provider": {"order": ["x"], "new": 1}, "models": ["c/d"]})
    [body] = sent(stage)
    assert body["provider"] == {"order": ["x"], "new": 1}
    assert "models" not in body


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"models": ["p1/other"]}, {}),
        ({"fallbacks": [{"model": "p1/other"}]}, {}),
        ({}, {b"x-portkey-config": b'{"override_params":{"model":"p1/other"}}'}),
        ({}, {b"x-portkey-provider": b"p1"}),
        ({"model": "p1/other"}, {b"x-waypost-route": b"p1/other"}),
        ({"waypost": {"route": "p1/other"}}, {}),
    ],
)
async def test_a_limited_key_is_refused_before_anything_is_sent(
    fields: dict[str, object], headers: dict[bytes, bytes]
) -> None:
    stage = Stage()
    limited = msgspec.structs.replace(stage.key, models=("p2/*", "fast"))
    stage = Stage(key=limited)
    body = {**CHAT, "model": "p1/m1" if b"x-portkey-provider" in headers else "fast", **fields}
    client = await stage.ask(body, headers=headers)
    assert (client.status, error_code(client.body)) == (403, "permission_denied")
    assert stage.upstream.sent == []
    assert stage.ledger.holds == []


async def test_what_a_config_overrides_is_held_for() -> None:
    stage = Stage([completion(), completion()])
    budget = msgspec.structs.replace(stage.key, budget_nusd=10**9)
    stage = Stage([completion(), completion()], key=budget)
    config = {"override_params": {"max_tokens": 5000}}
    await stage.ask({**CHAT, "max_tokens": 10})
    await stage.ask(
        {**CHAT, "max_tokens": 10}, headers={b"x-portkey-config": msgspec.json.encode(config)}, number=2
    )
    plain, overridden = (hold.amount_nusd for hold in stage.ledger.holds)
    assert overridden - plain == 4990 * 10


async def test_a_wrong_request_to_the_gateway_is_told_in_the_clients_dialect() -> None:
    stage = Stage()
    client = await stage.ask({**CHAT, "provider": {"sort": "best"}})
    assert client.status == 400
    assert msgspec.json.decode(client.body)["error"]["param"] == "provider.sort"


async def test_an_earlier_answers_maker_is_not_sent_the_fields_either() -> None:
    own = target(provider("p1", dialects=("openai_responses",)))
    answer = {"id": "resp_9", "object": "response", "status": "completed", "output": [], "model": "m1"}
    whole = [ScriptedAnswer(200, msgspec.json.encode(answer)) for _ in range(2)]
    stage = Stage(whole, (own,), keeps=True)
    first = await stage.ask({"model": "fast", "input": "x"}, dialect="openai_responses")
    previous = msgspec.json.decode(first.body)["id"]
    await stage.ask(
        {
            "model": "fast",
            "input": "y",
            "previous_response_id": previous,
            "models": ["p1/z"],
            "provider": {"zdr": False},
        },
        dialect="openai_responses",
        number=2,
    )
    body = sent(stage)[1]
    assert body["previous_response_id"] == previous
    assert "models" not in body
    assert "provider" not in body
