"""Many games on one claim in virtual time: defenders that compute, challengers with every kind of timing."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import ceil, inf

from tests.protocol.settlement.scene import Scene
from truestep.base.ids import Address, Bytes32
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts.disputes import GameOutcome, GameStage
from truestep.protocol.settlement.disputes import split_of
from truestep.protocol.settlement.ids import LeafGameId

LATENCY_SECONDS = 24
"""Until a transaction is in a block: two blocks of mainnet."""
FIRST_SPLIT_RUNS = 1.34
"""A run with the hashes of a split into 64, in runs (docs/benchmarks.md, sha256)."""
LATER_SPLIT_SECONDS = 0.3
"""What a later split takes besides its part of the run: its stops (docs/benchmarks.md, quicksort)."""
LATER_SPLIT_RUNS = 1 / 13
"""A later split of a run of a second, in runs (docs/benchmarks.md, sha256)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A split that is due: the part of the run that it is about, and its last second."""

    game_id: LeafGameId
    low: int
    high: int
    fraction: float
    last_second: float


Choose = Callable[[float, Sequence[Owed]], tuple[Sequence[Owed], float]]
"""From the seconds of a run and what is due: what to compute next, and the seconds that it takes."""


def _engine(part_factor: float) -> Choose:
    def choose(run_seconds: float, owed: Sequence[Owed]) -> tuple[Sequence[Owed], float]:
        first = min(owed, key=lambda each: (each.last_second, each.low))
        if first.fraction == 1:
            return [first], FIRST_SPLIT_RUNS * run_seconds
        return [first], part_factor * first.fraction * run_seconds + LATER_SPLIT_SECONDS

    return choose


def _passes(run_seconds: float, owed: Sequence[Owed]) -> tuple[Sequence[Owed], float]:
    return owed, run_seconds


def _flat(run_seconds: float, owed: Sequence[Owed]) -> tuple[Sequence[Owed], float]:
    first = min(owed, key=lambda each: (each.last_second, each.low))
    if first.fraction == 1 or len(owed) * LATER_SPLIT_RUNS >= 1:
        return owed, run_seconds
    return [first], LATER_SPLIT_RUNS * run_seconds


MACHINES: dict[str, Choose] = {
    "sha256": _engine(1),
    "quicksort": _engine(2),
    "passes": _passes,
    "flat": _flat,
}
"""How a defender computes splits (docs/decisions/0016-clocks-grow-with-games.md).

