"""The demo's guest against the same computation in Python, bit for bit, and its refusals."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import truestep.demo
from tests.guest.conftest import Build, Finished, run
from truestep.demo.value_at_risk import (
    BIN_COUNT,
    BINS_PER_UNIT,
    UNIT_Q32,
    PathRecord,
    combine,
    decode_record,
    risk_of,
)
from truestep.machine.program import Task
from truestep.machine.state import Status

DEMO = Path(truestep.demo.__file__).parent
SOURCE = DEMO / "value_at_risk.c"
PRICES = (DEMO / "stocks.csv").read_bytes()
FEW_PATHS = 100
PATH_MONTHS = 12
WORD = 2**64
SYMBOLS = ("MSFT", "AMZN", "IBM", "GOOG", "AAPL")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Simulate = Callable[..., Finished]


@pytest.fixture(scope="module")
def simulate(build: Build) -> Simulate:
    """The demo's guest with few paths, run on a task."""

    def simulate_task(prices: bytes = PRICES, **task: Any) -> Finished:
        return run(build(SOURCE, {"PATHS": str(FEW_PATHS)}), Task(input=prices, **task))

    return simulate_task


def monthly_factors(prices: bytes) -> list[int]:
    """The portfolio's Q32 factor of each month with returns of all stocks."""
    by_month: dict[int, dict[str, int]] = {}
    for row in prices.decode().split("\n")[1:]:
        symbol, date, price = row.split(",")
        month, _, year = date.split(" ")
        by_month.setdefault(12 * int(year) + MONTHS.index(month), {})[symbol] = int(100 * Fraction(price))
    complete = {month: row for month, row in by_month.items() if len(row) == len(SYMBOLS)}
    return [
        sum((complete[month][symbol] << 32) // complete[month - 1][symbol] for symbol in SYMBOLS)
        // len(SYMBOLS)
        for month in sorted(complete)
        if month - 1 in complete
    ]


def splitmix64(state: int) -> tuple[int, int]:
    state = (state + 0x9E3779B97F4A7C15) % WORD
    z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ z >> 27) * 0x94D049BB133111EB % WORD
    return state, z ^ z >> 31


def random_words(seed: bytes, shard_index: int) -> Iterator[int]:
    """xoshiro256** seeded as value_at_risk.c says."""
    words: list[int] = []
    state = shard_index
    for (seed_word,) in struct.iter_unpack("<Q", seed):
        state, mixed = splitmix64(state)
        state, word = splitmix64(mixed ^ seed_word)
        words.append(word)
    a, b, c, d = words
    a |= 1
    while True:
        scrambled = b * 5 % WORD
        yield (scrambled << 7 | scrambled >> 57) % WORD * 9 % WORD
        shifted = b << 17 & (WORD - 1)
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= shifted
        d = (d << 45 | d >> 19) % WORD


