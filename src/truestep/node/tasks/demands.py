"""What roles want done, as items: all that games on one run need becomes one item, done in one pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from truestep.node.tasks.items import LookItem, RunItem
from truestep.node.tasks.results import Results
from truestep.node.tasks.terms import RunKey, TaskTerms
from truestep.protocol.state_numbers import run_number_of, steps_in_words
from truestep.roles.actions import BuildReveal, BuildWitness, ComputeHashes, Run

Work = Run | ComputeHashes | BuildWitness | BuildReveal


class Kind(StrEnum):
    """What work is for, which decides what it may wait for."""

    MOVE = "move"
    """For a game whose clock runs. Waits only for other work on the same run."""
    RUN = "run"
    """For a task that was taken. Waits for other runs."""
    CHECK = "check"
    """For the check of a claim. Waits for runs and other checks, and gives way to both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """An item that is wanted, and what it is about."""

    terms: TaskTerms
    kind: Kind
    item: RunItem | LookItem
    cycles: int
    """The number of the last state that it needs."""
    title: str


@dataclass(slots=True)
class _Look:
    """What is to be looked at in one run, as it comes together."""

    terms: TaskTerms
    hashes: set[int]
    witnesses: set[int]
    reveals: set[int]

    def add(self, action: ComputeHashes | BuildWitness | BuildReveal) -> None:
        match action:
            case ComputeHashes(cycles=cycles):
                self.hashes.update(cycles)
            case BuildWitness(cycle=cycle):
                self.witnesses.add(cycle)
            case BuildReveal(low=low):
                self.reveals.add(low)

    def demand(self, kind: Kind, results: Results) -> Demand:
        item = LookItem(
            terms=self.terms,
            hashes=tuple(sorted(self.hashes)),
            witnesses=tuple(sorted(self.witnesses)),
            reveals=tuple(sorted(self.reveals)),
            known_witnesses=results.witnesses(self.terms.run),
        )
        numbers = [*item.hashes, *item.witnesses, *item.reveals]
        cycles = max(map(run_number_of, numbers))
        title = (
            f"check the claim: run it up to {steps_in_words(cycles)}" if kind is Kind.CHECK else _title(item)
        )
        return Demand(terms=self.terms, kind=kind, item=item, cycles=cycles, title=title)


def merged(work: Sequence[tuple[Work, TaskTerms]], results: Results) -> list[Demand]:
    """One demand for each run and kind, in the order in which they are first wanted."""
    looks: dict[tuple[RunKey, Kind], _Look] = {}
    runs: dict[RunKey, TaskTerms] = {}
    order: dict[tuple[RunKey, Kind], None] = {}
    for action, terms in work:
        if isinstance(action, Run):
            runs[terms.run] = terms
            order[terms.run, Kind.RUN] = None
            continue
        kind = Kind.CHECK if isinstance(action, ComputeHashes) and action.is_check else Kind.MOVE
        look = looks.setdefault((terms.run, kind), _Look(terms, set(), set(), set()))
        look.add(action)
        order[terms.run, kind] = None
    return [
        _run(runs[run]) if kind is Kind.RUN else looks[run, kind].demand(kind, results) for run, kind in order
    ]


def hashes_in_words(count: int) -> str:
    """`1 state hash`, `2 state hashes`."""
    return "1 state hash" if count == 1 else f"{count} state hashes"


def _run(terms: TaskTerms) -> Demand:
    item = RunItem(terms=terms)
    return Demand(terms=terms, kind=Kind.RUN, item=item, cycles=terms.job.max_cycles, title="run the task")


def _title(item: LookItem) -> str:
    """For logs: the first thing of each sort."""
    parts: list[str] = []
    if item.hashes:
        hashes = hashes_in_words(len(item.hashes))
        parts.append(f"compute {hashes} up to {steps_in_words(item.hashes[-1])}")
    if item.witnesses:
        parts.append(f"build the witness of {steps_in_words(item.witnesses[0] + 1)}")
    if item.reveals:
        parts.append(f"find what step {run_number_of(item.reveals[0]) + 1:,} gives, by its micro-run")
    return "; ".join(parts)
