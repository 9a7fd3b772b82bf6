"""Episodes of players that see only events, on the pure model, with the facts checked after each call.

`python -m tests.protocol.settlement.facts.episodes --calls 100000 --seed 1` plays many.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from random import Random

from tests.protocol.settlement.facts.agreement import check_agreement
from tests.protocol.settlement.facts.chains import ModelChain
from tests.protocol.settlement.facts.completeness import check_nothing_is_missed
from tests.protocol.settlement.facts.players import Chain, Players
from tests.protocol.settlement.world import START_TIME
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.ids import NATIVE, batch_of_claim

EPISODE_ACTS = 400
DUE_CHECK_ACTS = 5


def new_players(chain: Chain, model: ModelChain, seed: int) -> Players:
    """Players who have read the first block."""
    logs = model.genesis(START_TIME)
    facts = fold(Facts(deployment=model.deployment), logs)
    return Players(label=f"seed {seed}", rng=Random(seed), chain=chain, facts=facts, logs=logs)


def play(seed: int, acts: int) -> Players:
    """Play one episode on the model to the end of everything."""
    model = ModelChain()
    players = new_players(model, model, seed)
    play_out(players, model, acts)
    return players


def play_out(players: Players, model: ModelChain, acts: int) -> None:
    """So many acts and then the end of everything; the facts are checked after each call."""
    try:
        for number in range(acts):
            players.act()
            check_agreement(players.facts, model)
            if number % DUE_CHECK_ACTS == 0:
                check_nothing_is_missed(players.facts, model, players.now)
        for _ in players.wind_down():
            check_agreement(players.facts, model)
        check_all_over(players.facts, model)
    except BaseException as error:
        error.add_note(f"call {players.tally.total()} of {players.label}")
        raise


def check_all_over(facts: Facts, chain: ModelChain) -> None:
    """Only programs, parameters and stakes are left in the facts; in contracts, what was burned."""
    splits = [each for each in facts.splits.values() if batch_of_claim(each.claim_id) <= facts.batch_count]
    left = (facts.jobs, facts.batches, facts.games, facts.disputes, splits, facts.outcomes)
    assert not any(left), left
    assert not any(
        (facts.ordinals, facts.shown, facts.pots, facts.results, facts.credits, facts.bond_credits)
    )
    deployment = chain.deployment
    assert chain.balances[NATIVE, deployment.jobs] == 0
    claims = chain.disputes.claims.values()
    unwon_wei = sum(claim.pot_wei for claim in claims if claim.striker == 0)  # all games were lost
    assert chain.balances[NATIVE, deployment.disputes] == chain.disputes.burned_wei + unwon_wei
    stakes = sum(stake.stake_wei for stake in facts.stakes.values())
    assert chain.balances[NATIVE, deployment.operators] == stakes + chain.life.burned_wei


def main() -> None:
    """Play episodes until there were enough calls; print what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    total: Counter[str] = Counter()
    started, seed = time.perf_counter(), options.seed
    while total.total() < options.calls:
        total += play(seed, EPISODE_ACTS).tally
        seed += 1
    for name, count in sorted(total.items()):
        print(f"{count:9,} {name}")
    seconds = time.perf_counter() - started
    episodes = seed - options.seed
    print(f"{total.total():,} calls in {episodes} episodes, {total.total() / seconds:,.0f} a second")


if __name__ == "__main__":
    main()
