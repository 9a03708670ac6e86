"""Records that an older version wrote are read by this one."""

from __future__ import annotations

import msgspec

from waypost.core.decision import Considered, Decision, Excluded
from waypost.core.record import Attempt, Exchange

# Lines as the version before the fields `decision`, `drill`, `key_name` and `role` wrote them.
OLD_ATTEMPT = (
    '["x.1","lab","qwen3",1795200000000000,"settled",200,null,20000,100000,'
    '[12,34,0,0,0,0,0,0,"reported",null],123,"v"]'
)
OLD_EXCHANGE = (
    '["x",1795200000000000,"k1","chat","fast","fast",false,200,"ok",null,null,101000,90,123,7,["key:k1:total"],'
    f'[{OLD_ATTEMPT}],"stop",null,null]'
)


def test_an_older_exchange_decodes_with_what_was_not_known_then() -> None:
    exchange = msgspec.json.decode(OLD_EXCHANGE, type=Exchange)
    assert (exchange.decision, exchange.drill, exchange.finish_reason) == (None, None, "stop")
    (attempt,) = exchange.attempts
    assert (attempt.key_name, attempt.role, attempt.cost_nusd) == ("", "first", 123)
    assert attempt.usage is not None
    assert attempt.usage.units is None


def test_a_record_comes_back_whole() -> None:
    exchange = msgspec.structs.replace(
        msgspec.json.decode(OLD_EXCHANGE, type=Exchange),
        decision=Decision(
            (Considered("lab/qwen3", "price", 0.5),), (Excluded("far/m", "parked"),), ("note",)
        ),
        drill="d-1",
        attempts=(
            msgspec.structs.replace(
                msgspec.json.decode(OLD_ATTEMPT, type=Attempt), key_name="b", role="failover"
            ),
        ),
    )
    assert msgspec.json.decode(msgspec.json.encode(exchange), type=Exchange) == exchange
