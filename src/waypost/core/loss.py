"""What of a request a target can not be told: never silent."""

from __future__ import annotations

from waypost.errors import Unrepresentable


class Loss:
    """Collects, while one request is rendered in another dialect than it came in, what is left out of it.

    A setting is left out and named. Content and tools are refused, unless the client said `on_loss: drop`: then they
    are left out and named as well. Names are the core's; the lane turns them into the client's.
    """

    __slots__ = ("_drop", "_names")

    def __init__(self, *, drop: bool = False) -> None:
        self._drop = drop
        self._names: dict[str, None] = {}

    def setting(self, name: str) -> None:
        """A setting that the target has no word for."""
        self._names[name] = None

    def content(self, where: str, message: str) -> None:
        """A part or a tool, named by its path, that the target can not be shown. Raises Unrepresentable, unless
        dropping is wanted; the caller then leaves the part out."""
        if not self._drop:
            raise Unrepresentable(message, param=where)
        self._names[where] = None

    @property
    def names(self) -> tuple[str, ...]:
        """Everything left out, in order, once."""
        return tuple(self._names)
