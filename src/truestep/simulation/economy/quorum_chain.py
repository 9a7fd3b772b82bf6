"""A chain with Quorums on it: the same model, pledges, and committees that are seated as a draw says."""

from dataclasses import dataclass, field, replace

from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.quorum.contracts import quorums as contract
from truestep.protocol.quorum.contracts.quorums import Rules
from truestep.protocol.quorum.policy import quorum_policy
from truestep.protocol.quorum.quorums import apply_quorums
from truestep.protocol.quorum.state import Links, Quorums
from truestep.protocol.settlement.assurances import POLICIES
from truestep.protocol.settlement.dispute_apply import held_by
from truestep.protocol.settlement.ids import LeafId, batch_of_claim
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.parameters import DAY_SECONDS, Parameters
from truestep.protocol.settlement.standing import USUAL, Admission
from truestep.protocol.settlement.state import Turn
from truestep.simulation.economy.assumptions import COIN, Assumptions
from truestep.simulation.economy.chain import account, deployment_of
from truestep.simulation.economy.world import World

POLICY = 4
QUORUMS, SORTITION = account(113), account(112)
CALL_GAS = 150_000
"""Of each call of Quorums, rounded up (docs/quorum-gas.md)."""
PLEDGE_WEI = 10 * COIN
EXIT_SECONDS = 60 * DAY_SECONDS
USUAL_RULES = Rules(
    needed=3,
    seats=5,
    pool=0,
    leader_seconds=3_600,
    member_seconds=3_600,
    commit_seconds=600,
    fee_wei=3 * COIN // 2_000,
    cycle_fee_wei=500 * 10**9,
    late_wei=COIN // 5,
    lie_wei=COIN,
    stretch_seconds=2 * DAY_SECONDS,
    full_value_wei=1_000 * COIN,
    full_tasks=10_000,
    load_seconds=DAY_SECONDS,
)
"""Where no network says otherwise."""


@dataclass(kw_only=True)
class QuorumChain:
    """The world of a simulation, with Quorums."""

    rules: Parameters
    assumptions: Assumptions
    seed: int
    by: Rules
    admission: Admission = USUAL
    quorums: Quorums = field(default_factory=Quorums)
    pledges: dict[Address, int] = field(default_factory=dict[Address, int])
    seated: tuple[Address, ...] = ()
    """Whom the next draw finds."""

    def __post_init__(self) -> None:
        """Put the policy beside the others."""
        self.links = Links(
            quorums=QUORUMS,
            sortition=SORTITION,
            rules=self.by,
            exit_seconds=EXIT_SECONDS,
            seed=lambda since, now: keccak256(f"{self.seed} {since} {now}".encode()),
            select=self._select,
            penalise=self._penalise,
            signer=lambda batch_id, tasks_root, member, commitment, signature: None,
        )
        policy = quorum_policy(lambda: self.quorums, self.links, self._stands)
        deployment = replace(deployment_of(self.admission), policies={**POLICIES, POLICY: policy})
        self.world = World(
            rules=self.rules, assumptions=self.assumptions, seed=self.seed, deployment=deployment
        )

    def pledge(self, member: Address) -> None:
        """Put a member into the pool."""
        self.pledges[member] = PLEDGE_WEI
        self.world.chain.coins[member] -= PLEDGE_WEI
        self.world.chain.coins[SORTITION] += PLEDGE_WEI

    def call(self, sender: Address, call: contract.Call, value_wei: int = 0) -> None:
        """One call of Quorums; a refusal is an error of the simulation."""
        chain = self.world.chain
        message = Message(sender=sender, now=chain.now, call=call, value_wei=value_wei)
        turn = Turn(state=chain.life, message=message, held=held_by(chain.games))
        self.quorums, chain.life, effects = apply_quorums(self.quorums, turn, self.links)
        chain.tallies[sender].gas_wei += CALL_GAS * chain.gas_price_wei
        for effect in effects:
            chain.take_in(effect)

    def wealth_wei(self, member: Address) -> int:
        """What a member has more than at first."""
        chain = self.world.chain
        kept_wei = self.pledges.get(member, 0) + self.quorums.credits.get(member, 0)
        return chain.wealth_wei(member) - chain.tallies[member].compute_wei + kept_wei

    def _select(self, pool: int, seed: Bytes32, count: int) -> tuple[Address, ...]:
        return self.seated

    def _penalise(self, member: Address, amount_wei: int) -> int:
        taken_wei = min(amount_wei, self.pledges[member])
        self.pledges[member] -= taken_wei
        return taken_wei

    def _stands(self, claim_id: LeafId) -> bool:
        batch = self.world.chain.life.batches[batch_of_claim(claim_id)]
        challenged = self.world.chain.games.claims.get(claim_id)
        return not batch.struck and (challenged is None or challenged.open_count == 0)
