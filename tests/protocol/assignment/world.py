"""Randomness and Sortition beside the life cycle, and what is promised of them, said without the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

from tests.protocol.settlement.world import Outcome, Step, World, account
from truestep.base.ids import Address, Bytes32
from truestep.protocol.assignment.contracts import randomness as randomness_contract
from truestep.protocol.assignment.contracts import sortition as sortition_contract
from truestep.protocol.assignment.phases import Phase, Phases
from truestep.protocol.assignment.randomness import ZERO_HASH, Randomness, RandomnessLinks, apply_randomness
from truestep.protocol.assignment.sortition import Sortition, SortitionLinks, apply_sortition
from truestep.protocol.settlement.ids import NATIVE
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.state import Turn

PHASES = Phases(commit_seconds=40, reveal_seconds=20, draw_seconds=30)
ENTROPY_BOND_WEI = 10**12
LEAST_PLEDGE_WEI = 3 * 10**9
EXIT_SECONDS = 100
RANDOMNESS, SORTITION = account("a5"), account("a6")


@dataclass(slots=True)
class AssignmentWorld(World):
    """Also what Randomness and Sortition keep."""

    randomness: Randomness = field(default_factory=Randomness)
    sortition: Sortition = field(default_factory=Sortition)
    randomness_address: Address = RANDOMNESS
    sortition_address: Address = SORTITION
    prevrandao: Bytes32 = ZERO_HASH

    @property
    def randomness_links(self) -> RandomnessLinks:
        """Where Randomness is, and its rules."""
        return RandomnessLinks(
            chain_id=self.state.deployment.chain_id,
            address=self.randomness_address,
            phases=PHASES,
            bond_wei=ENTROPY_BOND_WEI,
        )

    @property
    def sortition_links(self) -> SortitionLinks:
        """Where Sortition is, and its rules."""
        return SortitionLinks(
            address=self.sortition_address,
            phases=PHASES,
            least_pledge_wei=LEAST_PLEDGE_WEI,
            exit_seconds=EXIT_SECONDS,
        )

    def play(self, step: Step) -> Outcome:
        """Apply a step; a refused one changes nothing."""
        if not isinstance(step, Message):
            return World.play(self, step)
        weights = {number: pool.weights for number, pool in self.sortition.pools.items()}
        try:
            if isinstance(step.call, get_args(randomness_contract.Call)):
                self.randomness, effects = apply_randomness(
                    self.randomness, step, self.randomness_links, self.prevrandao
                )
            elif isinstance(step.call, get_args(sortition_contract.Call)):
                turn = Turn(state=self.state, message=step, held=self.open_games)
                self.sortition, self.state, effects = apply_sortition(
                    self.sortition, turn, self.sortition_links
                )
            else:
                return World.play(self, step)
        except Refused as refused:
            return Outcome(refusal=refused.reason)
        if PHASES.phase_at(step.now) is not Phase.COMMIT:
            assert weights == {number: pool.weights for number, pool in self.sortition.pools.items()}
        for effect in effects:
            self.note(self.state, effect)
        return Outcome(effects=effects)

    def check_assignment(self) -> None:
        """Coins are where they are owed; pledges are locked; each member has one slot of its pool."""
        bonds = sum(each.commit_count - each.reveal_count for each in self.randomness.rounds.values())
        owed_wei = bonds * ENTROPY_BOND_WEI + sum(self.randomness.credits.values())
        assert self.balances[NATIVE, self.randomness_address] == owed_wei
        assert self.balances[NATIVE, self.sortition_address] == 0
        for operator, member in self.sortition.members.items():
            assert self.state.stakes[operator].locked_wei >= member.pledge_wei >= 0
        for number, pool in self.sortition.pools.items():
            members = {
                operator: member
                for operator, member in self.sortition.members.items()
                if member.is_in_pool and member.pool == number
            }
            assert pool.slot_of == {operator: member.slot for operator, member in members.items()}
            assert pool.total == sum(member.weight for member in members.values())
            for operator, member in members.items():
                assert pool.slots[member.slot] == operator
                assert pool.weights[member.slot] == member.weight