def expected_record(prices: bytes, seed: bytes, shard_index: int) -> PathRecord:
    factors = monthly_factors(prices)
    words = random_words(seed, shard_index)
    values: list[int] = []
    for _ in range(FEW_PATHS):
        value = UNIT_Q32
        for _ in range(PATH_MONTHS):
            value = value * factors[next(words) * len(factors) >> 64] >> 32
        values.append(value)
    counts = [0] * BIN_COUNT
    for value in values:
        counts[min(value * BINS_PER_UNIT // UNIT_Q32, BIN_COUNT - 1)] += 1
    return PathRecord(
        path_count=FEW_PATHS,
        value_sum_q32=sum(values),
        least_q32=min(values),
        greatest_q32=max(values),
        month_count=len(factors),
        counts=tuple(counts),
    )


@pytest.mark.parametrize("shard_index", [0, 7])
@pytest.mark.parametrize("seed_bytes", [bytes(32), bytes(range(200, 232))], ids=["zero", "counting"])
def test_guest_computes_what_python_computes(simulate: Simulate, seed_bytes: bytes, shard_index: int) -> None:
    finished = simulate(seed=seed_bytes, shard_index=shard_index, shard_count=8)
    assert (finished.status, finished.code, finished.printed) == (Status.EXITED, 0, "")
    assert decode_record(finished.output) == expected_record(PRICES, seed_bytes, shard_index)


def test_real_prices_have_67_months() -> None:
    # GOOG's first price is August 2004's, the last of all is March 2010's.
    assert len(monthly_factors(PRICES)) == 67


def test_order_and_line_ends_do_not_matter(simulate: Simulate) -> None:
    header, *rows = PRICES.split(b"\n")
    shuffled = b"\r\n".join([header, *reversed(rows)]) + b"\r\n"
    assert simulate(shuffled).output == simulate().output


def prices_of(*months: int) -> bytes:
    """A file with the same price of every stock in each month, in cents."""
    rows = [
        f"{symbol},{MONTHS[index % 12]} 1 {2001 + index // 12},{cents // 100}.{cents % 100:02}"
        for index, cents in enumerate(months)
        for symbol in SYMBOLS
    ]
    return "\n".join(["symbol,date,price", *rows]).encode()


@pytest.mark.parametrize(("before", "after", "bin_index"), [(200, 100, 0), (100, 100, 256), (100, 101, 288)])
def test_one_month_makes_one_value(simulate: Simulate, before: int, after: int, bin_index: int) -> None:
    record = decode_record(simulate(prices_of(before, after)).output)
    assert record.month_count == 1
    assert record.least_q32 == record.greatest_q32
    assert record.counts[bin_index] == FEW_PATHS


def test_boundless_growth_stays_in_the_last_bin(simulate: Simulate) -> None:
    record = decode_record(simulate(prices_of(1, 100_000_000)).output)
    assert record.greatest_q32 == WORD - 1
    assert record.counts[-1] == FEW_PATHS


@pytest.mark.parametrize(
    ("prices", "complaint"),
    [
        (b"", "line 1: expected the header symbol,date,price"),
        (b"symbol,date,price", "line 1: expected the end of the line"),
        (b"symbol,date,price\n", "expected two successive months"),
        (b"symbol,date,price\nXYZ,Jan 1 2000,1", "line 2: expected one of MSFT, AMZN, IBM, GOOG, AAPL"),
        (b"symbol,date,price\nIBM,Jan 1 2000,1\nIBM,Jam 1 2000,1", "line 3: expected a date like Jan 1 2000"),
        (b"symbol,date,price\nIBM,Jan x 2000,1", "line 2: expected a day of the month"),
        (b"symbol,date,price\nIBM,Jan 1 1989,1", "line 2: expected a year from 1990 on"),
        (b"symbol,date,price\nIBM,Jan 1 2030,1", "line 2: expected a year before 2030"),
        (b"symbol,date,price\nIBM,Jan 1 2000;1", "line 2: expected a comma between date and price"),
        (b"symbol,date,price\nIBM,Jan 1 2000,0.00", "line 2: expected a price above 0"),
        (b"symbol,date,price\nIBM,Jan 1 2000,", "line 2: expected a price of at most a million"),
        (b"symbol,date,price\nIBM,Jan 1 2000,1000001", "line 2: expected a price of at most a million"),
        (b"symbol,date,price\nIBM,Jan 1 2000,1.234", "line 2: expected the end of the line"),
        (b"symbol,date,price\nIBM,Jan", "line 2: expected a date like Jan 1 2000"),
    ],
)
def test_bad_input_is_named(simulate: Simulate, prices: bytes, complaint: str) -> None:
    finished = simulate(prices)
    assert (finished.status, finished.code, finished.output) == (Status.EXITED, 2, b"")
    assert finished.printed.startswith(complaint)


def test_shards_add_up() -> None:
    shards = [expected_record(PRICES, bytes(32), index) for index in range(3)]
    whole = combine(shards)
    assert whole == combine(reversed(shards))
    assert whole.path_count == sum(whole.counts) == 3 * FEW_PATHS
    assert whole.value_sum_q32 == sum(shard.value_sum_q32 for shard in shards)
    assert whole.least_q32 == min(shard.least_q32 for shard in shards)


def record_of(counts: dict[int, int]) -> PathRecord:
    return PathRecord(
        path_count=sum(counts.values()),
        value_sum_q32=sum(count * index * UNIT_Q32 // BINS_PER_UNIT for index, count in counts.items()),
        least_q32=min(counts) * UNIT_Q32 // BINS_PER_UNIT,
        greatest_q32=max(counts) * UNIT_Q32 // BINS_PER_UNIT,
        month_count=1,
        counts=tuple(counts.get(index, 0) for index in range(BIN_COUNT)),
    )


def test_risk_figures() -> None:
    # 10 paths lose half, 40 a quarter, 950 double.
    risk = risk_of(record_of({128: 10, 192: 40, 512: 950}))
    half_bin = 0.5 / BINS_PER_UNIT
    assert risk.value_at_risk_99 == pytest.approx(1 - 129 / 256)
    assert risk.value_at_risk_95 == pytest.approx(1 - 193 / 256)
    assert risk.expected_shortfall_99 == pytest.approx(0.5 - half_bin)
    assert risk.expected_shortfall_95 == pytest.approx((10 * 0.5 + 40 * 0.25) / 50 - half_bin)
    assert risk.mean_value == pytest.approx((10 * 0.5 + 40 * 0.75 + 950 * 2) / 1000)
    assert (risk.worst_value, risk.best_value, risk.path_count) == (0.5, 2.0, 1000)


def test_what_is_not_a_record_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a record of 4136 bytes, got 3"):
        decode_record(b"abc")
    with pytest.raises(ValueError, match="expected 1024 bins with 5 paths in total, got 1024 with 0"):
        decode_record(struct.pack("<4Q2I1024I", 5, 0, 0, 0, 1, 1024, *[0] * 1024))
    with pytest.raises(ValueError, match="at least one shard"):
        combine([])
