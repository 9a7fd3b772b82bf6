"""What Randomness and Sortition say, read from a chain (docs/assignment.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

from web3 import Web3

from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.pinned import PinnedReader, given
from truestep.adapters.chain.record_codec import View, number, numbers, word
from truestep.base.ids import Address, Bytes32
from truestep.ports.rounds import Promises
from truestep.protocol.assignment.rules import DrawRules, weight_of
from truestep.protocol.settlement.encoding import encode

IN_POOL, LEAVING = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What is kept of an operator, and of the pool that it is in."""

    stage: int
    pool: int
    left_at: int
    weight: int
    pledge_wei: int
    member_count: int
    total_weight: int

    @property
    def is_in_pool(self) -> bool:
        """Whether it may be drawn, if it weighs anything."""
        return self.stage == IN_POOL

    @property
    def is_leaving(self) -> bool:
        """Whether its pledge answers for what it was drawn for."""
        return self.stage == LEAVING


class DrawsReader:
    """Satisfies `Rounds` and `Pledges` of `truestep.ports.rounds`; also reads members and pools."""

    def __init__(self, web3: Web3, deployment: Deployment) -> None:
        self._reader = PinnedReader(web3, deployment)
        self._deployment = deployment

    @property
    def rules(self) -> DrawRules:
        """The phases and bonds."""
        return self._deployment.drawn_by

    @property
    def place(self) -> bytes:
        """The chain and the contract."""
        return encode(self._deployment.chain_id, self._deployment.address("Randomness"))

    def promises(self, account: Address, rounds: Sequence[int]) -> Promises:
        """What the newest block says. Raises `Unavailable`."""
        views = [word("Randomness", "commitments", each, account) for each in rounds]
        owed, *found = map(given, self._reader.views([number("Randomness", "credits", account), *views]))
        return Promises(commitments=dict(zip(rounds, map(Bytes32, found), strict=True)), owed_wei=owed)

    def membership(self, operator: Address) -> Membership:
        """Where an operator is, and what it weighs there. Raises `Unavailable`."""
        view = View(contract="Sortition", function="get_member", arguments=(operator,), build=tuple)
        stage, pool, _, left_at, _, weight, pledge_wei = given(self._reader.one(view))
        count, total = self.pool(pool) if stage == IN_POOL else (0, 0)
        return Membership(
            stage=stage,
            pool=pool,
            left_at=left_at,
            weight=weight,
            pledge_wei=pledge_wei,
            member_count=count,
            total_weight=total,
        )

    def is_stale(self, found: Membership) -> bool:
        """Whether a weight is another one than the pledge should have."""
        return found.is_in_pool and found.weight != weight_of(found.pledge_wei, self.rules.least_pledge_wei)

    def has_stale_weight(self, operator: Address) -> bool:
        """See `truestep.ports.rounds.Pledges`."""
        return self.is_stale(self.membership(operator))

    def pool(self, pool: int) -> tuple[int, int]:
        """How many members a pool has, and what they weigh together, in gwei."""
        count, total = self._reader.one(numbers("Sortition", "get_pool", pool))
        return count, total
