"""Members of committees that lie together: believed at once, and dearer than what they could gain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.economy.settings import ASSUMED, mainnet
from truestep.simulation.economy.committees import Committee, committees
from truestep.simulation.economy.quorum_chain import USUAL_RULES, QuorumChain
from truestep.simulation.economy.quorums import (
    HUSHING,
    LIES,
    STRIKING,
    TACTICS,
    TOGETHER,
    Bench,
    Colluders,
)
from truestep.simulation.economy.strategies import Strategy


def played(tactic: Strategy, needed: int, seats: int, share_bps: int, seed: int = 1) -> Colluders:
    """One tactic against committees of one size."""
    by = replace(USUAL_RULES, needed=needed, seats=seats)
    chain = QuorumChain(rules=mainnet(), assumptions=ASSUMED, seed=seed, by=by)
    return Bench(chain=chain, strategy=tactic, share_bps=share_bps).play()


@pytest.mark.parametrize("tactic", TACTICS, ids=lambda each: each.name)
@pytest.mark.parametrize(("needed", "seats"), [(3, 5), (5, 7)])
def test_a_third_of_the_pool_is_believed_and_loses_three_times_what_it_could_gain(
    tactic: Strategy, needed: int, seats: int
) -> None:
    row = played(tactic, needed, seats, 3_300)
    assert row.lies == row.believed == LIES
    assert row.loss_over_gain is not None
    assert row.loss_over_gain >= 3


def test_a_lie_costs_the_bond_of_its_leaf_and_a_penalty_of_each_other_member() -> None:
    row, rules = played(TOGETHER, 3, 5, 3_300), mainnet()
    known_wei = rules.operator_bond_wei + 2 * USUAL_RULES.lie_wei
    assert row.loss_wei / row.lies == pytest.approx(known_wei, rel=0.01)


@pytest.mark.parametrize("row", committees(mainnet(), ASSUMED, 1, (3_300,), USUAL_RULES), ids=str)
def test_friends_lose_no_less_than_what_is_computed(row: Committee) -> None:
    """Of the leaf's bond an honest challenger has a part as well, and there is gas to pay."""
    striking, hushing = (played(tactic, row.needed, row.seats, 3_300) for tactic in (STRIKING, HUSHING))
    least = (row.loss_wei - 2 * USUAL_RULES.lie_wei * row.needed // 10, row.loss_without_result_wei)
    for lies, least_wei in zip((striking, hushing), least, strict=True):
        assert lies.loss_wei / LIES >= least_wei


def test_who_strikes_its_own_lie_has_back_less_than_half_of_the_bond_and_a_tenth_of_the_penalties() -> None:
    known, less = played(TOGETHER, 3, 5, 3_300), played(STRIKING, 3, 5, 3_300)
    most_wei = mainnet().operator_bond_wei // 2 + 2 * USUAL_RULES.lie_wei // 10
    back_wei = (known.loss_wei - less.loss_wei) // LIES
    assert 0 < back_wei <= most_wei


def test_a_tenth_of_the_pool_never_has_nine_seats_of_sixteen() -> None:
    row = played(TOGETHER, 9, 16, 1_000)
    assert (row.lies, row.believed, row.loss_wei, row.loss_over_gain) == (0, 0, 0, None)


def test_the_same_seed_gives_the_same_figures_and_another_seed_other_draws() -> None:
    first, second, other = (played(STRIKING, 3, 5, 2_000, seed) for seed in (1, 1, 2))
    assert first == second
    assert first.draws != other.draws
