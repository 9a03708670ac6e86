"""What every error is."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class Retry(Enum):
    """What may follow a failed attempt; `routing.retry` has the table."""

    AGAIN = "again"  # the same target may answer if asked again
    NEXT = "next"  # this target will not; another one may
    LARGER = "larger"  # one with more context may, or one whose context is not known
    STOP = "stop"  # no target will: the request itself is at fault


class GatewayError(Exception):
    """The root. `message` is for the client; it never holds a secret, an upstream URL or a stack."""

    status: int = 500
    code: ClassVar[str] = "internal_error"
    kind: ClassVar[str] = "api_error"  # OpenAI's `error.type`
    #: False when repeating the same request can not help; sent as `x-should-retry`.
    repeatable: ClassVar[bool] = False

    def __init__(self, message: str, *, param: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s
