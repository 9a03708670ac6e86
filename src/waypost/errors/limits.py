"""Limits that somebody set on purpose."""

from __future__ import annotations

from waypost.errors.root import GatewayError


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


class CreditsExhausted(BudgetExceeded):
    """The organization's prepaid credit has no room for this request."""

    code = "credits_exhausted"


class FreeTierExhausted(BudgetExceeded):
    """The free tier has no room for this request, and neither has prepaid credit, if there is any."""

    code = "free_tier_exhausted"


class Unpriced(LimitError):
    """A budget applies and the model has no known price, so its cost could not be held to the budget."""

    status = 403
    code = "model_unpriced"
    kind = "permission_error"
