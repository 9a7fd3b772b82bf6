"""The numbers of draws, fixed at deployment, and their bounds (docs/assignment.md D1.3)."""

from dataclasses import dataclass

from truestep.protocol.assignment.phases import Phases

PHASE_MIN_SECONDS, PHASE_LIMIT_SECONDS = 2, 86_400
ENTROPY_BOND_LIMIT_WEI = 2**96 - 1
UNIT_WEI = 10**9
"""Of weights."""
LEAST_PLEDGE_LIMIT_WEI = 2**90 - 1
EXIT_LIMIT_SECONDS = 180 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawRules:
    """The rules of Randomness and Sortition."""

    commit_seconds: int
    reveal_seconds: int
    draw_seconds: int
    entropy_bond_wei: int
    """Of a secret that is promised."""
    least_pledge_wei: int
    """Of a member of a pool."""
    exit_seconds: int
    """How long a pledge answers after its operator left."""

    @property
    def phases(self) -> Phases:
        """Those of a round."""
        return Phases(
            commit_seconds=self.commit_seconds,
            reveal_seconds=self.reveal_seconds,
            draw_seconds=self.draw_seconds,
        )


DRAW_RULES = DrawRules(
    commit_seconds=120,
    reveal_seconds=120,
    draw_seconds=240,
    entropy_bond_wei=10**17,
    least_pledge_wei=10**17,
    exit_seconds=14 * 86_400,
)
"""Of a network whose parameters say nothing else. A reveal phase is ten slots of Ethereum (D5.6)."""


def weight_of(pledge_wei: int, least_pledge_wei: int) -> int:
    """What a pledge weighs in draws, once that may change (D3.4): nothing below the least one (D4.1)."""
    return 0 if pledge_wei < least_pledge_wei else pledge_wei // UNIT_WEI
