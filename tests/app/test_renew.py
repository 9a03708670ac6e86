from __future__ import annotations

import asyncio
from io import StringIO

import msgspec
import pytest

from transcript import FakeClock, ScriptedAnswer, ScriptedUpstream, provider
from waypost.app.renew import Renewals, renew
from waypost.config.targets import Credential, Provider
from waypost.core.origin import Origin, Proxy
from waypost.errors import CredentialRefused, Unavailable
from waypost.providers.auth.authorizer import BearerToken
from waypost.providers.auth.aws_sources import ContainerKeys, WebIdentityKeys
from waypost.providers.auth.entra import FederatedToken
from waypost.providers.auth.ibm import IamKey
from waypost.providers.auth.renewal import Held, Token, metadata
from waypost.providers.auth.sigv4 import AwsKeys
from waypost.telemetry.logs import Log

PROXY = Proxy("proxy.example", 3128)


def reply(text: str = "t0ken", lasts: int = 3600) -> ScriptedAnswer:
    return ScriptedAnswer(200, f'{{"access_token":"{text}","expires_in":{lasts}}}'.encode())


class World:
    def __init__(self, *answers: ScriptedAnswer | BaseException) -> None:
        self.log = StringIO()
        self.clock = FakeClock()
        self.upstream = ScriptedUpstream(list(answers))
        self.renewals = Renewals(self.upstream, self.read, self.clock, Log(self.log, lambda: 0.0))
        self.held = Held[Token](IamKey("hush"), "w")
        self.provider = provider("w", credential=Credential(b"", BearerToken(self.held)))

    def read(self, path: str) -> bytes:
        raise FileNotFoundError(path)

    def line(self, of: Provider) -> bytes:
        return of.credential.lines("POST", "h", "/", b"", self.clock.wall())


async def test_a_token_is_fetched_over_the_gateways_own_client() -> None:
    world = World(reply())
    await world.renewals.refresh([world.provider, provider("static")])
    assert world.line(world.provider) == b"authorization: Bearer t0ken\r\n"
    ((origin, head, body),) = [sent[:3] for sent in world.upstream.sent]
    assert origin == Origin("https", "iam.cloud.ibm.com", 443)
    assert head.startswith(b"POST /identity/token HTTP/1.1\r\nhost: iam.cloud.ibm.com\r\n")
    assert b"content-length: %d\r\n\r\n" % len(body) in head
    assert b"apikey=hush" in body
    assert "hush" not in world.log.getvalue()
    assert "t0ken" not in world.log.getvalue()


async def test_nothing_is_fetched_before_it_is_due() -> None:
    world = World(reply("one"), reply("two"))
    for _ in range(3):
        await world.renewals.refresh([world.provider])
    assert len(world.upstream.sent) == 1
    world.clock.advance(3301)
    await world.renewals.refresh([world.provider])
    assert world.line(world.provider) == b"authorization: Bearer two\r\n"


async def test_two_who_ask_at_once_share_one_fetch() -> None:
    world = World(reply())
    same = msgspec.structs.replace(world.provider, name="w2")
    await asyncio.gather(
        world.renewals.refresh([world.provider]), world.renewals.refresh([world.provider, same])
    )
    assert len(world.upstream.sent) == 1


async def test_a_failure_is_told_of_and_the_old_token_goes_on() -> None:
    world = World(reply(), ScriptedAnswer(400, b'{"errorCode":"BXNIM0415E","errorMessage":"hush"}'))
    await world.renewals.refresh([world.provider])
    world.clock.advance(3400)
    await world.renewals.refresh([world.provider])
    assert "provider w" in world.log.getvalue()
    assert "BXNIM0415E" in world.log.getvalue()
    assert "hush" not in world.log.getvalue()
    assert world.line(world.provider) == b"authorization: Bearer t0ken\r\n"
    world.clock.advance(200)
    with pytest.raises(CredentialRefused, match="provider w"):
        world.line(world.provider)


async def test_a_lost_connection_is_thrown_into_the_source() -> None:
    world = World(Unavailable("It can not be reached."))
    await world.renewals.refresh([world.provider])
    with pytest.raises(Unavailable, match="It can not be reached"):
        world.line(world.provider)


async def test_files_are_read_and_missing_ones_are_a_refusal() -> None:
    held = Held[Token](FederatedToken("t", "c", "/token"), "z")
    upstream = ScriptedUpstream([reply()])
    await renew(held, Origin("https", "z.example", 443), upstream, lambda path: b"eyJ", 1.0)
    assert b"client_assertion=eyJ" in upstream.sent[0][2]
    with pytest.raises(CredentialRefused, match="/token"):
        await renew(held, Origin("https", "z.example", 443), upstream, World().read, 1.0)


async def test_a_proxy_is_for_the_network_and_never_for_the_machines_own_identity() -> None:
    behind = Origin("https", "b.example", 443, proxy=PROXY)
    upstream = ScriptedUpstream([reply(), ScriptedAnswer(403, b"")])
    await renew(Held[Token](IamKey("k"), "b"), behind, upstream, World().read, 1.0)
    assert upstream.sent[0][0].proxy == PROXY
    keys = Held[AwsKeys](ContainerKeys(metadata("169.254.170.2"), "/x"), "b")
    with pytest.raises(CredentialRefused):
        await renew(keys, behind, upstream, World().read, 1.0)
    assert upstream.sent[1][0] == metadata("169.254.170.2")
    assert upstream.sent[1][1].endswith(b"accept: application/json\r\n\r\n")


async def test_a_value_that_could_break_a_head_is_never_sent() -> None:
    upstream = ScriptedUpstream([])
    source = WebIdentityKeys("us-east-1/\r\nx: 1", "r", "/t")
    with pytest.raises(Unavailable, match="host"):
        await renew(Held[AwsKeys](source, "b"), Origin("https", "b", 443), upstream, lambda path: b"tok", 1.0)
