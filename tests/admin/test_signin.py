from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from pyotp import TOTP

from admin.rig import NOW, PASSWORD, World
from waypost.admin.passwords import Argon2Hashes
from waypost.admin.second_factor import decoded, recovery_digest
from waypost.admin.signin import IDLE_S, LASTS_S, SignIn
from waypost.core.signin import Password
from waypost.errors import NotSignedIn, Overloaded, RateLimited

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
AT = "10.0.0.1"


@pytest.fixture
def signin(world: World) -> SignIn:
    return SignIn(world.parts())


async def refusal(
    signin: SignIn, name: str, password: str = PASSWORD, code: str | None = None
) -> NotSignedIn:
    with pytest.raises(NotSignedIn) as caught:
        await signin.verify(f"{name}@example.com", password, code, AT)
    return caught.value


async def test_all_who_are_refused_hear_the_same(world: World, signin: SignIn) -> None:
    world.user("ann", password=True)
    world.user("bare")
    world.user("gone", password=True, disabled=True)
    asked: list[str | None] = []
    matches = world.hashes.matches
    world.hashes.matches = lambda kept, password: asked.append(kept) or matches(kept, password)  # type: ignore[method-assign,func-returns-value]
    told = {
        (await refusal(signin, "ann", "wrong password")).message,
        (await refusal(signin, "bare")).message,
        (await refusal(signin, "gone")).message,
        (await refusal(signin, "nobody")).message,
    }
    assert len(told) == 1
    assert len(asked) == 4, "as much is hashed for each"
    user, strong = await signin.verify("ann@example.com", PASSWORD, None, AT)
    assert (user.id, strong) == ("user_ann", False)


async def test_waits_hold_for_the_right_password_too(world: World, signin: SignIn) -> None:
    world.user("ann", password=True)
    for name in ("ann", "nobody"):
        for _ in range(6):
            await refusal(signin, name, "wrong password")
        with pytest.raises(RateLimited) as caught:
            await signin.verify(f"{name}@example.com", PASSWORD, None, AT)
        assert caught.value.retry_after_s == 1.0
    world.clock.now += 1.0
    assert await signin.verify("ann@example.com", PASSWORD, None, AT)


async def test_a_second_factor(world: World, signin: SignIn) -> None:
    world.user("ann", password=True)
    kept = world.passwords.get("user_ann")
    assert kept is not None
    world.passwords.put(msgspec.structs.replace(kept, totp=decoded(SECRET)))
    for _ in range(20):
        assert (await refusal(signin, "ann")).param == "code", "what is right is no failure"
    assert (await refusal(signin, "ann", "wrong password", "123456")).param is None
    code = TOTP(SECRET).generate_otp(int(NOW) // 30)
    assert (await signin.verify("ann@example.com", PASSWORD, code, AT))[1] is True
    assert (await refusal(signin, "ann", code=code)).param is None, "a code opens once"
    before = TOTP(SECRET).generate_otp(int(NOW) // 30 - 1)
    await refusal(signin, "ann", code=before)
    world.clock.now += 30
    later = TOTP(SECRET).generate_otp(int(NOW) // 30 + 1)
    assert await signin.verify("ann@example.com", PASSWORD, later, AT)


async def test_old_hashes_are_made_anew(world: World) -> None:
    world.user("ann", password=True)
    stronger = Argon2Hashes(world.randomness, memory_kib=16, passes=1)
    signin = SignIn(world.parts(hashes=stronger))
    await signin.verify("ann@example.com", PASSWORD, None, AT)
    kept = world.passwords.get("user_ann")
    assert kept is not None
    assert "m=16" in (kept.hash or "")
    await signin.verify("ann@example.com", PASSWORD, None, AT)


async def test_a_new_hash_brings_nothing_back(world: World) -> None:
    """What was used up, or changed, while somebody signed in stays so."""
    world.user("ann", password=True)
    kept = world.passwords.get("user_ann")
    assert kept is not None
    code = "abcd-efgh-ijkl-mnop"
    factor = {"totp": decoded(SECRET), "recovery": (recovery_digest(code),)}
    world.passwords.put(msgspec.structs.replace(kept, **factor))
    stronger = Argon2Hashes(world.randomness, memory_kib=16, passes=1)
    signin = SignIn(world.parts(hashes=stronger))
    assert (await signin.verify("ann@example.com", PASSWORD, code, AT))[1] is True
    kept = world.passwords.get("user_ann")
    assert kept is not None
    assert ("m=16" in (kept.hash or ""), kept.recovery) == (True, ())
    with pytest.raises(NotSignedIn):
        await signin.verify("ann@example.com", PASSWORD, code, AT)


async def test_a_new_hash_undoes_no_new_password(world: World) -> None:
    world.user("ann", password=True)
    stronger = Argon2Hashes(world.randomness, memory_kib=16, passes=1)
    changed = Password("user_ann", hash=stronger.make("another password"), changed_at=NOW + 1)

    async def meanwhile(call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        if call == stronger.make:
            world.passwords.put(changed)
        return call(*args, **more)

    signin = SignIn(world.parts(hashes=stronger, blocking=meanwhile))
    await signin.verify("ann@example.com", PASSWORD, None, AT)
    assert world.passwords.get("user_ann") == changed


async def test_others_behind_the_same_proxy_keep_nobody_out(world: World, signin: SignIn) -> None:
    world.user("ann", password=True)
    for number in range(60):
        await refusal(signin, f"made-up-{number}")
    assert (await signin.verify("ann@example.com", PASSWORD, None, AT))[0].id == "user_ann"


async def test_a_crowd_is_bounded(world: World) -> None:
    """Each hash takes 19 MiB and tens of milliseconds: who can not be served soon is told so."""
    gate = asyncio.Event()

    async def slow(call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        if call == world.hashes.matches:
            await gate.wait()
        return call(*args, **more)

    signin = SignIn(world.parts(blocking=slow))
    tries = [
        asyncio.ensure_future(signin.verify(f"u{n}@example.com", "x", None, f"10.0.0.{n}")) for n in range(70)
    ]
    await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
    gate.set()
    ends = await asyncio.gather(*tries, return_exceptions=True)
    assert [sum(isinstance(end, kind) for end in ends) for kind in (NotSignedIn, Overloaded)] == [64, 6]


async def test_how_long_a_session_lasts(world: World, signin: SignIn) -> None:
    user = world.user("ann", password=True)
    issued, _ = await signin.begin(user, False)
    text = issued.text.encode()
    for _ in range(int(LASTS_S / IDLE_S) * 2 - 1):
        world.clock.now += IDLE_S / 2
        found = await signin.session_of(text)
        assert found is not None
        assert found[1].digest == issued.digest
    world.clock.now = NOW + LASTS_S
    assert await signin.session_of(text) is None, "seven days and no more"
    issued, _ = await signin.begin(user, True)
    world.clock.now += IDLE_S
    assert await signin.session_of(issued.text.encode()) is None, "twelve hours of quiet"
    assert await signin.session_of(b"wp-ses-x") is None


async def test_a_disabled_person_has_no_session(world: World, signin: SignIn) -> None:
    user = world.user("ann", password=True)
    issued, _ = await signin.begin(user, False)
    world.put(msgspec.structs.replace(user, disabled=True))
    assert await signin.session_of(issued.text.encode()) is None


async def test_showing_ones_password_again(world: World, signin: SignIn) -> None:
    user = world.user("ann", password=True)
    assert isinstance(await signin.recheck(user, PASSWORD, AT), Password)
    with pytest.raises(NotSignedIn):
        await signin.recheck(user, "wrong password", AT)
