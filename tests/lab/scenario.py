"""A scenario: who is there, what goes wrong, what must hold in the end; `@scenario("name")` lists it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.accounting import Books, Losses, losses_of, open_books
from tests.lab.anvil import COIN_WEI, GWEI
from tests.lab.world import World
from truestep.protocol.settlement.parameters import GAME_CLOCKS, Parameters

CLOCK_SECONDS = 45
WINDOW_CLOCKS = 2 * GAME_CLOCKS
"""The shortest window that the contracts allow (S2.1)."""


def rules(clock_seconds: int = CLOCK_SECONDS, arity: int = 16) -> Parameters:
    """A deployment's rules: as in the real world, only quicker."""
    return Parameters(
        operator_bond_wei=COIN_WEI,
        challenger_bond_wei=COIN_WEI // 25,
        window_seconds=WINDOW_CLOCKS * clock_seconds,
        cycles_per_second=10**8,
        clock_seconds=clock_seconds,
        rescue_seconds=clock_seconds // 3,
        reveal_seconds=clock_seconds,
        arity=arity,
        lease_penalty_bps=1_000,
        release_penalty_bps=100,
        winner_share_bps=5_000,
        gas_price_cap_wei=5 * GWEI,
    )


class Scenario:
    """Override what differs. Everything random comes from `world.random`."""

    name = ""
    summary = ""
    """What goes wrong, in one sentence."""
    parameters = rules()
    told: str | None = None
    """A pattern that a log line of an honest daemon must match: the operator was told."""

    def prepare(self, world: World) -> None:
        """Jobs, accounts, contracts: before blocks come by the clock and daemons start."""

    def attack(self, world: World) -> None:
        """Start daemons, let it go wrong, and wait for the end."""
        raise NotImplementedError

    def judge(self, world: World) -> None:
        """Complain with `world.check` of what is wrong besides lost bonds and final lies."""


_SCENARIOS: dict[str, type[Scenario]] = {}


def scenario(name: str) -> Callable[[type[Scenario]], type[Scenario]]:
    """Put a scenario on the list under this name."""

    def register(kind: type[Scenario]) -> type[Scenario]:
        if name in _SCENARIOS:
            raise ValueError(f"expected a new name, {name} is taken by {_SCENARIOS[name].__qualname__}")
        kind.name = name
        kind.summary = kind.summary or (kind.__doc__ or "").splitlines()[0]
        _SCENARIOS[name] = kind
        return kind

    return register


def scenarios() -> dict[str, type[Scenario]]:
    """All scenarios by name."""
    return dict(_SCENARIOS)


@dataclass(frozen=True)
class Result:
    """What came of a scenario."""

    name: str
    lies_final: int
    honest_bonds_lost: int
    lost_wei: int
    seconds: float
    seed: int
    is_passed: bool
    sentence: str
    told: str
    """The log line that told the operator."""
    folder: str
    notes: dict[str, Any] = field(default_factory=dict)
    books: Books | None = None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "lies_final": self.lies_final,
            "honest_bonds_lost": self.honest_bonds_lost,
            "lost_wei": self.lost_wei,
            "seconds": round(self.seconds, 1),
            "passed": self.is_passed,
            "sentence": self.sentence,
            "told": self.told,
            "seed": self.seed,
            "logs": self.folder,
            **self.notes,
        }


def run(kind: type[Scenario], folder: Path, seed: int) -> Result:
    """Run one scenario in a world of its own."""
    began, story = time.monotonic(), kind()
    world = World(name=kind.name, seed=seed, folder=folder, parameters=story.parameters)
    try:
        story.prepare(world)
        world.go()
        story.attack(world)
        world.freeze()
        story.judge(world)
        return _result(story, world, time.monotonic() - began)
    finally:
        world.close()


def _result(story: Scenario, world: World, seconds: float) -> Result:
    books, losses, lies = open_books(world), losses_of(world, world.honest), world.lies_final()
    line = world.line(story.told) if story.told else None
    world.notes["slowest_move_share"] = round(world.slowest_move_share(), 3)
    sentences = _sentences(world, books, losses, len(lies), is_untold=bool(story.told) and line is None)
    return Result(
        name=story.name,
        lies_final=len(lies),
        honest_bonds_lost=losses.bonds,
        lost_wei=losses.lost_wei,
        seconds=seconds,
        seed=world.seed,
        is_passed=not sentences,
        sentence="; ".join(sentences) or "every honest bond was kept, no lie became final",
        told=f"{line['process']}: {line['kind']}: {line.get('message', '')}" if line else "",
        folder=str(world.folder),
        notes=dict(world.notes),
        books=books,
    )


def _sentences(world: World, books: Books, losses: Losses, lies_final: int, *, is_untold: bool) -> list[str]:
    """What is wrong, most important first."""
    sentences = [f"{lies_final} lies became final"] if lies_final else []
    sentences += losses.sentences
    for process in world.processes.values():
        if process.crashes:
            count, first = len(process.crashes), process.crashes[0]
            sentences.append(f"{process.name} ended by itself {count} times: {first}")
    sentences += world.complaints
    sentences += [f"coins are not accounted for: {fault}" for fault in books.faults()]
    if is_untold:
        sentences.append("no log line told the operator")
    return sentences
