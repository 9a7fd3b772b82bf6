"""How often friends have a quorum, and what a lie of theirs costs (docs/quorum.md Q8)."""

from dataclasses import dataclass
from random import Random

from truestep.protocol.settlement.parameters import BPS, Parameters
from truestep.simulation.economy.assumptions import COIN, Assumptions

MEMBERS = 1_000
"""Operators of the pool, with equal pledges."""
DRAWS = 10_000
SIZES = ((3, 5), (5, 7), (9, 16))
"""k of n."""
LIE_WEI = COIN
"""What a member loses that has confirmed a lie (Q5.2), where no network says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Committee:
    """One size of a quorum against one share of the pool."""

    needed: int
    seats: int
    stake_share: float
    lies: float
    """In which part of the jobs friends have k seats or more: a lie is final for consumers at once."""
    loss_wei: int
    """Of one such lie: the leaf's bond, and lie_wei of each other friend, once a challenger has shown it."""
    loss_over_gain: float
    """Against the value of a false result and the reward."""


def committees(
    rules: Parameters, assumed: Assumptions, seed: int, shares_bps: tuple[int, ...], lie_wei: int = LIE_WEI
) -> list[Committee]:
    """Each size against each share, by draws without replacement."""
    found: list[Committee] = []
    for needed, seats in SIZES:
        loss_wei = rules.operator_bond_wei + lie_wei * (needed - 1)
        for share_bps in shares_bps:
            found.append(
                Committee(
                    needed=needed,
                    seats=seats,
                    stake_share=share_bps / BPS,
                    lies=_hits(seed, needed, seats, share_bps) / DRAWS,
                    loss_wei=loss_wei,
                    loss_over_gain=round(loss_wei / max(assumed.task_value_wei, 1), 3),
                )
            )
    return found


def _hits(seed: int, needed: int, seats: int, share_bps: int) -> int:
    rng, friends = Random(f"{seed} {seats} {share_bps}"), MEMBERS * share_bps // BPS
    pool = range(MEMBERS)
    return sum(sum(member < friends for member in rng.sample(pool, seats)) >= needed for _ in range(DRAWS))
