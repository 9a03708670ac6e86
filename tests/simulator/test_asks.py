import msgspec

from simulated import ask, chat, messages, request_bytes, simulator
from waypost.simulator.asks import KEEP, MAX_LARGE, Asks, fingerprint
from waypost.simulator.run import Simulator

__all__ = ["simulator"]


async def test_what_was_asked_can_be_read(simulator: Simulator) -> None:
    body = chat("sim-static", content="héllo")
    await ask(simulator.port, request_bytes(body, headers={"Authorization": "Bearer s3cret", "X-Own": "1"}))
    await ask(simulator.port, request_bytes(None, "/v1/models?key=s3cret&a=1", method="GET"))
    await ask(simulator.port, request_bytes(messages("sim-fast"), "/v1/messages", headers={"x-api-key": "s"}))
    await ask(simulator.port, request_bytes(None, "/bill", method="GET"))
    _, _, raw = await ask(simulator.port, request_bytes(None, "/v1/asks", method="GET"))
    assert b"s3cret" not in raw
    page = msgspec.json.decode(raw)
    first, second, third = page["asks"]
    assert page["count"] == 3
    assert (first["method"], first["path"], first["body"]) == ("POST", "/v1/chat/completions", body)
    assert first["headers"]["authorization"] == "Bearer " + fingerprint(b"s3cret")
    assert first["headers"]["x-own"] == "1"
    assert (second["query"], second["body"]) == (f"key={fingerprint(b's3cret')}&a=1", None)
    assert third["headers"]["x-api-key"] == fingerprint(b"s")
    _, _, raw = await ask(simulator.port, request_bytes(None, "/asks?last=1", method="GET"))
    assert [asked["number"] for asked in msgspec.json.decode(raw)["asks"]] == [3]
    assert (await ask(simulator.port, request_bytes({}, "/asks/reset")))[0] == 200
    assert (simulator.asks.count, simulator.asks.listed()) == (0, [])


def test_a_signature_is_hidden_and_what_is_public_is_not() -> None:
    asks = Asks()
    signed = b"AWS4-HMAC-SHA256 Credential=AK/d/r/s/aws4_request, SignedHeaders=host, Signature=abcd"
    asks.add(b"POST", b"/", {b"authorization": signed}, b"")
    shown = asks.listed()[0].headers["authorization"]
    assert shown == signed.decode().removesuffix("abcd") + fingerprint(b"abcd")


def test_bodies_that_are_no_json() -> None:
    asks = Asks()
    for body in (b"text", b"\xff\xfe", b""):
        asks.add(b"POST", b"/", {}, body)
    assert [asked.body for asked in asks.listed()] == ["text", "//4=", None]


def test_only_the_newest_are_kept() -> None:
    asks = Asks()
    for number in range(KEEP + 10):
        asks.add(b"POST", b"/%d" % number, {}, b"")
    kept = asks.listed()
    assert (asks.count, len(kept), kept[0].path, kept[-1].number) == (KEEP + 10, KEEP, "/10", KEEP + 10)
    assert asks.listed(0) == []


def test_large_bodies_have_a_budget() -> None:
    asks = Asks()
    half = b'"' + b"x" * (MAX_LARGE // 2 - 2) + b'"'
    for _ in range(3):
        asks.add(b"POST", b"/", {}, half)
    assert [asked.body is None for asked in asks.listed()] == [True, False, False]
    assert {asked.size for asked in asks.listed()} == {len(half)}
