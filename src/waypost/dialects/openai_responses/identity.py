"""Ids of responses and items that the gateway makes: the same for the same exchange, and nothing else in them.

An exchange id is a name and no secret, so neither is what is made from it: who may read a response is decided by its
owner, never by knowing its id.
"""

from __future__ import annotations

from hashlib import blake2b

RESPONSE = "resp_"


def response_id(exchange_id: str) -> str:
    """`resp_` and 48 hexadecimal digits."""
    return RESPONSE + _digest(exchange_id, 24)


def item_id(kind: str, seed: str, number: int) -> str:
    """Such as `msg_…`: `kind`, and 32 hexadecimal digits for the item's number under `seed`."""
    return f"{kind}_{_digest(f'{seed}/{kind}/{number}', 16)}"


def _digest(text: str, size: int) -> str:
    return blake2b(text.encode(), digest_size=size).hexdigest()
