"""All contracts with Quorums as policy 2: a pool that the test knows, games on real runs."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from tests.contracts.evm import Receipt
from tests.contracts.playing import HONEST, LIAR, MALICE, STAKE_WEI, Arena, leaf_of
from tests.contracts.runs import Run
from tests.contracts.settings import ALICE, BOB, FUNDS_WEI, KEEPER
from tests.contracts.settlement import PostedJob, TakenBatch, leaf_words
from truestep.base.ids import Address, BatchId, Bytes32
from truestep.protocol.quorum.commitments import commitment_of
from truestep.protocol.quorum.contracts.quorums import Committee, Opening, Rules
from truestep.protocol.settlement.trees import claims_root

POLICY = 2
POOL = (LIAR, HONEST, MALICE, ALICE, KEEPER)
"""All of it is the committee, in an order that begins anywhere."""
PLEDGE_WEI = 10**18
EXIT_SECONDS = 40 * 86_400
QUORUM = Rules(
    needed=3,
    seats=5,
    pool=0,
    leader_seconds=600,
    member_seconds=300,
    commit_seconds=30,
    fee_wei=1_000,
    cycle_fee_wei=0,
    late_wei=10**16,
    lie_wei=10**17,
    stretch_seconds=10_000,
    full_value_wei=10**21,
    full_tasks=10**6,
    load_seconds=86_400,
)
SALTS = {seat: Bytes32(bytes([seat + 1]) * 32) for seat in range(5)}


def result_of(made: Run) -> Bytes32:
    """The result of a member that believes in this run, for a batch of one task."""
    return claims_root(leaf_words(leaf_of(made)))


class QuorumArena(Arena):
    """The contracts, with a committee of everybody in the pool."""

    def __init__(self, rules: Rules = QUORUM) -> None:
        self.rules = rules
        super().__init__()
        arguments = (self.assurances.address, EXIT_SECONDS, 0, list(POOL), PLEDGE_WEI)
        self.sortition = self.double("SortitionDouble", *arguments)
        self.evm.chain.set_balance(self.sortition.address, PLEDGE_WEI * len(POOL))
        self.quorums = self.deploy("Quorums", self.assurances.address, self.sortition.address, astuple(rules))
        self.by_owner(self.assurances, "add", self.quorums.address, POLICY)
        for account in POOL:
            self.evm.chain.set_balance(account, FUNDS_WEI)
            self.operators.transact("deposit_for", account, sender=KEEPER, value=STAKE_WEI)
        self.members: tuple[str, ...] = ()

    def posted_job(self, *, fee_wei: int = 1_000, shard_count: int = 1, **order: Any) -> PostedJob:
        """A job whose committee is drawn."""
        job = self.post_runs(policy=POLICY, shard_count=shard_count, **order)
        value_wei = fee_wei * shard_count * 4
        arguments = (job.job_id, astuple(job.work), astuple(job.terms))
        self.quorums.transact("fund", *arguments, sender=BOB, value=value_wei)
        self.pass_time(1)
        (event,) = self.quorums.transact("draw", job.job_id).events
        self.members = tuple(event.fields["members"])
        return job

    @property
    def leader(self) -> str:
        """Of the newest committee."""
        return self.members[0]

    def committee(self, batch: TakenBatch) -> tuple[Any, ...]:
        """The committee as calls give it."""
        (item,) = batch.items
        members = tuple(map(Address, self.members))
        return astuple(Committee(item=item, job_digest=batch.digests[item >> 64], members=members))

    def stated(self, batch: TakenBatch) -> tuple[Any, ...]:
        """What most calls begin with."""
        return batch.batch_id, astuple(batch.terms), self.committee(batch)

    def commit(self, batch: TakenBatch, seat: int, root: Bytes32) -> Receipt:
        """A member commits."""
        member = self.members[seat]
        commitment = commitment_of(Address(member), BatchId(batch.batch_id), root, SALTS[seat])
        return self.quorums.transact("commit", *self.stated(batch), seat, commitment, sender=member)

    def confirm(self, batch: TakenBatch, *seats: int) -> Receipt:
        """Somebody shows that these members agree."""
        openings = [astuple(Opening(seat=seat, salt=SALTS[seat])) for seat in seats]
        return self.quorums.transact("confirm", *self.stated(batch), openings)

    def dissent(self, batch: TakenBatch, seat: int, root: Bytes32) -> Receipt:
        """Somebody shows that a member disagrees."""
        return self.quorums.transact("dissent", *self.stated(batch), seat, root, SALTS[seat])

    def said(self, batch: TakenBatch) -> tuple[Any, ...]:
        """What the claim of the first leaf says."""
        proof = batch.proof(0, self.posted)
        return batch.claim_id(0), astuple(batch.terms), proof.item, astuple(proof.leaf), proof.leaf_path

    def charge_lie(self, lie: TakenBatch, result: TakenBatch, seat: int, *, sender: str = KEEPER) -> Receipt:
        """Somebody has a member charged for what it has confirmed."""
        digest = lie.digests[lie.items[0] >> 64]
        arguments = (self.said(lie), self.said(result), digest, self.members, seat)
        return self.quorums.transact("charge_lie", *arguments, sender=sender)

    def redo(self, batch: TakenBatch, made: Run, operator: str) -> TakenBatch:
        """A batch that has fallen is taken and claimed again."""
        self.quorums.transact("fail", *self.stated(batch))
        again = self.take((self.posted[batch.items[0] >> 64], 0, 1), operator=operator)
        self.claim(again, [leaf_of(made)], sender=operator)
        return again

    def end(self, batch: TakenBatch) -> TakenBatch:
        """Its window is over, and it is final."""
        self.pass_time(batch.terms.window_seconds + self.rules.stretch_seconds + 1)
        self.finalize(batch)
        return batch

    def check_result(self, batch: TakenBatch) -> Any:
        """What Results tells a consumer that carries the proof of the first leaf."""
        proof = astuple(batch.proof(0, self.posted))
        return self.results.call("check_leaf", batch.claim_id(0), astuple(batch.terms), proof)

    def credit_of(self, account: str) -> int:
        """What Quorums owes."""
        return self.quorums.call("credits", account)
