"""A provider's refusal as the error that routing and the client understand."""

from __future__ import annotations

from waypost.dialects.refusals import Cause, Headers, Said, cause_inside, cause_of, wait_of
from waypost.errors import (
    ContextTooLong,
    CredentialRefused,
    Failed,
    Filtered,
    Garbled,
    Overcrowded,
    QuotaSpent,
    Rejected,
    Throttled,
    Unavailable,
    UpstreamError,
)

#: Of Bedrock: a model was at work when it failed.
_AT_WORK = frozenset({"modeltimeoutexception", "modelerrorexception", "modelstreamerrorexception"})


def refuse(status: int, said: Said, headers: Headers) -> UpstreamError:
    """An answer that is no 2xx."""
    cause = cause_of(status, said)
    error = _build(cause, said, status)
    error.answered = status
    error.retry_after_s = wait_of(said, headers, cause)
    # 504: a model was at work when a proxy of the provider gave up. Other failures are not billed by any provider
    # known.
    error.may_have_billed = status == 504 or not _AT_WORK.isdisjoint(said.words)
    return error


def refuse_inside(said: Said) -> UpstreamError:
    """An error inside an answer with status 200. By then the provider may have billed."""
    cause = cause_inside(said)
    if cause is None:
        return Failed(f"The provider reported an error in its answer: {said.message}")
    if cause is Cause.DOWN:
        error: UpstreamError = Unavailable(f"The provider failed while answering: {said.message}")
    else:
        error = _build(cause, said, 404 if cause is Cause.MODEL else 400)
    error.retry_after_s = wait_of(said, (), cause)
    error.may_have_billed = True
    return error


def no_answer() -> Garbled:
    """An object with status 200 that is neither an answer nor an error."""
    return Garbled(
        "The provider's answer is an object without an answer in it. Try again, or another model; if it stays, check "
        "the provider's base URL."
    )


def _build(cause: Cause, said: Said, status: int) -> UpstreamError:
    message = said.message
    match cause:
        case Cause.CONTEXT:
            return ContextTooLong(
                "The request does not fit the model's context window. Shorten it, or ask for a model with a larger "
                f"one. The provider says: {message}",
                status=400,
                param=said.param,
            )
        case Cause.FILTER:
            return Filtered(
                f"The provider's content filter refused the request: {message}", status=400, param=said.param
            )
        case Cause.QUOTA:
            return QuotaSpent(
                "The account that this gateway has at the provider can pay for nothing more. Whoever runs the gateway "
                f"has to look at it; your key is fine. The provider says: {message}"
            )
        case Cause.CREDENTIAL:
            return CredentialRefused(
                "The provider refused the gateway's own credential, or does not let its account use this model. "
                "Whoever runs this gateway has to look at it; your key is fine. The provider says: "
                f"{message}"
            )
        case Cause.THROTTLED:
            return Throttled(f"The provider's rate limit was reached: {message}")
        case Cause.CROWDED:
            return Overcrowded(f"The provider has too much to do just now: {message}")
        case Cause.DOWN:
            return Unavailable(f"The provider failed with status {status}: {message}")
        case Cause.ASTRAY:
            return Garbled(
                f"The provider answered with a redirect ({status}), which is not followed. Check the provider's base "
                "URL."
            )
        case _:
            shown = 404 if cause is Cause.MODEL and status != 410 else status
            return Rejected(f"The provider refused the request: {message}", status=shown, param=said.param)
