"""Every error Waypost can answer with, grouped by who must act on it.

An error says what happened, why, and what to do next; a dialect renders it in the client's own envelope
(`Dialect.render_error`). Nothing outside this file defines an error that a client can see, and no third-party
exception crosses a package border: it is rebuilt as one of these, never quoted, because such texts carry URLs
and keys.
"""

from __future__ import annotations

from collections.abc import Sequence
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


# --- the caller must act -------------------------------------------------------------------------------------


class CallerError(GatewayError):
    """The request can not be served as it is; the client has to change it."""

    status = 400
    code = "invalid_request"
    kind = "invalid_request_error"


class InvalidRequest(CallerError):
    """The body or a field of it is not what the dialect says. `param` is the field's path."""


class InvalidValue(CallerError):
    """Well-formed, but it breaks a rule or names something that is not there. `param` is the field's path."""

    status = 422
    code = "invalid_value"


class Unrepresentable(CallerError):
    """Content or a tool that the target's dialect can not say. `param` names the part."""

    code = "unrepresentable"


class Unauthenticated(CallerError):
    """No key, or a key that is unknown, expired or revoked."""

    status = 401
    code = "invalid_api_key"
    kind = "authentication_error"


class NotSignedIn(CallerError):
    """The control API was asked without a token or a session that is good, or a sign-in failed."""

    status = 401
    code = "not_signed_in"
    kind = "authentication_error"


class Forbidden(CallerError):
    """The key is known, and what it asked for is not allowed to it."""

    status = 403
    code = "permission_denied"
    kind = "permission_error"


class ModelNotFound(CallerError):
    """No route and no provider has this model."""

    status = 404
    code = "model_not_found"


class NotFound(CallerError):
    """No such path."""

    status = 404
    code = "not_found"


class Conflict(CallerError):
    """What was to be changed has been changed meanwhile, has a name that is taken, or is needed by something else."""

    status = 409
    code = "conflict"


class PreconditionFailed(CallerError):
    """`If-Match` or `If-None-Match` does not hold: what was to be changed is at another revision."""

    status = 412
    code = "precondition_failed"


class NoTarget(CallerError):
    """The route has targets, and none of them is what the request, or the route, wants of it."""

    status = 404
    code = "no_suitable_target"


class KeyReused(CallerError):
    """An `idempotency-key` that came before with another request."""

    status = 422
    code = "idempotency_key_reused"
    kind = "idempotency_error"


class MethodNotAllowed(CallerError):
    """The path exists, with another method."""

    status = 405
    code = "method_not_allowed"


class Disconnected(CallerError):
    """The client closed its connection before the answer was complete. Recorded, never sent."""

    status = 499
    code = "client_disconnected"


class TooSlow(CallerError):
    """The client did not finish sending its request in time."""

    status = 408
    code = "request_timeout"


class TooLarge(CallerError):
    """The body is over the size, depth or node limit."""

    status = 413
    code = "request_too_large"


class UnsupportedMediaType(CallerError):
    """The body is not in a content type or encoding this route reads."""

    status = 415
    code = "unsupported_media_type"


class HeadersTooLarge(CallerError):
    """The header section is over the limit."""

    status = 431
    code = "headers_too_large"


# --- a limit was met: the key's owner must act ------------------------------------------------------------------


class LimitError(GatewayError):
    """A limit that somebody set on purpose."""


class RateLimited(LimitError):
    """Too many requests in the window; `retry_after_s` says when the next one is admitted."""

    status = 429
    code = "rate_limit_exceeded"
    kind = "rate_limit_error"
    repeatable = True


class Oversized(RateLimited):
    """More in one request than the limit allows in a whole window: waiting can not help."""

    code = "request_over_limit"
    repeatable = False


class BudgetExceeded(LimitError):
    """The budget has no room for this request. 402 and never 429: a client must not take it for a rate limit."""

    status = 402
    code = "budget_exceeded"
    kind = "insufficient_quota"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        retry_after_s: float | None = None,
        budget: str = "",
        route: str | None = None,
    ) -> None:
        """`budget`: which, as `<scope>/<name>`; `route`: what requests take once it is used up."""
        super().__init__(message, param=param, retry_after_s=retry_after_s)
        self.budget = budget
        self.route = route


class Unpriced(LimitError):
    """A budget applies and the model has no known price, so its cost could not be held to the budget."""

    status = 403
    code = "model_unpriced"
    kind = "permission_error"


# --- the upstream must act ------------------------------------------------------------------------------------


