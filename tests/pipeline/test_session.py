"""Inside a session: rules, books, and every way to end."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest

from pipeline.sessions_rig import Talk
from transcript import KEY_TEXT, FakeHold, provider, target
from waypost.config.snapshot import Route
from waypost.core.key import Key
from waypost.errors import BudgetExceeded
from waypost.ports import Ended, Hold

BYE = Ended(1000, by_peer=True)
LOST = Ended(1006)


def key(**changes: object) -> Key:
    made = Key("k1", "app", sha256(KEY_TEXT).digest(), "", 0.0)
    return msgspec.structs.replace(made, **changes)


async def test_events_that_set_another_model_are_refused_and_the_session_goes_on() -> None:
    talk = Talk()
    task = await talk.begin()
    talk.say("session.update", event_id="e", session={"model": "p1/other"})
    assert talk.upstream.sent == []
    (error,) = talk.client.socket.events
    assert (error["error"]["code"], error["error"]["event_id"]) == ("permission_denied", "e")
    talk.say("session.update", session={"model": "fast", "voice": "cedar"})
    talk.say("session.update", session={"model": "m1"})
    assert [event["session"] for event in talk.upstream.events] == [
        {"model": "m1", "voice": "cedar"},
        {"model": "m1"},
    ]
    talk.client.socket.tell(b"nonsense", True)
    assert talk.client.socket.events[-1]["error"]["code"] == "invalid_request"
    talk.client.socket.leave(BYE)
    await task
    assert talk.stage.exchange.outcome == "ok"


async def test_the_model_that_transcribes_has_to_be_allowed_and_priced() -> None:
    talk = Talk(key=key(models=("fast", "p1/heard"), budget_nusd=10**9))
    heard = Route("p1/heard", (target(provider(dialects=("openai_realtime",)), "heard"),))
    routes = {**talk.stage.snapshot.routes, "p1/heard": heard}
    talk.stage.snapshot = msgspec.structs.replace(talk.stage.snapshot, routes=routes)
    talk.stage.ledger.extend = lambda *_: None  # type: ignore[attr-defined]  # there is room
    task = await talk.begin()

    def update(model: str) -> None:
        talk.say("session.update", session={"audio": {"input": {"transcription": {"model": model}}}})

    update("secret")
    assert talk.client.socket.events[-1]["error"]["code"] == "permission_denied"
    update("heard")
    assert len(talk.upstream.sent) == 1
    session = {"audio": {"input": {"transcription": {"model": "heard"}}}}
    talk.answer("session.updated", session=session)
    usage = {"type": "tokens", "input_tokens": 7, "output_tokens": 1}
    talk.answer("conversation.item.input_audio_transcription.completed", usage=usage)
    talk.client.socket.leave(BYE)
    await task
    assert talk.stage.exchange.cost_nusd == 17


async def test_an_unpriced_transcriber_is_refused_to_a_budget() -> None:
    talk = Talk(key=key(budget_nusd=10**9))
    task = await talk.begin()
    talk.say("session.update", session={"input_audio_transcription": {"model": "unknown"}})
    assert talk.client.socket.events[-1]["error"]["code"] == "model_unpriced"
    talk.client.socket.leave(BYE)
    await task


async def test_more_is_held_as_it_is_used_and_without_room_the_session_ends() -> None:
    talk = Talk(key=key(budget_nusd=10**9))
    extended: list[int] = []

    def extend(hold: Hold, _: Key, more_nusd: int, at: float) -> None:
        if len(extended) == 2:
            raise BudgetExceeded("No room.")
        extended.append(more_nusd)
        assert isinstance(hold, FakeHold)
        hold.amount_nusd += more_nusd

    talk.stage.ledger.extend = extend  # type: ignore[attr-defined]  # the fake has none
    task = await talk.begin()
    held = talk.stage.ledger.holds[0].amount_nusd
    assert held == 40_960
    talk.turn(input=100, output=10)
    # 200 were spent, and the next response begins with 110 tokens.
    assert extended == [200 + 110]
    talk.turn(input=100, output=10)
    talk.turn(input=100, output=10)
    await task
    *_, done, error = talk.client.socket.events
    assert (done["type"], error["type"], error["error"]["code"]) == (
        "response.done",
        "error",
        "budget_exceeded",
    )
    assert talk.client.socket.closed == (1008, "")
    assert (talk.stage.exchange.outcome, talk.stage.exchange.cost_nusd) == ("cut", 600)


async def test_a_key_that_is_revoked_ends_the_session_with_its_next_response() -> None:
    talk = Talk()
    task = await talk.begin()
    digest = talk.stage.key.digest
    talk.stage.keys.loaded[digest] = msgspec.structs.replace(talk.stage.key, revoked_at=1.0)
    talk.turn()
    await task
    assert talk.client.socket.closed == (1008, "")
    assert talk.stage.exchange.error == "invalid_api_key"


@pytest.mark.parametrize(
    ("ended", "closed", "outcome"),
    [
        (Ended(1000, "bye", by_peer=True), (1000, "bye"), "ok"),
        (Ended(1001, by_peer=True), (1001, ""), "ok"),
        (Ended(1005, by_peer=True), (1000, ""), "ok"),
        (Ended(1011, by_peer=True), (1011, ""), "cut"),
        (Ended(1006), (1011, ""), "cut"),
        (Ended(1009), (1011, ""), "cut"),
    ],
)
async def test_the_providers_end(ended: Ended, closed: tuple[int, str], outcome: str) -> None:
    talk = Talk()
    task = await talk.begin()
    talk.upstream.leave(ended)
    await task
    assert (talk.client.socket.closed, talk.stage.exchange.outcome) == (closed, outcome)


async def test_a_client_that_leaves_calls_off_what_is_under_way_and_waits_for_its_report() -> None:
    talk = Talk()
    task = await talk.begin()
    talk.answer("response.created", response={"id": "r"})
    talk.client.socket.leave(LOST)
    assert talk.upstream.events == [{"type": "response.cancel", "response_id": "r"}]
    assert not task.done()
    talk.client._gone = True  # type: ignore[attr-defined]  # as the edge would say
    talk.answer("response.done", response={"id": "r", "usage": {"input_tokens": 5, "output_tokens": 1}})
    await task
    assert talk.stage.exchange.cost_nusd == 15
    assert talk.stage.exchange.error == "client_disconnected"


async def test_a_response_that_was_asked_for_and_has_not_begun_is_waited_for_too() -> None:
    talk = Talk()
    task = await talk.begin()
    talk.say("response.create")
    talk.client.socket.leave(BYE)
    assert not task.done()
    talk.answer("response.created", response={"id": "r"})
    assert talk.upstream.events[-1] == {"type": "response.cancel", "response_id": "r"}
    talk.answer("response.done", response={"id": "r", "usage": None})
    await task
    assert (talk.stage.exchange.outcome, talk.stage.exchange.cost_nusd) == ("ok", 0)


async def test_a_response_that_is_refused_is_not_waited_for() -> None:
    talk = Talk()
    task = await talk.begin()
    talk.say("response.create")
    talk.answer("error", error={"code": "no"})
    talk.client.socket.leave(BYE)
    await task
    assert len(talk.upstream.sent) == 1


async def test_a_client_that_is_found_gone_again_does_not_begin_the_wait_anew() -> None:
    talk = Talk()
    task = await talk.begin()
    (session,) = talk.sessions._running.values()
    talk.answer("response.created", response={"id": "r"})
    session._client_ended(Ended(1006))
    limit = session._timers["drain"]
    session._client_ended(Ended(1006))
    assert session._timers["drain"] is limit
    talk.answer("response.done", response={"id": "r", "usage": {"input_tokens": 1, "output_tokens": 1}})
    await task


async def test_with_cancel_nothing_is_waited_for() -> None:
    served = provider(dialects=("openai_realtime",), on_disconnect="cancel")
    talk = Talk(targets=(target(served),))
    task = await talk.begin()
    talk.answer("response.created", response={"id": "r"})
    talk.answer("response.output_text.delta", response_id="r", delta="a")
    talk.client.socket.leave(BYE)
    await task
    assert (talk.stage.exchange.outcome, talk.stage.exchange.cost_nusd) == ("ok", 10)


async def test_one_side_that_does_not_read_makes_the_other_rest() -> None:
    talk = Talk()
    task = await talk.begin()
    talk.client.socket.press(True)
    talk.client.socket.press(False)
    talk.upstream.press(True)
    assert (talk.upstream.resting, talk.client.socket.resting) == ([True, False], [True])
    talk.client.socket.leave(BYE)
    await task


async def test_silence_is_asked_and_then_given_up() -> None:
    talk = Talk()
    task = await talk.begin()
    (session,) = talk.sessions._running.values()
    assert (talk.client.socket.pings, talk.client.socket.heard) == (1, False)
    talk.client.socket.heard = True
    session._watch()
    assert not task.done()
    assert talk.stage.ledger.settled == []
    talk.client.socket.heard = True
    await task
    assert (talk.stage.exchange.outcome, talk.stage.exchange.error) == ("cut", "upstream_truncated")


async def test_a_fault_of_our_own_is_a_bug_and_everything_is_closed() -> None:
    talk = Talk()
    task = await talk.begin()

    def fail(_: object) -> None:
        raise RuntimeError("boom")

    talk.stage.ledger.checkpoint = fail  # type: ignore[assignment]  # that is the point
    talk.turn()
    await task
    assert talk.client.socket.events[-1]["error"]["code"] == "internal_error"
    assert talk.upstream.closed is not None
    assert "an exchange failed inside the gateway" in talk.stage.log.getvalue()
    assert talk.stage.exchange.cost_nusd == 60


async def test_without_a_price_the_cost_is_not_known() -> None:
    talk = Talk(targets=(target(provider(dialects=("openai_realtime",)), tariff=None),))
    task = await talk.begin()
    talk.turn()
    talk.client.socket.leave(BYE)
    await task
    assert talk.stage.exchange.cost_nusd is None
