"""The stages of a session up to its beginning."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from pipeline.sessions_rig import Opened, Talk
from transcript import AskedLimits, error_code, provider, target
from waypost.config.targets import Keying
from waypost.core.credentials import Credential
from waypost.core.key import Key
from waypost.core.limit import Limit, Need
from waypost.core.people import DEFAULT, Organization
from waypost.errors import RateLimited, Unavailable
from waypost.policy.limits import Limits
from waypost.ports import Ended, Socket
from waypost.routing.own import Brought


async def test_a_session_from_its_opening_to_its_goodbye() -> None:
    talk = Talk()
    task = await talk.begin()
    assert talk.sessions.active == 1
    sent, received = talk.say("response.create"), talk.answer("session.created", session={})
    assert (talk.upstream.sent, talk.client.socket.sent) == ([sent], [received])
    talk.turn(input=10, output=5)
    talk.turn(input=20, output=1)
    talk.client.socket.leave(Ended(1000, by_peer=True))
    await task
    exchange = talk.stage.exchange
    assert (exchange.operation, exchange.outcome, exchange.status, exchange.error) == (
        "realtime",
        "ok",
        101,
        None,
    )
    assert (exchange.cost_nusd, exchange.stream, exchange.route) == (90, True, "fast")
    usage = talk.stage.attempts[0].usage
    assert usage is not None
    assert (usage.input, usage.output) == (30, 6)
    assert talk.upstream.closed == (1000, "")
    assert talk.sessions.active == 0
    assert [point.cost_nusd for point in talk.stage.ledger.checkpoints] == [60, 90]


async def test_what_the_provider_is_asked_and_what_the_client_is_told() -> None:
    talk = Talk()
    task = talk.start(headers={b"authorization": b"Bearer client", b"openai-beta": b"realtime=v1"})
    await talk.upstream.listening.wait()
    origin, head = talk.sockets.heads[0]
    assert origin.host == "p1.example"
    assert head.startswith(b"GET /v1/realtime?model=m1 HTTP/1.1\r\nhost: p1.example\r\n")
    assert b"Bearer upstream-secret" in head
    assert b"openai-beta: realtime=v1\r\n" in head
    assert b"client" not in head
    told = dict(talk.client.accepted)
    assert (told[b"x-waypost-model"], told[b"x-waypost-request-id"]) == (b"m1", b"x1")
    assert told[b"openai-version"] == b"1"
    assert b"openai-organization" not in told
    talk.client.socket.leave(Ended(1000, by_peer=True))
    await task


async def test_another_target_is_asked_before_the_client_notices() -> None:
    targets = tuple(target(provider(name, dialects=("openai_realtime",))) for name in ("p1", "p2"))
    talk = Talk(Unavailable("down"), Unavailable("down"), targets=targets)
    talk.sockets.script.append(talk.opened)
    task = await talk.begin()
    talk.client.socket.leave(Ended(1000, by_peer=True))
    await task
    assert [(each.provider, each.state, each.cost_nusd) for each in talk.stage.attempts] == [
        ("p1", "voided", 0),
        ("p1", "voided", 0),
        ("p2", "settled", 0),
    ]


@pytest.mark.parametrize(
    ("status", "told", "code"),
    [
        (400, 400, "upstream_rejected"),
        (401, 502, "upstream_credential_refused"),
        (429, 429, "upstream_rate_limited"),
    ],
)
async def test_a_refusal_of_the_provider_is_an_http_answer(status: int, told: int, code: str) -> None:
    body = b'{"error":{"message":"no: upstream-secret","type":"x","code":null,"param":null}}'
    talk = Talk(Opened(status, body), Opened(status, body))
    await talk.start()
    assert talk.client.status == told
    if status != 400:
        assert error_code(talk.client.body) == code
    assert b"upstream-secret" not in talk.client.body
    assert (talk.stage.exchange.outcome, talk.stage.exchange.error) == ("failed", code)
    assert {(each.state, each.cost_nusd) for each in talk.stage.attempts} == {("voided", 0)}


@pytest.mark.parametrize(
    ("query", "status"), [(b"", 400), (b"model=nothing", 404), (b"model=fast&intent=transcription", 400)]
)
async def test_what_is_refused_by_the_gateway(query: bytes, status: int) -> None:
    talk = Talk()
    await talk.start(query)
    assert talk.client.status == status
    assert talk.stage.exchange.outcome == "refused"
    assert talk.sockets.heads == []


async def test_a_model_without_realtime() -> None:
    talk = Talk(targets=(target(provider()),))
    await talk.start()
    assert (talk.client.status, msgspec.json.decode(talk.client.body)["error"]["param"]) == (400, "model")


async def test_a_key_without_room_never_begins() -> None:
    talk = Talk(limit=10, key=Key("k1", "app", Talk().stage.key.digest, "", 0.0, budget_nusd=10))
    await talk.start()
    assert (talk.client.status, error_code(talk.client.body)) == (402, "budget_exceeded")


async def test_a_client_that_leaves_while_the_provider_is_asked() -> None:
    talk = Talk()
    task = talk.start()
    talk.client.leave()
    await task
    assert talk.stage.exchange.outcome == "disconnected"


async def test_drain_ends_what_is_quiet_at_once_and_the_rest_with_its_response() -> None:
    talk = Talk()
    task = await talk.begin()
    talk.answer("response.created", response={"id": "r"})
    talk.sessions.drain()
    assert not task.done()
    talk.answer("response.done", response={"id": "r", "usage": {"input_tokens": 1, "output_tokens": 1}})
    await task
    assert [event["type"] for event in talk.client.socket.events][-2:] == ["response.done", "error"]
    assert talk.client.socket.closed == (1012, "")
    assert (talk.stage.exchange.outcome, talk.stage.exchange.error) == ("cut", "draining")
    quiet = Talk()
    task = await quiet.begin()
    quiet.sessions.drain()
    await task
    assert quiet.client.socket.closed == (1012, "")


async def test_the_drain_limit_ends_everything() -> None:
    talk = Talk()
    task = await talk.begin()
    talk.answer("response.created", response={"id": "r"})
    talk.answer("response.output_text.delta", response_id="r", delta="a")
    talk.sessions.abort_all()
    await task
    assert talk.client.socket.closed == (1012, "")
    assert talk.upstream.closed is not None
    assert talk.stage.exchange.cost_nusd == 10
    assert talk.stage.attempts[0].usage is not None
    assert talk.stage.attempts[0].usage.source == "partial"


async def test_a_session_is_not_shared_by_an_idempotency_key() -> None:
    talk = Talk()
    task = talk.start(headers={b"idempotency-key": b"once"})
    await talk.upstream.listening.wait()
    assert talk.client.accepted
    talk.client.socket.leave(Ended(1000))
    await task
    assert talk.upstream.closed is not None


async def test_an_upgrade_that_can_not_be_taken_up_closes_the_providers_side() -> None:
    talk = Talk()

    def broken(headers: list[tuple[bytes, bytes]]) -> Socket:
        raise RuntimeError("ours")

    talk.client.accept = broken
    await talk.start()
    assert talk.client.status == 500
    assert talk.upstream.closed is not None


async def test_a_session_is_not_hedged() -> None:
    talks = [
        target(provider(name, dialects=("openai_realtime",)), priority=n) for n, name in enumerate("ab", 1)
    ]
    talk = Talk(targets=tuple(talks))
    talk.stage.planner.hedge_after_s = 0.1
    task = await talk.begin()
    assert talk.stage.upstream.sent == []
    talk.client.socket.leave(Ended(1000))
    await task


@pytest.mark.parametrize("counted", [Limits, AskedLimits])
async def test_a_session_takes_its_place_and_its_tokens_and_gives_back_what_it_did_not_use(
    counted: Callable[[], Limits | AskedLimits],
) -> None:
    own = counted()
    talk = Talk(limits=own)
    paces = [
        Limit("lim_1", DEFAULT, "places", "key", "k1", "concurrent", 1),
        Limit("lim_2", DEFAULT, "tokens", "key", "k1", "tokens", 10_000),
    ]
    talk.stage.rule(*paces)
    task = await talk.begin()
    rules = talk.stage.directory.standing(talk.stage.key).rules
    limits = own.counted if isinstance(own, AskedLimits) else own
    assert (b"x-ratelimit-limit-tokens", b"10000") in talk.client.accepted
    assert limits.shown(rules.paces, talk.stage.clock.now)["tokens"].remaining == 10_000 - 4096
    with pytest.raises(RateLimited):
        limits.take(rules.paces, Need(), talk.stage.clock.now)
    talk.turn(input=5_000, output=10)
    assert limits.shown(rules.paces, talk.stage.clock.now)["tokens"].remaining == 10_000 - 5_010
    talk.client.socket.leave(Ended(1000, by_peer=True))
    await task
    assert limits.shown(rules.paces, talk.stage.clock.now)["tokens"].remaining == 10_000 - 5_010
    limits.take(rules.paces, Need(), talk.stage.clock.now)


async def test_a_session_ends_once_its_owner_may_not_use_the_gateway_any_more() -> None:
    talk = Talk()
    task = await talk.begin()
    talk.stage.rule(Organization(DEFAULT, "default", suspended=True))
    talk.turn()
    await task
    assert talk.client.socket.closed == (1008, "")
    assert talk.stage.exchange.error == "permission_denied"


async def test_a_session_with_a_credential_of_ones_own() -> None:
    served = target(provider(dialects=("openai_realtime",), keying=Keying("authorization")))
    talk = Talk(Opened(401), opened := Opened(), targets=(served,))
    home = talk.stage.key.organization_id
    made = Credential("cred_1", home, "main", "p1", "https://p1.example", owner_id=home, sealed=b"x")
    other = msgspec.structs.replace(made, id="cred_2", use="last")
    talk.stage.own.give([Brought(made, "sk-own"), Brought(other, "sk-last")])
    task = talk.start()
    await talk.client.socket.listening.wait()
    assert [b"Bearer sk-own" in talk.sockets.heads[0][1], b"upstream-secret" in talk.sockets.heads[1][1]] == [
        True,
        True,
    ]
    talk.client.socket.leave(Ended(1000, by_peer=True))
    await task
    assert opened.socket.closed == (1000, "")
    assert [each.key_name for each in talk.stage.attempts] == ["cred_1:1", ""]
