"""Repeatable chance: a number for any (seed, request number, purpose), without state."""

from __future__ import annotations

_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15


def mix(value: int) -> int:
    """Scatter a 64-bit integer (the finalizer of splitmix64, https://prng.di.unimi.it/splitmix64.c, 2026-11-21)."""
    value = (value + _STEP) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


class Dice:
    """The draws of one request. The same seed, request number and purpose always give the same number."""

    __slots__ = ("_root",)

    def __init__(self, seed: int, number: int) -> None:
        self._root = mix(mix(seed & _MASK) ^ number)

    def draw(self, purpose: int) -> int:
        """An integer of 64 bits."""
        return mix(self._root ^ (purpose * _STEP & _MASK))

    def unit(self, purpose: int) -> float:
        """A number in [0, 1)."""
        return (self.draw(purpose) >> 11) / (1 << 53)

    def name(self, purpose: int) -> str:
        """24 hexadecimal digits, for ids."""
        return f"{self.draw(purpose):016x}{self.draw(purpose + 1) >> 32:08x}"
