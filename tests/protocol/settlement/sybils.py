"""Sybils against a true claim whose operator can just play one game, or is away and has a sponsor."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf

from tests.protocol.settlement.arena import (
    MACHINES,
    Arena,
    Challenger,
    Defender,
    run_seconds_for_one_game,
)
from tests.protocol.settlement.scene import OPERATOR, PARAMETERS, Scene, account
from truestep.protocol.bisection import Interval
from truestep.protocol.settlement.contracts.disputes import GameOutcome
from truestep.protocol.settlement.parameters import WINDOW_LIMIT_SECONDS, Parameters

CYCLES = 2**40
SPONSOR = account("sponsor")


def rules(clock_seconds: int = 3_600, *, has_queue: bool = False) -> Parameters:
    """The least bonds, with a clock. With a queue games are opened late, so the window is long."""
    return replace(
        PARAMETERS,
        clock_seconds=clock_seconds,
        rescue_seconds=clock_seconds // 8,
        reveal_seconds=clock_seconds,
        window_seconds=WINDOW_LIMIT_SECONDS if has_queue else 8 * clock_seconds,
    )


def split_fractions(parameters: Parameters) -> list[float]:
    """The part of the run that each split of a game is about."""
    interval, found = Interval(low=0, high=CYCLES), []
    while interval.length > 1:
        found.append(interval.length / CYCLES)
        interval = interval.part(0, parameters.arity)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a sybil plays: when it opens its game, how long it waits before each pick, which parts it picks."""

    name: str
    enters: Callable[[random.Random, int, Parameters], float]
    wait: Callable[[random.Random, int, Parameters], Callable[[int], float]]
    part: Callable[[random.Random, int], Callable[[int], int]]
    follows_work: bool = False


def _at_once(rng: random.Random, number: int, parameters: Parameters) -> float:
    return 0


def _staggered(rng: random.Random, number: int, parameters: Parameters) -> float:
    return number * parameters.clock_seconds / 64


def _all_over_a_clock(rng: random.Random, number: int, parameters: Parameters) -> float:
    return rng.uniform(0, parameters.clock_seconds)


def _no_wait(rng: random.Random, number: int, parameters: Parameters) -> Callable[[int], float]:
    return lambda level: 1


def _last_second(rng: random.Random, number: int, parameters: Parameters) -> Callable[[int], float]:
    last = rng.randrange(1, 7)
    return lambda level: parameters.clock_seconds - 20 if level == last else 1


def _evenly(rng: random.Random, number: int, parameters: Parameters) -> Callable[[int], float]:
    return lambda level: parameters.clock_seconds // 8


def _any_wait(rng: random.Random, number: int, parameters: Parameters) -> Callable[[int], float]:
    budget = parameters.clock_seconds - 10
    cuts = sorted(rng.randrange(budget) for _ in range(6))
    waits = [high - low for low, high in zip([0, *cuts], [*cuts, budget], strict=True)]
    return lambda level: waits[level]


def _idle_from(rng: random.Random, number: int, parameters: Parameters) -> Callable[[int], float]:
    last = rng.randrange(7)
    return lambda level: inf if level >= last else 1


def _diverge_at_once(rng: random.Random, number: int) -> Callable[[int], int]:
    return lambda level: number


def _diverge_at(rng: random.Random, number: int) -> Callable[[int], int]:
    first = rng.randrange(4)
    return lambda level: number if level >= first else 17


def _last_parts(rng: random.Random, number: int) -> Callable[[int], int]:
    return lambda level: 63 - number


def _any_part(rng: random.Random, number: int) -> Callable[[int], int]:
    return lambda level: rng.randrange(64)


MANNERS = (
    Manner(name="all at once", enters=_at_once, wait=_no_wait, part=_diverge_at_once),
    Manner(name="staggered", enters=_staggered, wait=_no_wait, part=_diverge_at_once),
    Manner(name="diverging late", enters=_at_once, wait=_no_wait, part=_diverge_at),
    Manner(name="last second", enters=_at_once, wait=_last_second, part=_last_parts),
    Manner(name="evenly", enters=_at_once, wait=_evenly, part=_last_parts),
    Manner(name="any wait", enters=_all_over_a_clock, wait=_any_wait, part=_any_part),
    Manner(name="idle", enters=_at_once, wait=_idle_from, part=_any_part),
    Manner(name="after work began", enters=_staggered, wait=_evenly, part=_any_part, follows_work=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What came of an attack on a true claim."""

    won: int
    games: int
    is_struck: bool
    lost_share: float
    """Of the attackers' bonds."""
    sponsor_wei: int
    """What a sponsor has earned."""


def sybil(rng: random.Random, number: int, manner: Manner, parameters: Parameters) -> Challenger:
    """One of many."""
    return Challenger(
        address=account("sybil", number),
        wait=manner.wait(rng, number, parameters),
        part=manner.part(rng, number),
        follows_work=manner.follows_work,
    )


def attack_truth(
    machine: str,
    manner: Manner | None,
    seed: int,
    *,
    sybil_count: int = 64,
    clock_seconds: int = 3_600,
    is_away: bool = False,
    running: float = inf,
) -> Attack:
    """Sybils on a true claim. Without a manner each has its own. An operator that is away has a sponsor."""
    rng, parameters = random.Random(seed), rules(clock_seconds, has_queue=running < inf)
    scene = Scene(parameters=parameters, cycles=CYCLES, lie_at=CYCLES)
    choose = MACHINES[machine]
    seconds = run_seconds_for_one_game(choose, clock_seconds, split_fractions(parameters))
    able = Defender(address=SPONSOR if is_away else OPERATOR, choose=choose, run_seconds=seconds)
    away = Defender(address=OPERATOR, waits=[inf] * 10)
    arena = Arena(
        scene=scene,
        defenders=[able, away] if is_away else [able],
        sponsor=lambda game_id: able if is_away else None,
        running=running,
    )
    begin = arena.now + rng.uniform(0, 6 * clock_seconds)
    for number in range(sybil_count):
        own = manner or rng.choice(MANNERS)
        challenger = sybil(rng, number, own, parameters)
        enters_at = begin + own.enters(rng, number, parameters)
        arena.at(enters_at, lambda challenger=challenger: arena.enter(challenger))
    arena.run()
    outcomes = list(arena.ended.values())
    for number in range(sybil_count):
        scene.withdraw(account("sybil", number))
    paid_wei = -sum(scene.coins_wei[account("sybil", number)] for number in range(sybil_count))
    scene.withdraw(SPONSOR)
    scene.check_coins()
    return Attack(
        won=outcomes.count(GameOutcome.CHALLENGER_WON),
        games=len(outcomes),
        is_struck=arena.struck_at < inf,
        lost_share=paid_wei / arena.bonds_wei,
        sponsor_wei=scene.coins_wei[SPONSOR],
    )
