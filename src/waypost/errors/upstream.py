"""The upstream must act."""

from __future__ import annotations

from waypost.errors.root import GatewayError


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
