"""One person as operator, challengers and sponsors: random schedules, and a climber in search of a profit."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from tests.protocol.settlement.scene import FEE_CAP_WEI, OPERATOR, PARAMETERS, STAKE_WEI, Scene, account
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.protocol.settlement.contracts.disputes import GameStage
from truestep.protocol.settlement.games import DESCEND_GAS, OPEN_GAS, PICK_GAS, STEP_GAS
from truestep.protocol.settlement.ids import LeafGameId
from truestep.protocol.settlement.parameters import ARITIES, dispute_gas
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.rewards import RESULT_LIMIT_SECONDS

SPONSOR = account("sponsor")
CLOCK_SECONDS = PARAMETERS.clock_seconds
GAMES_LIMIT = 12
MOVE_GAS = {"open": OPEN_GAS, "pick": PICK_GAS, "step": STEP_GAS, "descend": DESCEND_GAS}
"""What a move costs the person: no more than what is repaid for it. Everything else is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that the person does: which game, what, when after the act before, at which base fee."""

    kind: str
    game: int
    wait_seconds: int
    base_fee_wei: int
    part: int
    """Of a pick: -1 the one with the lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A whole plan. The acts that the rules refuse are left out, at no cost."""

    arity: int
    cycles: int
    lie_at: int
    share_bps: int
    fee_cap_wei: int
    known: tuple[bool, ...]
    """For each challenger: whether it commits to the true final state."""
    acts: tuple[Act, ...]
    has_result: bool
    """Whether the task becomes final afterwards."""


KINDS = ("open", "open", "split", "split", "pick", "pick", "pick", "step", "adopt", "settle")


def random_act(rng: random.Random) -> Act:
    """Any act."""
    waits = (0, 1, rng.randrange(CLOCK_SECONDS), CLOCK_SECONDS, 3 * CLOCK_SECONDS)
    fees = (0, 1, rng.randrange(FEE_CAP_WEI), FEE_CAP_WEI, 100 * FEE_CAP_WEI)
    return Act(
        kind=rng.choice(KINDS),
        game=rng.randrange(GAMES_LIMIT),
        wait_seconds=rng.choices(waits, weights=(6, 4, 2, 1, 1))[0],
        base_fee_wei=rng.choice(fees),
        part=rng.choice((-1, -1, -1, 0, rng.randrange(64))),
    )


def random_schedule(rng: random.Random) -> Schedule:
    """Any schedule."""
    cycles = rng.choice((1, 2, 3, rng.randrange(1, 5_000), 4_096))
    arity = rng.choice(ARITIES)
    act_count = rng.choice((4, 12, 30, 60))
    return Schedule(
        arity=arity,
        cycles=cycles,
        lie_at=rng.choice((cycles, rng.randrange(cycles), rng.randrange(cycles))),
        share_bps=rng.choice((4_000, 5_000)),
        fee_cap_wei=rng.choice((0, 1, FEE_CAP_WEI)),
        known=tuple(rng.random() < 0.7 for _ in range(GAMES_LIMIT)),
        acts=tuple(random_act(rng) for _ in range(act_count)),
        has_result=rng.random() < 0.8,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a schedule came to, in parts of the operator's bond."""

    profit: float
    games: int
    struck: bool


