"""Finds secrets that are known, whole or in part, in whatever form they are written."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote

#: A part of a secret this long is as bad as the secret.
PART = 12
#: Shorter values (`none`, `any`) are words, not secrets.
LEAST = 8
HIDDEN = "***"

_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
#: Three bytes before a secret move its base64 form through all of its phases; the ends depend on what is beside it.
_PHASES = (b"", b"\0", b"\0\0")


class Known:
    """A set of secrets. Only parts of them are kept, and never shown."""

    __slots__ = ("_parts",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        #: By length.
        self._parts: dict[int, set[str]] = {}
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Know one more; too short ones are passed over."""
        if len(secret) < LEAST:
            return
        for form in _forms(secret):
            size = min(PART, len(form))
            parts = self._parts.setdefault(size, set())
            parts.update(form[at : at + size] for at in range(len(form) - size + 1))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where secrets or parts of them stand, in order, those that touch as one."""
        low = text.translate(_LOWER)
        hits: list[tuple[int, int]] = []
        for size, parts in self._parts.items():
            hits += [(at, at + size) for at in range(len(low) - size + 1) if low[at : at + size] in parts]
        return join(hits)

    def hide(self, text: str) -> str:
        """The text with `***` in their place."""
        return replace(text, self.spans(text))


def join(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, with those that overlap or touch made one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def replace(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with `***` in place of each span."""
    for start, end in reversed(spans):
        text = text[:start] + HIDDEN + text[end:]
    return text


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    forms = {secret, quote(secret, safe=""), raw.hex()}
    for before in _PHASES:
        whole = b64encode(before + raw).decode().rstrip("=")
        # The characters that mix with the neighbours are left out.
        inner = whole[4 if before else 0 : -1]
        forms |= {inner, inner.translate({ord("+"): "-", ord("/"): "_"})}
    return {form.translate(_LOWER) for form in forms if len(form) >= LEAST}
