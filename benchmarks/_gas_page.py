"""docs/gas.md: what was measured, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEADING = """\
# Gas

Written by `make gas`: every figure is the `gasUsed` of a transaction on anvil 1.7.1 under Osaka rules, so
that calldata pays the floor price of EIP-7623 if that is higher. `tests/benchmarks/test_gas.py` measures
again. `benchmarks/gas.py --json` prints the figures that have a bar.
"""
SETTLED_NOTE = """\
All tasks of a batch are taken, claimed and finalized together, by one operator.
"""
ARITY_NOTE = """\
With 32 parts a dispute has two to four more moves, and each move takes at least a block and at most a part of
a clock. The default is 64, which keeps a run of 2^48 cycles within 20 moves.
"""
DISPUTE_NOTE = """\
Open, splits, picks and the step, which also settles. The step is the one of the bar. A leaf of a batch of 32
jobs costs {extra:,} gas more, because its game begins with two more proofs.
"""
FLOAT_NOTE = """\
A lie about the result of a fused multiply-add in the same full memory. The operator claims that its micro-run
has 2,000 steps, the most that are possible (machine M9.4).
"""
PROOF_NOTE = """\
What [Verifiers](validity.md) takes besides the verifier that it asks, which is a stand-in here that says yes
to 36 bytes; [circuits](circuits-benchmarks.md) and [receipts](receipts-gas.md) say what verifiers and the
bytes of their proofs take. The batch has four shards of one job.
"""
DRAWS_NOTE = """\
Randomness and Sortition ([assignment.md](assignment.md)). A draw is a view that policies call; here each is a
transaction by itself, with its 21,000 gas. Of the members, 9,999 were written into the storage,
and the pure model draws the same ones.
"""
AUDITS_NOTE = """\
What [Audits](audits.md) takes, for a batch of four shards of one job and the audit of one of them. Nobody has
to `publish`. A contested audit has three more `commit` and `reveal`, and `judge`.
"""
HONEST_NOTE = """\
What a challenger pays for a whole dispute over 2^40 cycles on a leaf of a batch of 32 jobs, from `open` to
`withdraw_to` (protocol S7.7): if its game strikes the claim, and if another game strikes it after the same
picks. In both cases it shows what it committed to. What it is repaid is fixed in units (protocol S7.6),
which are below the cheapest such moves (`tests/contracts/test_move_gas.py`).
"""
STEP_NOTE = """\
A call of `Step` alone, in a memory of 4 GiB in which no word, register or sibling is zero. Real memories
have empty halves, whose siblings take no bytes.
"""
SIZE_NOTE = """\
Deployed, immutables included. A chain takes 24,576 bytes (EIP-170).
"""
FURTHEST = "load over the two furthest leaves"
"""The largest possible witness."""


def furthest_note(gas: int, limit: int) -> str:
    """Why the bar is not about the dearest step that there can be."""
    return (
        f"The last line, {gas:,} gas, is the dearest step there is. Its load begins at the end of the data\n"
        "range and ends in the job's header, so that the paths of its two leaves meet only in the root, and\n"
        "its price is the floor price of the witness's bytes. A program has to do that on purpose, so the\n"
        f"bar of {limit:,} is about the dearest of the other kinds.\n"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A figure that must not be exceeded."""

    name: str
    what: str
    limit: int
    measured: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """One batch from `take` to `finalize`."""

    what: str
    tasks: int
    take: int
    claim: int
    finalize: int

    @property
    def gas_per_task(self) -> int:
        """Rounded up."""
        return -(-(self.take + self.claim + self.finalize) // self.tasks)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeGas:
    """One whole dispute."""

    cycle_bits: int
    arity: int
    rounds: int
    moves: int
    gas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Everything on the page; gas by name."""

    settled: dict[str, Settled]
    jobs: dict[str, int]
    moves: dict[str, int]
    disputes: list[DisputeGas]
    float_disputes: list[DisputeGas]
    batch_leaf_extra: int
    honest: dict[str, int]
    proofs: dict[str, int]
    draws: dict[str, int]
    audits: dict[str, int]
    steps: dict[str, int]
    sizes: dict[str, int]


def page(measured: Measurement, bars: Sequence[Bar]) -> str:
    """The whole page."""
    settled = [
        (one.what, *(f"{gas:,}" for gas in (one.take, one.claim, one.finalize, one.gas_per_task)))
        for one in measured.settled.values()
    ]
    step_limit = next(bar.limit for bar in bars if bar.name == "dearest_step")
    sizes = sorted(measured.sizes.items(), key=lambda entry: -entry[1])
    return "\n".join(
        (
            HEADING,
            "## Bars\n",
            bars_table(bars),
            "## Batches\n\n" + SETTLED_NOTE,
            table(("batch", "`take`", "`claim`", "`finalize`", "together, for each task"), settled),
            "## Jobs\n",
            gas_table("transaction", measured.jobs),
            "## Moves of a dispute\n\nArity 64, over a run of 2^40 cycles.\n",
            gas_table("move", measured.moves),
            "## Whole disputes\n\n" + DISPUTE_NOTE.format(extra=measured.batch_leaf_extra),
            _dispute_table(measured.disputes),
            ARITY_NOTE,
            "## Whole disputes that end in a float instruction\n\n" + FLOAT_NOTE,
            _dispute_table(measured.float_disputes),
            "## An honest challenger\n\n" + HONEST_NOTE,
            gas_table("what", measured.honest),
            "## Claims that are proven\n\n" + PROOF_NOTE,
            gas_table("what", measured.proofs),
            "## Draws\n\n" + DRAWS_NOTE,
            gas_table("what", measured.draws),
            "## Audits\n\n" + AUDITS_NOTE,
            gas_table("what", measured.audits),
            "## One step\n\n" + STEP_NOTE,
            gas_table("kind", measured.steps),
            furthest_note(measured.steps[FURTHEST], step_limit),
            "## Sizes of the contracts\n\n" + SIZE_NOTE,
            table(("contract", "bytes"), [(f"`{name}`", f"{size:,}") for name, size in sizes]),
        )
    )


def _dispute_table(disputes: Sequence[DisputeGas]) -> str:
    rows = [(f"2^{one.cycle_bits}", one.arity, one.rounds, one.moves, f"{one.gas:,}") for one in disputes]
    return table(("cycles", "arity", "rounds", "moves", "gas"), rows)


def bars_table(bars: Sequence[Bar]) -> str:
    """Each bar beside what was measured."""
    rows = [(bar.what, f"≤ {bar.limit:,}", f"{bar.measured:,}") for bar in bars]
    return table(("what", "bar", "measured"), rows)


def gas_table(what: str, gas_by_name: dict[str, int]) -> str:
    """One line for each kind of call."""
    return table((what, "gas"), [(name, f"{gas:,}") for name, gas in gas_by_name.items()])


def table(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines: list[tuple[object, ...]] = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
