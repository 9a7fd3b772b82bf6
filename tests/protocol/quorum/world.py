"""The life cycle under the policy *quorum*, with a pool and seeds that the test knows (docs/quorum.md)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import get_args

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32

from tests.protocol.settlement.world import (
    KEEPER,
    OPERATORS,
    TWO_WINDOWS,
    Outcome,
    Step,
    World,
    account,
)
from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.quorum.commitments import signing_hash
from truestep.protocol.quorum.contracts import quorums as contract
from truestep.protocol.quorum.contracts.quorums import Rules
from truestep.protocol.quorum.policy import quorum_policy
from truestep.protocol.quorum.quorums import apply_quorums
from truestep.protocol.quorum.state import Links, Quorums
from truestep.protocol.settlement.assurances import POLICIES
from truestep.protocol.settlement.batches import is_leaf_standing
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.ids import NATIVE, LeafId, batch_of_claim, leaf_of_claim
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.state import LifeCycle, Turn

QUORUM_POLICY = TWO_WINDOWS
"""Its number."""
QUORUMS, SORTITION = account("97"), account("9a")
KEYED: tuple[LocalAccount, ...] = tuple(Account.from_key(bytes([9]) * 31 + bytes([n])) for n in (1, 2))
"""Members that sign their commitments."""
KEYS = {Address(each.address): each for each in KEYED}
POOL = (*OPERATORS, KEEPER, *KEYS)
"""Who is drawn, one after the other from a random one on."""
PLEDGE_WEI = 5_000
"""Of each of them, at the beginning."""
DRAW_SECONDS = 10
"""After so many seconds there is a seed that nobody knew before."""
EXIT_SECONDS = 35_300
RULES = Rules(
    needed=3,
    seats=5,
    pool=7,
    leader_seconds=600,
    member_seconds=300,
    commit_seconds=5,
    fee_wei=10,
    cycle_fee_wei=1_000,
    late_wei=100,
    lie_wei=1_500,
    stretch_seconds=3_600,
    full_value_wei=10**17,
    full_tasks=1_000,
    load_seconds=7_200,
)


def selected(seed: bytes, count: int) -> tuple[Address, ...]:
    """The draw of this pool, as its double does it."""
    start = int.from_bytes(seed, "big") % len(POOL)
    return tuple(POOL[(start + index) % len(POOL)] for index in range(count))


def seed_of(since: int, now: int) -> Bytes32 | Reject:
    """The seed of the round that draws what happened then, as its double says."""
    return keccak256(encode(since)) if now > since + DRAW_SECONDS else Reject.DRAW_EARLY


@dataclass(slots=True)
class QuorumWorld(World):
    """Also what Quorums keeps, and what it is told."""

    quorums: Quorums = field(default_factory=Quorums)
    address: Address = QUORUMS
    sortition: Address = SORTITION
    pledges: Counter[Address] = field(default_factory=lambda: Counter(dict.fromkeys(POOL, PLEDGE_WEI)))
    signed: dict[tuple[BatchId, Bytes32, Address, int, bytes], Address] = field(default_factory=dict)
    """Who made a signature."""
    said: dict[tuple[BatchId, int], tuple[Bytes32, Bytes32]] = field(default_factory=dict)
    """Root and salt of each commitment, as its member knows them."""
    claims: dict[BatchId, Bytes32] = field(default_factory=dict)

    def __post_init__(self) -> None:
        own = quorum_policy(lambda: self.quorums, self.links, self.stands)
        policies = {**POLICIES, QUORUM_POLICY: own}
        self.state = replace(self.state, deployment=replace(self.state.deployment, policies=policies))

    @property
    def links(self) -> Links:
        """What Quorums asks."""
        return Links(
            quorums=self.address,
            sortition=self.sortition,
            rules=RULES,
            exit_seconds=EXIT_SECONDS,
            seed=seed_of,
            select=lambda pool, seed, count: selected(seed, count),
            penalise=lambda member, amount_wei: min(amount_wei, self.pledges[member]),
            signer=lambda *signed: self.signed.get(signed),
        )

    def stands(self, claim_id: LeafId) -> bool:
        """Whether no leaf of the claim's batch fell, and no game is open on it."""
        batch_id = batch_of_claim(claim_id)
        is_held = self.open_games(batch_id) >> leaf_of_claim(claim_id) & 1
        return not is_held and self.state.batches[batch_id].struck == 0

    def sign(
        self, batch_id: BatchId, tasks_root: Bytes32, member: Address, signer: Address, commitment: int
    ) -> bytes:
        """A signature of a commitment by the key of the signer."""
        deployment = self.state.deployment
        named = (batch_id, tasks_root, member, commitment)
        hashed = signing_hash(deployment.chain_id, self.address, *named)
        made = KEYS[signer].unsafe_sign_hash(Hash32(hashed)).signature
        self.signed[*named, bytes(made)] = signer
        return bytes(made)

    def play(self, step: Step) -> Outcome:
        """Apply a step; a refused one changes nothing."""
        if isinstance(step, Message) and isinstance(step.call, get_args(contract.Call)):
            return self._play_quorums(step)
        return World.play(self, step)

    def _play_quorums(self, message: Message) -> Outcome:
        before = self.state
        turn = Turn(state=before, message=message, held=self.open_games)
        try:
            self.quorums, self.state, effects = apply_quorums(self.quorums, turn, self.links)
        except Refused as refused:
            return Outcome(refusal=refused.reason)
        for effect in effects:
            if isinstance(effect, contract.Charged):
                self.pledges[effect.member] -= effect.penalty_wei
            if isinstance(effect, contract.Confirmed):
                self._note_confirmed(effect, message)
            self.note(before, effect)
        return Outcome(effects=effects)

    # --- what is promised, said without the model -------------------------------------------------

    def note(self, before: LifeCycle, effect: object) -> None:
        """No window is shorter than its set's, or longer than the rules allow."""
        World.note(self, before, effect)
        if isinstance(effect, jobs.Claimed):
            self.claims[effect.batch_id] = effect.claims_root
        if isinstance(effect, jobs.Finalized):
            batch = before.batches[effect.batch_id]
            if batch.policy == QUORUM_POLICY:
                last = self.state.deployment.policies[QUORUM_POLICY].open_until(effect.batch_id, batch.until)
                assert batch.until <= last <= batch.until + RULES.stretch_seconds

    def _note_confirmed(self, event: contract.Confirmed, message: Message) -> None:
        """Whoever confirms has said the claimed root before it was claimed; proven means: so many have."""
        call = message.call
        assert isinstance(call, contract.Confirm)
        root = self.claims[event.batch_id]
        confirmed = self.quorums.sittings[event.batch_id].confirmed
        seats = [seat for seat in range(16) if confirmed >> seat & 1]
        assert all(self.said[event.batch_id, seat][0] == root for seat in seats)
        operator = self.state.batches[event.batch_id].operator
        supporters = {call.committee.members[seat] for seat in seats} | {operator} & {*call.committee.members}
        assert event.is_proven is (len(supporters) >= RULES.needed)
        claim_id = LeafId(event.batch_id << 8)
        if event.is_proven and self.stands(claim_id):
            assert is_leaf_standing(self.state, claim_id)

    def check_money(self) -> None:
        """Quorums has what is left of fees, what it owes and what it burned; nobody's pledge is overdrawn."""
        World.check_money(self)
        kept = self.quorums
        left_wei = sum(purse.left_wei for purse in kept.purses.values())
        owed_wei = left_wei + sum(kept.credits.values()) + kept.burned_wei
        assert self.balances[NATIVE, self.address] == owed_wei
        assert min(self.pledges.values()) >= 0
