"""A false claim: one honest challenger, a liar that plays for time, its friends, copycats and sponsors."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from types import SimpleNamespace
from typing import cast

from tests.protocol.settlement.arena import (
    LATENCY_SECONDS,
    MACHINES,
    Arena,
    Challenger,
    Defender,
    run_seconds_for_one_game,
)
from tests.protocol.settlement.scene import OPERATOR, Scene, account
from tests.protocol.settlement.sybils import CYCLES, MANNERS, rules, split_fractions, sybil
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts.disputes import Game, GameStage
from truestep.protocol.settlement.parameters import Parameters

HONEST, FRIEND = account("honest"), account("friend")
CHALLENGER_GAS = {
    "open": 190_000,
    "picks": 7 * 55_000,
    "step": 235_000,
    "settle": 75_000,
    "show": 95_000,
    "reward": 125_000,
    "withdraw": 60_000,
}
"""What a dispute over 2^40 cycles costs a challenger at the most, in transactions of their own.

A leaf of a batch of 32 jobs on anvil, rounded up. Who strikes need not settle; others do not step.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """How a lie fell."""

    is_struck: bool
    late_clocks: float
    """After the end of the window, in clocks."""
    honest_wei: int
    """What the honest challenger has more than before, its gas paid."""
    winners: int


def _waits(rng: random.Random, budget_seconds: float, levels: int) -> list[float]:
    """A liar's time, spent level by level; in the end it stays silent, or plays on to the step."""
    silent_from = rng.choice((*range(levels), levels, levels))
    cuts = sorted(rng.uniform(0, budget_seconds) for _ in range(max(silent_from - 1, 0)))
    spent = [high - low for low, high in zip([0, *cuts], [*cuts, budget_seconds], strict=True)]
    return [*spent[:silent_from], *[inf] * (levels - silent_from)]


def _defender_seconds(parameters: Parameters) -> int:
    """A defender's time at its longest."""
    game = SimpleNamespace(rules=games.packed_rules(parameters), moved_at=0, defender_used_seconds=0)
    claim = games.ChallengedClaim(risen=(0,) * (games.PEAK_LIMIT - 1))
    return games.defender_seconds(cast(Game, game), claim)


def honest_challenger(parameters: Parameters) -> Challenger:
    """One that can just play one game, as its run has to be repeated for the first split."""
    fractions = split_fractions(parameters)
    choose = MACHINES["sha256"]
    step_seconds = LATENCY_SECONDS + 1
    run_seconds = run_seconds_for_one_game(choose, parameters.clock_seconds - step_seconds, fractions)

    def wait(level: int) -> float:
        later = fractions[level] * run_seconds
        return (1.34 * run_seconds if level == 0 else later) + LATENCY_SECONDS

    return Challenger(address=HONEST, wait=wait, part=lambda level: None, steps=True)


def _companion(rng: random.Random, number: int, parameters: Parameters, has_rivals: bool) -> Challenger:
    """A friend of the liar, or a copycat: idle, knowing the truth or not, or playing somehow."""
    other = sybil(rng, number, rng.choice(MANNERS), parameters)
    kind = rng.choice(("friend", "friend", "idle", "idle", "rival"))
    other.knows = kind != "friend" or rng.random() < 0.2
    if kind == "idle":
        other.wait = lambda level: inf
    if kind == "rival" and has_rivals:
        other.part, other.steps = (lambda level: None), True
    return other


def fall_of_lie(
    seed: int,
    *,
    companions: int = 64,
    all_know: bool = False,
    has_rivals: bool = True,
    is_sponsored: bool = False,
    clock_seconds: int = 3_600,
    running: float = inf,
) -> Fall:
    """One lie beside an honest challenger, which opens its game in the last second or before."""
    rng, parameters = random.Random(seed), rules(clock_seconds, has_queue=running < inf)
    lie_at = rng.randrange(CYCLES)
    scene = Scene(parameters=parameters, cycles=CYCLES, lie_at=lie_at)
    levels = len(split_fractions(parameters))
    clocks = 1 if companions == 0 else 3
    budget_seconds = clocks * clock_seconds - parameters.rescue_seconds - levels
    liar = Defender(address=OPERATOR, waits=_waits(rng, budget_seconds, levels))
    friend = Defender(address=FRIEND, waits=_waits(rng, budget_seconds, levels))
    arena = Arena(
        scene=scene,
        defenders=[liar, friend],
        sponsor=lambda game_id: friend if is_sponsored and rng.random() < 0.9 else None,
        adopts_at_once=False,
        running=running,
    )
    until = scene.now + 8 * clock_seconds
    opens_at = until - rng.choice((0, 0, 0, rng.randrange(4 * clock_seconds)))
    for number in range(companions):
        other = _companion(rng, number, parameters, has_rivals)
        other.knows |= all_know
        enters_at = opens_at - rng.choice((0, 1, rng.uniform(0, clock_seconds)))
        arena.at(enters_at, lambda other=other: arena.enter(other))
    honest = honest_challenger(parameters)
    arena.at(opens_at, lambda: arena.enter(honest))
    arena.run()
    if arena.struck_at == inf:
        return Fall(is_struck=False, late_clocks=inf, honest_wei=0, winners=0)
    if honest.game_id is None:  # the lie fell before
        honest_wei, winners = 0, 0
    else:
        honest_wei, winners = _paid(scene, arena, list(arena.challengers.values()))
    late_seconds = arena.struck_at - until
    return Fall(
        is_struck=True,
        late_clocks=late_seconds / clock_seconds,
        honest_wei=honest_wei,
        winners=winners,
    )


def _paid(scene: Scene, arena: Arena, challengers: Sequence[Challenger]) -> tuple[int, int]:
    """What the honest challenger has in the end, and the number of winners."""
    claim = scene.state.claims[scene.claim_id]
    scene.now = claim.struck_at + 60
    known = [each for each in challengers if each.knows and each.game_id in scene.state.games]
    for each in known:
        assert each.game_id is not None
        if scene.game(each.game_id).stage == GameStage.CLOSED:
            scene.show(each.game_id)
    final_id = scene.make_final()
    winners = 0
    for each in challengers:
        game_id = each.game_id
        if game_id is None or game_id not in scene.state.games:
            continue
        if scene.game(game_id).stage == GameStage.SHOWN:
            scene.reward(game_id, final_id)
            winners += 1
    scene.withdraw(HONEST)
    scene.check_coins()
    spent_wei = sum(CHALLENGER_GAS.values()) * scene.base_fee_wei
    return scene.coins_wei[HONEST] - spent_wei, winners


def fall_behind_queue(running: int, companions: int = 64, clock_seconds: int = 3_600) -> float:
    """Clocks after the window, with a queue full of idle friends, if only `running` games run at once."""
    parameters = rules(clock_seconds, has_queue=True)
    scene = Scene(parameters=parameters, cycles=CYCLES, lie_at=CYCLES // 3)
    arena = Arena(scene=scene, defenders=[Defender(address=OPERATOR)], running=running)
    for number in range(companions):
        friend = Challenger(
            address=account("sybil", number), wait=lambda level: inf, part=lambda level: 0, knows=False
        )
        arena.enter(friend)
    arena.enter(honest_challenger(parameters))
    began_at = arena.now
    arena.run()
    return (arena.struck_at - began_at) / clock_seconds
