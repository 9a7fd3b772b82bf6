"""Whether it pays to lie, to attack the truth or to play against oneself: measured with the pure model.

    python -m tests.protocol.settlement.economics --schedules 100000 --seed 1 --json

Each part prints its figures; the exit code is 1 if one of them misses its bar.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf

from tests.protocol.settlement.arena import ENGINE_MACHINES, MACHINES
from tests.protocol.settlement.liars import Fall, fall_behind_queue, fall_of_lie
from tests.protocol.settlement.selfplay import climb, play, random_schedule
from tests.protocol.settlement.sybils import MANNERS, Attack, attack_truth
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts.disputes import Game
from truestep.protocol.settlement.games import ChallengedClaim

Figures = dict[str, object]
LATE_CLOCKS_BAR = 4
"""A lie falls at most two games without rescue after its window: 2 · 2 · clock_seconds."""
SPONSORED_CLOCKS_BAR = 7
"""A sponsor's bond buys a lie one more defence (S6.8)."""
SECOND_CLOCKS = 5 / 3_600
"""Calls are made in whole seconds, the last one a second after the clock."""
LOST_SHARE_BAR = 0.9

GROWTHS: dict[str, tuple[int, Callable[[Game, ChallengedClaim], int]]] = {
    "none": (1, lambda game, claim: games.clock_seconds(game)),
    "sixteenths to 3": (32, lambda game, claim: games.clock_seconds(game) * (16 + claim.peak) // 16),
    "S6.6": (games.PEAK_LIMIT, games.defender_seconds),
    "games to 8": (8, lambda game, claim: games.clock_seconds(game) * claim.peak),
}
"""How a defender's clock could grow: the peak that counts at the most, and the time."""


@contextmanager
def growth(name: str) -> Iterator[None]:
    """The model with another growth."""
    kept = games.PEAK_LIMIT, games.defender_seconds
    games.PEAK_LIMIT, games.defender_seconds = GROWTHS[name]
    try:
        yield
    finally:
        games.PEAK_LIMIT, games.defender_seconds = kept


def attacks(machine: str, seed: int, sybil_count: int, clock_seconds: int = 3_600) -> list[Attack]:
    """One attack in each manner, and one in all at once."""
    return [
        attack_truth(machine, manner, seed, sybil_count=sybil_count, clock_seconds=clock_seconds)
        for manner in (*MANNERS, None)
    ]


def truth_attacked(seeds: range) -> Figures:
    """64 sybils on a true claim whose operator can just play one game."""
    found = [
        attack
        for seed in seeds
        for clock_seconds in (600, 3_600, 43_200)
        for machine in ENGINE_MACHINES
        for attack in attacks(machine, seed, 64, clock_seconds)
    ]
    won, lost_share = sum(each.won for each in found), min(each.lost_share for each in found)
    is_reached = won == 0 and lost_share >= LOST_SHARE_BAR
    return {"attacks": len(found), "games_won": won, "least_lost_share": lost_share, "is_reached": is_reached}


def lies(seeds: range, **options: bool | int) -> list[Fall]:
    """How lies fell beside 64 companions of an honest challenger: any mixture, or all knowing the truth."""
    found: list[Fall] = []
    for seed in seeds:
        found.append(fall_of_lie(seed, **options))  # type: ignore[arg-type]
        found.append(fall_of_lie(seed, has_rivals=False, **options))  # type: ignore[arg-type]
        found.append(fall_of_lie(seed, has_rivals=False, all_know=True, **options))  # type: ignore[arg-type]
    return found


def lies_beside_companions(seeds: range) -> Figures:
    """One honest challenger beside 64 others; the honest one's money includes all its gas at the fee cap."""
    found = lies(seeds)
    paid = [each.honest_wei for each in found if each.winners]
    late_clocks = max(each.late_clocks for each in found)
    return {
        "lies": len(found),
        "not_struck": sum(not each.is_struck for each in found),
        "latest_clocks_after_window": late_clocks,
        "honest_least_gain_wei": min(paid),
        "most_winners": max(each.winners for each in found),
        "is_reached": late_clocks <= LATE_CLOCKS_BAR + SECOND_CLOCKS and min(paid) > 0,
    }


def sponsors(seeds: range) -> Figures:
    """An operator that is away: sponsors save the truth, and delay a lie."""
    saved = [
        attack_truth("sha256", None, seed, sybil_count=count, is_away=True)
        for seed in seeds
        for count in (1, 64)
    ]
    found = lies(seeds, is_sponsored=True)
    late_clocks = max(each.late_clocks for each in found)
    not_struck = sum(not each.is_struck for each in found)
    won = sum(each.won for each in saved)
    return {
        "truths": len(saved),
        "truths_lost": sum(each.is_struck for each in saved),
        "lies": len(found),
        "lies_not_struck": not_struck,
        "latest_clocks_after_window": late_clocks,
        "is_reached": won == not_struck == 0 and late_clocks <= SPONSORED_CLOCKS_BAR + SECOND_CLOCKS,
    }


def self_play(schedules: int, climbers: int, rounds: int, seed: int) -> Figures:
    """The best that a person makes against itself, in parts of the operator's bond."""
    rng = random.Random(seed)
    best, struck_best, played, struck = -inf, -inf, 0, 0
    for _ in range(schedules):
        result = play(random_schedule(rng))
        if result.games:
            played, struck, best = played + 1, struck + result.struck, max(best, result.profit)
            if result.struck:
                struck_best = max(struck_best, result.profit)
    climbed = max((climb(rng, rounds, only_struck=False)[0] for _ in range(climbers)), default=-inf)
    climbed_struck = max((climb(rng, rounds, only_struck=True)[0] for _ in range(climbers)), default=-inf)
    return {
        "schedules": schedules,
        "with_games": played,
        "with_a_fallen_claim": struck,
        "best_profit": best,
        "best_profit_of_a_fallen_claim": struck_best,
        "climbers": 2 * climbers,
        "climbers_best_profit": climbed,
        "climbers_best_profit_of_a_fallen_claim": climbed_struck,
        "is_reached": max(best, climbed, climbed_struck) < 0,
    }


def alternatives(seed: int) -> Figures:
    """What other rules do: the fewest sybils that beat an operator, and how late a lie falls."""
    found: Figures = {}
    for name in GROWTHS:
        with growth(name):
            beaten = {machine: _fewest(machine, seed) for machine in MACHINES}
            late_clocks = max(each.late_clocks for each in lies(range(seed, seed + 20)))
        found[name] = {"fewest_sybils_that_win": beaten, "latest_clocks_after_window": late_clocks}
    for running in (1, 4, 16):
        with growth("none"):
            won = {
                machine: sum(
                    attack_truth(machine, manner, seed, running=running).won for manner in (*MANNERS, None)
                )
                for machine in MACHINES
            }
        late_clocks = fall_behind_queue(running)
        found[f"queue of {running}"] = {"games_won": won, "latest_clocks_after_window": late_clocks}
    return found


def _fewest(machine: str, seed: int) -> int | str:
    for sybil_count in (2, 3, 4, 8, 16, 32, 64, 96):
        if any(attack.won for attack in attacks(machine, seed, sybil_count)):
            return sybil_count
    return "more than 96"


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--schedules", type=int, default=1_000, help="random schedules of self-play")
    parser.add_argument("--climbers", type=int, default=4, help="searches for a profit, of each of two kinds")
    parser.add_argument("--rounds", type=int, default=500, help="schedules that a climber tries")
    parser.add_argument("--arenas", type=int, default=2, help="seeds of the attacks on truths and lies")
    parser.add_argument("--parts", default="truth,lies,sponsors,self-play", help="also: alternatives")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one object as the last line")
    options = parser.parse_args(arguments)
    seeds = range(options.seed, options.seed + options.arenas)
    measures: dict[str, Callable[[], Figures]] = {
        "truth": lambda: truth_attacked(seeds),
        "lies": lambda: lies_beside_companions(range(options.seed, options.seed + 20 * options.arenas)),
        "sponsors": lambda: sponsors(range(options.seed, options.seed + 5 * options.arenas)),
        "self-play": lambda: self_play(options.schedules, options.climbers, options.rounds, options.seed),
        "alternatives": lambda: alternatives(options.seed),
    }
    figures: dict[str, Figures] = {}
    for name in options.parts.split(","):
        figures[name] = measures[name]()
        if not options.json:
            print(name, json.dumps(figures[name], indent=1), flush=True)
    if options.json:
        print(json.dumps({"seed": options.seed, **figures}))
    return int(not all(part.get("is_reached", True) for part in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