class UpstreamError(GatewayError):
    """One attempt at one target failed."""

    status = 502
    code = "upstream_error"
    kind = "upstream_error"
    repeatable = True
    #: True when the provider may have generated, and so billed, something.
    may_have_billed: bool = False
    #: The provider's HTTP status, where it was the status that said so.
    answered: int | None = None


class Rejected(UpstreamError):
    """The provider refused the request as it is (400, 404, 413, 422): its own status and body go to the client.

    `body` is the provider's error envelope when the dialect is the client's own, else None.
    """

    code = "upstream_rejected"
    kind = "invalid_request_error"
    repeatable = False

    def __init__(
        self, message: str, *, status: int, body: bytes | None = None, param: str | None = None
    ) -> None:
        super().__init__(message, param=param)
        self.status = status
        self.body = body


class ContextTooLong(Rejected):
    """The request does not fit the target's context window. A larger model may have room for it."""

    code = "context_length_exceeded"


class Filtered(Rejected):
    """The provider's content filter refused the request. It goes to no other target: that would be a way around it."""

    code = "content_filter"


class CredentialRefused(UpstreamError):
    """The provider refused the gateway's own key (401, 403), or does not serve it here. The client's key is fine."""

    code = "upstream_credential_refused"
    repeatable = False


class QuotaSpent(CredentialRefused):
    """The account behind the credential can pay for nothing more: a spend limit, a quota, an empty balance.
    `retry_after_s`: until when the provider said so."""

    code = "upstream_quota_spent"


class Throttled(UpstreamError):
    """The provider's rate limit (429): this account sent too much for now."""

    status = 429
    code = "upstream_rate_limited"
    kind = "rate_limit_error"


class Overcrowded(Throttled):
    """The provider has too much to do, whoever asks (529, or a 503 that says so). 503 to clients, for every SDK asks
    again after that; clients of Anthropic's dialect get its own 529."""

    status = 503
    code = "upstream_overloaded"
    kind = "service_unavailable_error"


class Unavailable(UpstreamError):
    """No connection, a 5xx, or one of the 4xx that pass by themselves (408, 409, 425)."""

    code = "upstream_unavailable"


class Untrusted(UpstreamError):
    """TLS verification failed; never repeated without it, and the credential was not sent."""

    code = "upstream_untrusted"


class EgressDenied(UpstreamError):
    """The provider's name resolves to an address that only the operator's own file may allow."""

    code = "upstream_address_denied"
    repeatable = False


class TimedOut(UpstreamError):
    """A deadline passed. `phase` is `connect`, `write`, `first_byte`, `idle`, `progress` or `total`."""

    status = 504
    code = "upstream_timeout"

    def __init__(self, message: str, *, phase: str, may_have_billed: bool = True) -> None:
        super().__init__(message)
        self.phase = phase
        self.may_have_billed = may_have_billed


class Garbled(UpstreamError):
    """Not what the protocol or the dialect says: bad HTTP, HTML, bad JSON, nothing at all, an endless event, a
    redirect."""

    code = "upstream_garbled"
    may_have_billed = True


class Truncated(UpstreamError):
    """The answer ended before its end: closed mid-body, or a stream without its terminator."""

    code = "upstream_truncated"
    may_have_billed = True


class Failed(UpstreamError):
    """The provider reported an error inside a 200: an error event, or an error object where an answer belongs."""

    code = "upstream_failed"
    may_have_billed = True


class Misshapen(UpstreamError):
    """The answer does not match the JSON schema that the client asked for. The same target is asked once more, and told
    what was wrong."""

    code = "upstream_misshapen"
    may_have_billed = True


# --- the operator must act ------------------------------------------------------------------------------------


class OperatorError(GatewayError):
    """Something the person who runs the gateway has to look at."""

    status = 503
    code = "gateway_unavailable"
    repeatable = True


class StoreUnavailable(OperatorError):
    """The database does not answer. 503, never 401: what is not known is not refused."""

    code = "store_unavailable"


class AllDown(OperatorError):
    """No target of the route can be asked now: each is parked or ejected. `retry_after_s` says when one may be."""

    code = "all_targets_down"


class Draining(OperatorError):
    """The gateway is shutting down and takes no new work."""

    code = "draining"


class Overloaded(OperatorError):
    """More was asked than the gateway, or every target of the route, can do now."""

    code = "overloaded"


class ConfigError(GatewayError):
    """The configuration is wrong. Raised at start, by `waypost check` and by a reload; never reaches a client."""

    code = "config_error"


class ConfigInvalid(ConfigError):
    """The configuration file has faults. `problems` lists every one of them with its place (`ConfigProblem`)."""

    def __init__(self, message: str, problems: Sequence[object]) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class Bug(GatewayError):
    """A fault in Waypost itself. The log has the stack under the request id."""
