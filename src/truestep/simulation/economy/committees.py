"""How often friends have a quorum, and what a lie of theirs costs (docs/quorum.md Q8)."""

from dataclasses import dataclass
from random import Random

from truestep.protocol.quorum.contracts.quorums import Rules
from truestep.protocol.quorum.rules import least_fee
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
    """Of one such lie that a friend strikes, which wins its share of the leaf's bond (S7.6): the rest of it,
    and lie_wei of each other friend once the task has its true result."""
    loss_without_result_wei: int
    """The same if nobody does the task again before its deadline: nobody can be charged then (Q5.2)."""
    gain_wei: int
    """The value of a false result, and the fees of all friends but the leader, paid at once (Q6.1)."""
    loss_over_gain: float
    loss_without_result_over_gain: float


def committees(
    rules: Parameters,
    assumed: Assumptions,
    seed: int,
    shares_bps: tuple[int, ...],
    quorum: Rules | None = None,
) -> list[Committee]:
    """Each size against each share, by draws without replacement."""
    found: list[Committee] = []
    lie_wei = quorum.lie_wei if quorum is not None else LIE_WEI
    fee_wei = least_fee(quorum, assumed.task_cycles) if quorum is not None else 0
    bond_wei = rules.operator_bond_wei
    burned_wei = bond_wei - bond_wei * rules.winner_share_bps // BPS
    for needed, seats in SIZES:
        loss_wei = burned_wei + lie_wei * (needed - 1)
        gain_wei = max(assumed.task_value_wei + fee_wei * (needed - 1), 1)
        for share_bps in shares_bps:
            found.append(
                Committee(
                    needed=needed,
                    seats=seats,
                    stake_share=share_bps / BPS,
                    lies=_hits(seed, needed, seats, share_bps) / DRAWS,
                    loss_wei=loss_wei,
                    loss_without_result_wei=burned_wei,
                    gain_wei=gain_wei,
                    loss_over_gain=round(loss_wei / gain_wei, 3),
                    loss_without_result_over_gain=round(burned_wei / gain_wei, 3),
                )
            )
    return found


def _hits(seed: int, needed: int, seats: int, share_bps: int) -> int:
    rng, friends = Random(f"{seed} {seats} {share_bps}"), MEMBERS * share_bps // BPS
    pool = range(MEMBERS)
    return sum(sum(member < friends for member in rng.sample(pool, seats)) >= needed for _ in range(DRAWS))
