"""The metrics of one process as values that can be sent, kept and put together with those of others.

Counters and histograms of several workers are added up; a gauge is told for each, with the label `worker`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

_ADDED = ("counter", "histogram")
Labels = tuple[tuple[str, str], ...]


class Row(msgspec.Struct, array_like=True, frozen=True):
    """One sample."""

    name: str
    labels: Labels
    value: float


class Family(msgspec.Struct, array_like=True, frozen=True):
    """One metric with its samples."""

    name: str
    told: str
    kind: str
    rows: tuple[Row, ...]

    @property
    def added(self) -> bool:
        """Whether it only ever grows, so that those of several processes are added up."""
        return self.kind in _ADDED


Sheet = tuple[Family, ...]
_DECODER = msgspec.msgpack.Decoder(Sheet)


def sheet_of(families: Iterable[Metric]) -> Sheet:
    """From what prometheus-client collects."""
    return tuple(
        Family(
            family.name,
            family.documentation,
            family.type,
            tuple(Row(sample.name, tuple(sample.labels.items()), sample.value) for sample in family.samples),
        )
        for family in families
    )


def encode(sheet: Sheet) -> bytes:
    return msgspec.msgpack.encode(sheet)


def decode(data: bytes) -> Sheet:
    """Raises msgspec.DecodeError."""
    return _DECODER.decode(data)


def grown(sheet: Sheet) -> Sheet:
    """Of it what only ever grows."""
    return tuple(family for family in sheet if family.added)


def together(sheets: Mapping[int, Sheet]) -> Sheet:
    """Those of several workers as one."""
    families: dict[str, Family] = {}
    sums: dict[str, dict[tuple[str, Labels], float]] = {}
    for worker, sheet in sheets.items():
        for family in sheet:
            families.setdefault(family.name, family)
            rows = sums.setdefault(family.name, {})
            for row in family.rows:
                labels = row.labels if family.added else (*row.labels, ("worker", str(worker)))
                rows[row.name, labels] = rows.get((row.name, labels), 0.0) + row.value
    return tuple(
        msgspec.structs.replace(
            family, rows=tuple(Row(name, labels, value) for (name, labels), value in sums[name_of].items())
        )
        for name_of, family in families.items()
    )


def sum_of(sheets: Sequence[Sheet]) -> Sheet:
    """One process's, with what processes before it in its place had counted."""
    own = tuple(family for family in sheets[0] if not family.added)
    return (*own, *together(dict(enumerate(map(grown, sheets)))))


class Told:
    """prometheus-client's collector interface over a sheet."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet

    def collect(self) -> Iterator[Metric]:
        """See prometheus-client."""
        from prometheus_client.core import Metric

        for family in self._sheet:
            metric = Metric(family.name, family.told, family.kind)
            for row in family.rows:
                metric.add_sample(row.name, dict(row.labels), row.value)
            yield metric


def render(sheet: Sheet) -> bytes:
    """The Prometheus text format."""
    from prometheus_client.exposition import generate_latest
    from prometheus_client.registry import CollectorRegistry

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Told(sheet))
    return generate_latest(registry)