sha256, quicksort: the engine, one split after the other, the most urgent first, from the snapshots of the one
above; a program that writes much takes twice its part of the run. passes: no snapshots, so all that is due in
one pass; the worker counts so when it takes a task. flat: no split takes less than a 13th of a run.
"""
ENGINE_MACHINES = ("sha256", "quicksort", "passes")


def run_seconds_for_one_game(choose: Choose, clock_seconds: float, fractions: Sequence[float]) -> float:
    """The longest run whose game a defender can just play within one clock."""

    def game_seconds(run_seconds: float) -> float:
        owed = [
            Owed(game_id=LeafGameId(0), low=0, high=1, fraction=fraction, last_second=0)
            for fraction in fractions
        ]
        return sum(choose(run_seconds, [each])[1] + LATENCY_SECONDS + 1 for each in owed)

    low, high = 0.0, clock_seconds
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if game_seconds(middle) <= clock_seconds else (low, middle)
    return low


@dataclass(kw_only=True)
class Defender:
    """Splits what is due. One that computes has a machine; one that delays has a plan."""

    address: Address
    choose: Choose | None = None
    run_seconds: float = 0
    waits: Sequence[float] = ()
    """Of one that delays: the seconds until the split of each level; inf: never."""
    ready_at: float = 0
    computing: set[tuple[int, int]] = field(default_factory=set)


@dataclass(kw_only=True)
class Challenger:
    """Picks part(level) after wait(level) seconds; inf: never, and part None: the one with the lie."""

    address: Address
    wait: Callable[[int], float]
    part: Callable[[int], int | None]
    follows_work: bool = False
    """Picks as soon as the defender has begun to compute something else."""
    steps: bool = False
    knows: bool = True
    """Commits to the true final state."""
    game_id: LeafGameId | None = None


@dataclass(kw_only=True)
class Arena:
    """Events in the order of time. Calls that are refused are not made."""

    scene: Scene
    defenders: list[Defender]
    challengers: dict[LeafGameId, Challenger] = field(default_factory=dict)
    ended: dict[LeafGameId, GameOutcome] = field(default_factory=dict)
    levels: dict[LeafGameId, int] = field(default_factory=dict)
    struck_at: float = inf
    bonds_wei: int = 0
    """Of all games that were opened."""
    sponsor: Callable[[LeafGameId], Defender | None] = lambda game_id: None
    """Who adopts a game that is lost on time."""
    adopts_at_once: bool = True
    running: float = inf
    """With a queue: the games that run at once. The others are opened when one of these has ended."""
    waiting: list[Challenger] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin at the scene's time."""
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self.now = float(self.scene.now)

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Do something at a time."""
        if time < inf:
            heapq.heappush(self._heap, (max(time, self.now), next(self._order), action))

    def run(self) -> None:
        """Until nothing is left to do."""
        while self._heap:
            self.now, _, action = heapq.heappop(self._heap)
            self.scene.now = ceil(self.now)
            action()

    # --- challengers ------------------------------------------------------------------------------

    def enter(self, challenger: Challenger) -> None:
        """Open a game, unless the claim has fallen or its window is over."""
        claim = self.scene.state.claims.get(self.scene.claim_id)
        if (claim is not None and claim.struck_at) or self.scene.now > self.scene.until:
            return
        if len(self.challengers) - len(self.ended) >= self.running:
            self.waiting.append(challenger)
            return
        game_id = self.scene.open(challenger.address, None if challenger.knows else Bytes32(bytes(32)))
        challenger.game_id = game_id
        self.challengers[game_id], self.levels[game_id] = challenger, 0
        self.bonds_wei += self.scene.game(game_id).bond_wei
        self._arrived(game_id)

    def _arrived(self, game_id: LeafGameId) -> None:
        """A game has come to a node or to its step."""
        self._judge_later(game_id)
        challenger = self.challengers[game_id]
        if self.scene.game(game_id).stage == GameStage.STEP_DUE:
            if challenger.steps:
                self.at(self.now + LATENCY_SECONDS, lambda: self._step(game_id))
        elif self.scene.is_split(game_id):
            self._pick_later(game_id)
        else:
            self._wake(game_id)

    def _pick_later(self, game_id: LeafGameId) -> None:
        challenger, level = self.challengers[game_id], self.levels[game_id]
        if challenger.follows_work and level and self._is_anyone_idle():
            return  # comes back when somebody begins to compute
        self.at(self.now + challenger.wait(level), lambda: self._pick(game_id, level))

    def _is_anyone_idle(self) -> bool:
        return all(defender.ready_at <= self.now for defender in self.defenders)

    def _last_pick_second(self, game_id: LeafGameId) -> int:
        game = self.scene.game(game_id)
        split = split_of(self.scene.state, game_id, game)
        since = max(game.moved_at, split.at if split else 0)
        return since + games.clock_seconds(game) - game.challenger_used_seconds

    def _pick(self, game_id: LeafGameId, level: int) -> None:
        if game_id in self.ended or self.levels[game_id] != level or self._has_fallen():
            return
        if not self.scene.is_split(game_id) or self.scene.now > self._last_pick_second(game_id):
            return
        chosen = self.challengers[game_id].part(level)
        part_count = self.scene.part_count(game_id)
        part = self.scene.true_part(game_id) if chosen is None else chosen % part_count
        self.scene.pick(game_id, part)
        self.levels[game_id] += 1
        self._arrived(game_id)

    def _step(self, game_id: LeafGameId) -> None:
        if game_id not in self.ended and not self._has_fallen():
            self.scene.step(game_id)
            self._note_end(game_id)

    # --- defenders --------------------------------------------------------------------------------

    def _wake(self, game_id: LeafGameId) -> None:
        """Tell the game's defender that a split is due."""
        game = self.scene.game(game_id)
        for defender in self.defenders:
            if defender.address == game.defender:
                if defender.choose is not None:
                    self._compute(defender)
                else:
                    level = self.levels[game_id]
                    wait = defender.waits[level] if level < len(defender.waits) else 0
                    self.at(self.now + wait, lambda: self._land([game_id]))

    def _owed(self, defender: Defender) -> list[Owed]:
        found: dict[tuple[int, int], Owed] = {}
        claim = self.scene.state.claims[self.scene.claim_id]
        for game_id in self.challengers:
            if game_id in self.ended:
                continue
            game = self.scene.game(game_id)
            key = game.low, game.high
            if game.stage != GameStage.ON_NODE or game.defender != defender.address:
                continue
            if key in defender.computing or self.scene.is_split(game_id):
                continue
            last_second = games.last_second(game, claim)
            if last_second >= self.now and (key not in found or last_second < found[key].last_second):
                fraction = (game.high - game.low) / self.scene.cycles
                found[key] = Owed(
                    game_id=game_id, low=game.low, high=game.high, fraction=fraction, last_second=last_second
                )
        return list(found.values())

    def _compute(self, defender: Defender) -> None:
        """Go on with the next split if the machine is free."""
        if defender.choose is None or defender.ready_at > self.now:
            return
        owed = self._owed(defender)
        if not owed:
            return
        chosen, seconds = defender.choose(defender.run_seconds, owed)
        defender.computing |= {(each.low, each.high) for each in chosen}
        defender.ready_at = self.now + seconds
        ids = [each.game_id for each in chosen]
        self.at(defender.ready_at + LATENCY_SECONDS, lambda: self._land(ids, defender))
        self.at(defender.ready_at, lambda: self._compute(defender))
        for game_id, challenger in self.challengers.items():
            if challenger.follows_work and game_id not in self.ended:
                level = self.levels[game_id]
                if self.scene.is_split(game_id):
                    self.at(self.now + 1, lambda game_id=game_id, level=level: self._pick(game_id, level))

    def _land(self, game_ids: Sequence[LeafGameId], defender: Defender | None = None) -> None:
        """Splits are in a block."""
        for game_id in game_ids:
            if game_id in self.ended:
                continue
            game = self.scene.game(game_id)
            if defender is not None:
                defender.computing.discard((game.low, game.high))
            if game.stage != GameStage.ON_NODE or self.scene.is_split(game_id):
                continue
            self.scene.split(game_id)
            for other in self.challengers:
                if other not in self.ended:
                    there = self.scene.game(other)
                    if (there.low, there.high, there.stage) == (game.low, game.high, game.stage):
                        self._judge_later(other)
                        self._pick_later(other)

    # --- ends -------------------------------------------------------------------------------------

    def _has_fallen(self) -> bool:
        return self.scene.state.claims[self.scene.claim_id].struck_at != 0

    def _decided_after(self, game_id: LeafGameId) -> int:
        """The last second in which the game is open if nobody moves, and whether the defender is to move."""
        game, claim = self.scene.game(game_id), self.scene.state.claims[self.scene.claim_id]
        split = split_of(self.scene.state, game_id, game)
        if game.stage == GameStage.STEP_DUE:
            return self._last_pick_second(game_id)
        if split is not None and not games.is_defender_late(game, split, claim, self.scene.now):
            return self._last_pick_second(game_id)
        return games.rescue_end(game, claim)

    def _judge_later(self, game_id: LeafGameId) -> None:
        self.at(self._decided_after(game_id) + 1, lambda: self._judge(game_id))
        self._adopt_later(game_id)

    def _adopt_later(self, game_id: LeafGameId) -> None:
        game, claim = self.scene.game(game_id), self.scene.state.claims[self.scene.claim_id]
        if game.stage == GameStage.ON_NODE and not game.sponsor_bond_wei:
            late_at = games.last_second(game, claim) + 1
            rescue = 0 if self.adopts_at_once else games.rescue_seconds(game) - 1
            self.at(late_at + rescue, lambda: self._adopt(game_id, late_at))

    def _adopt(self, game_id: LeafGameId, late_at: int) -> None:
        if game_id in self.ended or self._has_fallen():
            return
        game, claim = self.scene.game(game_id), self.scene.state.claims[self.scene.claim_id]
        if games.last_second(game, claim) + 1 > late_at:
            self._adopt_later(game_id)  # more games, more time
            return
        split = split_of(self.scene.state, game_id, game)
        is_late = game.stage == GameStage.ON_NODE and games.is_defender_late(
            game, split, claim, self.scene.now
        )
        rescue_end = games.rescue_end(game, claim)
        if not is_late or game.sponsor_bond_wei or self.scene.now > rescue_end:
            return
        defender = self.sponsor(game_id)
        if defender is not None:
            self.scene.adopt(game_id, defender.address)
            self._arrived(game_id)

    def _judge(self, game_id: LeafGameId) -> None:
        """Settle if the game is decided, else look again."""
        if game_id in self.ended:
            return
        game, claim = self.scene.game(game_id), self.scene.state.claims[self.scene.claim_id]
        split = split_of(self.scene.state, game_id, game)
        outcome = games.outcome_of(game, split, claim, self.scene.now)
        if outcome is GameOutcome.UNDECIDED:
            if self._decided_after(game_id) + 1 > self.now:
                self.at(self._decided_after(game_id) + 1, lambda: self._judge(game_id))
            return
        self.scene.settle(game_id)
        self._note_end(game_id, outcome)

    def _note_end(self, game_id: LeafGameId, outcome: GameOutcome | None = None) -> None:
        if self.waiting:
            first = self.waiting.pop(0)
            self.at(self.now, lambda: self.enter(first))
        has_won = game_id in self.scene.state.games
        self.ended[game_id] = outcome or (GameOutcome.CHALLENGER_WON if has_won else GameOutcome.DEFENDER_WON)
        if self._has_fallen() and self.struck_at == inf:
            self.struck_at = self.now
            for other in self.challengers:
                self.at(self.now, lambda other=other: self._judge(other))
