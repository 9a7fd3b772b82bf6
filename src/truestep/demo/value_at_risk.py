"""How the demo's client reads its shards' outputs. The record is drawn in value_at_risk.c."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

BIN_COUNT = 1024
BINS_PER_UNIT = 256
UNIT_Q32 = 1 << 32

_RECORD = struct.Struct(f"<4Q2I{BIN_COUNT}I")


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRecord:
    """The paths of one or several shards: the final values of one unit of money, counted in bins."""

    path_count: int
    value_sum_q32: int
    least_q32: int
    greatest_q32: int
    month_count: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """The possible losses in a year, as fractions of the stake. A negative loss is a gain."""

    path_count: int
    month_count: int
    mean_value: float
    value_at_risk_95: float
    value_at_risk_99: float
    expected_shortfall_95: float
    expected_shortfall_99: float
    worst_value: float
    best_value: float


def decode_record(output: bytes) -> PathRecord:
    """The record in a shard's output of 4,136 bytes. Raises ValueError if it cannot be one."""
    if len(output) != _RECORD.size:
        raise ValueError(f"expected a record of {_RECORD.size} bytes, got {len(output)}")
    path_count, value_sum, least, greatest, month_count, bin_count, *counts = _RECORD.unpack(output)
    if bin_count != BIN_COUNT or sum(counts) != path_count or path_count == 0:
        raise ValueError(
            f"expected {BIN_COUNT} bins with {path_count} paths in total, got {bin_count} with {sum(counts)}"
        )
    return PathRecord(
        path_count=path_count,
        value_sum_q32=value_sum,
        least_q32=least,
        greatest_q32=greatest,
        month_count=month_count,
        counts=tuple(counts),
    )


def combine(records: Iterable[PathRecord]) -> PathRecord:
    """The record of all paths together; exact, in any order. Raises ValueError if there are none."""
    remaining = iter(records)
    first = next(remaining, None)
    if first is None:
        raise ValueError("expected the record of at least one shard, got none")
    return reduce(_add, remaining, first)


def risk_of(record: PathRecord) -> Risk:
    """The figures of a risk report. Quantiles are interpolated within a bin of 1/256 of the stake."""
    return Risk(
        path_count=record.path_count,
        month_count=record.month_count,
        mean_value=record.value_sum_q32 / record.path_count / UNIT_Q32,
        value_at_risk_95=1 - _quantile(record, 0.05),
        value_at_risk_99=1 - _quantile(record, 0.01),
        expected_shortfall_95=1 - _mean_below(record, 0.05),
        expected_shortfall_99=1 - _mean_below(record, 0.01),
        worst_value=record.least_q32 / UNIT_Q32,
        best_value=record.greatest_q32 / UNIT_Q32,
    )


def _add(left: PathRecord, right: PathRecord) -> PathRecord:
    if left.month_count != right.month_count:
        raise ValueError(
            f"expected shards of one input, got {left.month_count} and {right.month_count} months"
        )
    return PathRecord(
        path_count=left.path_count + right.path_count,
        value_sum_q32=left.value_sum_q32 + right.value_sum_q32,
        least_q32=min(left.least_q32, right.least_q32),
        greatest_q32=max(left.greatest_q32, right.greatest_q32),
        month_count=left.month_count,
        counts=tuple(a + b for a, b in zip(left.counts, right.counts, strict=True)),
    )


def _quantile(record: PathRecord, share: float) -> float:
    """The value below which `share` of the paths end."""
    wanted = share * record.path_count
    for index, count in enumerate(record.counts):
        if wanted <= count:
            return (index + (wanted / count if count else 0)) / BINS_PER_UNIT
        wanted -= count
    return len(record.counts) / BINS_PER_UNIT


def _mean_below(record: PathRecord, share: float) -> float:
    """The mean value of the worst `share` of the paths, each taken at the middle of its bin."""
    wanted = share * record.path_count
    remaining, total = wanted, 0.0
    for index, count in enumerate(record.counts):
        taken = min(count, remaining)
        total += taken * (index + 0.5) / BINS_PER_UNIT
        remaining -= taken
    return total / wanted
