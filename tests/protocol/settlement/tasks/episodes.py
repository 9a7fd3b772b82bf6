"""Episodes of players who are watched, on the pure model or on contracts.

`python -m tests.protocol.settlement.tasks.episodes --episodes 100 --seed 1 [--contracts]` plays many.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

from tests.contracts.event_chain import EventChain
from tests.protocol.settlement.facts.chains import ModelChain
from tests.protocol.settlement.facts.episodes import play_out
from tests.protocol.settlement.tasks.answers import check_duties, check_games
from tests.protocol.settlement.tasks.watched_chain import WatchedChain, watched_players


def watch_one(seed: int, acts: int, *, on_contracts: bool = False) -> WatchedChain:
    """Play one episode to the end of everything.

    In every other one defenders are often idle; in every third the node keeps nobody's results.
    """
    chain = EventChain() if on_contracts else ModelChain()
    model = chain.model if isinstance(chain, EventChain) else chain
    players, watched = watched_players(
        chain,
        model,
        seed,
        check_duties,
        check_games,
        idleness=0.9 * (seed % 2),
        keeps=None if seed % 3 else frozenset(),
    )
    if on_contracts:
        players.callback_failures = 1.0  # none of the consumers is a contract
    play_out(players, model, acts)
    return watched


def main() -> None:
    """Play episodes, and print what nodes called and were told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=10)
    parser.add_argument("--acts", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--contracts", action="store_true")
    options = parser.parse_args()
    made, told, started = Counter[str](), Counter[str](), time.monotonic()
    for seed in range(options.seed, options.seed + options.episodes):
        watched = watch_one(seed, options.acts, on_contracts=options.contracts)
        made += watched.tally
        told += watched.watch.tally
    print(f"{options.episodes} episodes in {time.monotonic() - started:.0f} s")
    for name, counts in (("calls", made), ("events", told)):
        print(f"{name}: {', '.join(f'{count:,} {kind}' for kind, count in counts.most_common())}")


if __name__ == "__main__":
    main()
