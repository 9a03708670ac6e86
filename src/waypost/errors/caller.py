"""The caller must act."""

from __future__ import annotations

from waypost.errors.root import GatewayError


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
