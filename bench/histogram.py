"""A histogram with buckets of under 1 % width: any number of latencies in a few kilobytes, and exact ranks."""

from __future__ import annotations

_BITS = 7  # 128 buckets for each power of two


class Histogram:
    """Counts of non-negative whole numbers (here: nanoseconds)."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.total = 0
        self.highest = 0

    def record(self, value: int) -> None:
        """Count one value; negative ones count as 0."""
        value = max(value, 0)
        shift = max(0, value.bit_length() - _BITS - 1)
        bucket = (shift << _BITS) + (value >> shift)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self.total += 1
        self.highest = max(self.highest, value)

    def percentile(self, share: float) -> float:
        """The middle of the bucket in which the value of this rank is; `share` from 0 to 100. 0.0 when empty."""
        rank = share / 100 * self.total
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= rank:
                return min(_middle(bucket), float(self.highest))
        return 0.0

    def summary_us(self) -> dict[str, float]:
        """The usual percentiles, in microseconds."""
        shares = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9}
        told = {name: round(self.percentile(share) / 1000, 1) for name, share in shares.items()}
        return {**told, "max": round(self.highest / 1000, 1)}


def _middle(bucket: int) -> float:
    shift = max(0, (bucket >> _BITS) - 1)
    low = (bucket - (shift << _BITS)) << shift
    return low + ((1 << shift) - 1) / 2