class _Play:
    """One schedule on the model."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        bond_wei = dispute_gas(schedule.arity) * FEE_CAP_WEI
        rules = replace(
            PARAMETERS,
            operator_bond_wei=25 * bond_wei,
            challenger_bond_wei=bond_wei,
            arity=schedule.arity,
            winner_share_bps=schedule.share_bps,
            gas_price_cap_wei=schedule.fee_cap_wei,
        )
        self.scene = Scene(parameters=rules, cycles=schedule.cycles, lie_at=schedule.lie_at)
        self.ids: dict[int, LeafGameId] = {}
        self.spent_wei = 0

    def act(self, act: Act) -> None:
        """Do one thing if the rules allow it."""
        self.scene.now += act.wait_seconds
        self.scene.base_fee_wei = act.base_fee_wei
        try:
            if self._do(act):
                self.spent_wei += MOVE_GAS.get(act.kind, 0) * act.base_fee_wei
        except Refused:
            return

    def _do(self, act: Act) -> bool:
        scene, game_id = self.scene, self.ids.get(act.game)
        if act.kind == "open":
            if game_id is None:
                final_hash = None if self.schedule.known[act.game] else Bytes32(bytes(32))
                self.ids[act.game] = scene.open(challenger(act.game), final_hash)
                return True
            return False
        if game_id is None or game_id not in scene.state.games:
            return False
        game = scene.game(game_id)
        if act.kind == "split" and game.stage == GameStage.ON_NODE:
            scene.split(game_id)
        elif act.kind == "pick" and game.stage == GameStage.ON_NODE and scene.is_split(game_id):
            part = scene.true_part(game_id) if act.part < 0 else act.part % scene.part_count(game_id)
            scene.pick(game_id, part)
        elif act.kind == "step" and game.stage == GameStage.STEP_DUE:
            scene.step(game_id)
        elif act.kind == "adopt":
            scene.adopt(game_id, SPONSOR)
        elif act.kind == "settle":
            scene.settle(game_id)
        else:
            return False
        return True

    def finish(self) -> Result:
        """Every game is ended, everything that can be shown and rewarded is, all is withdrawn."""
        scene, claim_id = self.scene, self.scene.claim_id
        if not self.ids:
            return Result(profit=0, games=0, struck=False)
        self._settle_all()
        claim = scene.state.claims[claim_id]
        if claim.struck_at:
            scene.now = claim.struck_at + 1
            self._try_all(scene.show)
            self._reward_all()
        scene.check_coins()
        people = [OPERATOR, SPONSOR, *map(challenger, self.ids)]
        for name in people:
            scene.withdraw(name)
        stake_wei = scene.life.stakes[OPERATOR].stake_wei - STAKE_WEI
        coins_wei = sum(scene.coins_wei[name] for name in people) + stake_wei - self.spent_wei
        bond_wei = scene.parameters.operator_bond_wei
        return Result(profit=coins_wei / bond_wei, games=len(self.ids), struck=claim.struck_at != 0)

    def _settle_all(self) -> None:
        scene = self.scene
        while open_ids := [key for key, game in scene.state.games.items() if game.stage <= 3]:
            for game_id in open_ids:
                try:
                    scene.settle(game_id)
                except Refused as refused:
                    if refused.reason is not Reject.GAME_UNDECIDED:
                        raise
            scene.now += CLOCK_SECONDS

    def _reward_all(self) -> None:
        scene = self.scene
        if self.schedule.has_result:
            final_id = scene.make_final()
            scene.now += CLOCK_SECONDS
            self._try_all(lambda game_id: scene.reward(game_id, final_id))
        else:
            scene.now += RESULT_LIMIT_SECONDS + 365 * 86_400
            self._try_all(scene.reward_without_result)

    def _try_all(self, call) -> None:
        for game_id in self.ids.values():
            if game_id in self.scene.state.games:
                try:
                    call(game_id)
                except Refused:
                    continue


def challenger(number: int) -> Address:
    """One of the person's challengers."""
    return account("self", number)


def play(schedule: Schedule) -> Result:
    """Play a schedule to its end."""
    course = _Play(schedule)
    for act in schedule.acts:
        course.act(act)
    return course.finish()


def mutate(rng: random.Random, schedule: Schedule) -> Schedule:
    """A schedule with something else."""
    acts = list(schedule.acts)
    for _ in range(rng.choice((1, 1, 2, 5))):
        place = rng.randrange(len(acts) + 1)
        choice = rng.randrange(3)
        if choice == 0 or not acts:
            acts.insert(place, random_act(rng))
        elif choice == 1:
            acts.pop(min(place, len(acts) - 1))
        else:
            acts[min(place, len(acts) - 1)] = random_act(rng)
    other = random_schedule(rng)
    names = ("arity", "lie_at", "share_bps", "fee_cap_wei", "known", "has_result")
    changed = replace(schedule, acts=tuple(acts[:80]))
    if rng.random() < 0.3:
        name = rng.choice(names)
        value = min(other.lie_at, schedule.cycles) if name == "lie_at" else getattr(other, name)
        changed = replace(changed, **{name: value})
    return changed


def climb(rng: random.Random, rounds: int, *, only_struck: bool) -> tuple[float, Schedule]:
    """The best profit that a climber finds. It takes a worse schedule now and then, ever more seldom."""

    def counts(result: Result) -> bool:
        return result.games != 0 and (result.struck or not only_struck)

    schedule = random_schedule(rng)
    while not counts(play(schedule)):
        schedule = random_schedule(rng)
    value = play(schedule).profit
    best = value, schedule
    for number in range(rounds):
        other = mutate(rng, schedule)
        result = play(other)
        warmth = 0.05 * (1 - number / rounds)
        if counts(result) and result.profit >= value - rng.random() * warmth:
            schedule, value = other, result.profit
            if value > best[0]:
                best = value, schedule
    return best
