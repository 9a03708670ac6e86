"""The operator must act."""

from __future__ import annotations

from collections.abc import Sequence

from waypost.errors.root import GatewayError


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
