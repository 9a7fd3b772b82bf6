"""docs/gas.md: what was measured, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEADING = """\
# Gas

Written by `make gas`: every figure is the `gasUsed` of a transaction on anvil 1.7.1 under Osaka rules, so
that calldata pays the floor price of EIP-7623 if that is higher. `tests/benchmarks/test_gas.py` measures
again.
"""
ARITY_NOTE = """\
With 32 parts a dispute is some 3% cheaper but has two to four more moves, and each move takes at least a
block and at most a part of a clock. The default is 64, which keeps a run of 2^48 cycles within 20 moves.
"""
DISPUTE_NOTE = """\
Open, splits, picks, the step and settle. The step is the one of the bar.
"""
FLOAT_NOTE = """\
A lie about the result of a fused multiply-add in the same full memory. The operator claims that its micro-run
has 2,000 steps, the most that are possible (machine M9.4).
"""
REPAID_NOTE = """\
What the loser's bond repays for a move (protocol S7.6), and the cheapest such move that could be found: a
run of two steps in an almost empty memory with arity 2; for a descent, two sign injections. If a move were
repaid above its cost, a liar could win back its bond in games against itself. All splits of a level except
the last are also paid for their hashes.
"""
STEP_NOTE = """\
A call of `Step` alone, in a memory of 4 GiB in which no word, register or sibling is zero. Real memories
have empty halves, whose siblings take no bytes.
"""
FURTHEST = "load over the two furthest leaves"
"""The largest possible witness."""


def furthest_note(gas: int, bar: Bar) -> str:
    """Why the bar is not about the dearest step that there can be."""
    return (
        f"The last line, {gas:,} gas, is the dearest step there is. Its load begins at the end of the data\n"
        "range and ends in the job's header, so that the paths of its two leaves meet only in the root, and\n"
        "its price is the floor price of the witness's bytes. A program has to do that on purpose, so the\n"
        f"bar of {bar.limit:,} is about the dearest of the other kinds.\n"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A figure that must not be exceeded."""

    what: str
    limit: int
    measured: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeGas:
    """One whole dispute."""

    cycle_bits: int
    arity: int
    rounds: int
    moves: int
    gas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaid:
    """The gas units repaid for a move, and what the cheapest one cost."""

    move: str
    units: int
    cheapest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Everything on the page; gas by name."""

    bars: list[Bar]
    transactions: dict[str, int]
    moves: dict[str, int]
    disputes: list[DisputeGas]
    float_disputes: list[DisputeGas]
    steps: dict[str, int]
    repaid: list[Repaid]


def page(measured: Measurement) -> str:
    """The whole page."""
    bars = [(bar.what, f"≤ {bar.limit:,}", f"{bar.measured:,}") for bar in measured.bars]
    disputes = [
        (f"2^{one.cycle_bits}", one.arity, one.rounds, one.moves, f"{one.gas:,}") for one in measured.disputes
    ]
    float_disputes = [
        (f"2^{one.cycle_bits}", one.arity, one.rounds, one.moves, f"{one.gas:,}")
        for one in measured.float_disputes
    ]
    repaid = [(one.move, f"{one.units:,}", f"{one.cheapest:,}") for one in measured.repaid]
    return "\n".join(
        (
            HEADING,
            "## Bars\n",
            table(("what", "bar", "measured"), bars),
            "## Jobs\n",
            table(("transaction", "gas"), _gas_rows(measured.transactions)),
            "## Moves of a dispute\n\nArity 64, over a run of 2^40 cycles.\n",
            table(("move", "gas"), _gas_rows(measured.moves)),
            "## Whole disputes\n\n" + DISPUTE_NOTE,
            table(("cycles", "arity", "rounds", "moves", "gas"), disputes),
            ARITY_NOTE,
            "## Whole disputes that end in a float instruction\n\n" + FLOAT_NOTE,
            table(("cycles", "arity", "rounds", "moves", "gas"), float_disputes),
            "## Repaid\n\n" + REPAID_NOTE,
            table(("move", "units", "cheapest"), repaid),
            "## One step\n\n" + STEP_NOTE,
            table(("kind", "gas"), _gas_rows(measured.steps)),
            furthest_note(measured.steps[FURTHEST], measured.bars[-1]),
        )
    )


def _gas_rows(gas_by_name: dict[str, int]) -> list[tuple[str, str]]:
    return [(name, f"{gas:,}") for name, gas in gas_by_name.items()]


def table(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines: list[tuple[object, ...]] = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
