"""One claim that is drawn, and its audit, driven by short calls on the pure model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.protocol.audits.schedule import trap_salts, traps_of
from tests.protocol.audits.world import AUDITS_POLICY, RULES, AuditsWorld, BeginRound, Pledge
from tests.protocol.settlement.proofs import proof_of
from tests.protocol.settlement.world import KEEPER, OPERATORS, PARAMETERS, REQUESTERS, START_TIME, account
from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32, JobId, ProgramId
from truestep.commitments.keccak import keccak256
from truestep.protocol.audits.contracts import audits
from truestep.protocol.audits.contracts.audits import Rules, Seat
from truestep.protocol.audits.state import Audit, Audits
from truestep.protocol.audits.statements import (
    bait_of,
    commitment_of,
    is_trap,
    trap_path,
)
from truestep.protocol.settlement.contracts import jobs, operators, programs
from truestep.protocol.settlement.encoding import encode, word
from truestep.protocol.settlement.ids import NATIVE, NOBODY, Item, LeafId, claim_of
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.records import Leaf, Order
from truestep.protocol.settlement.trees import tasks_root

CLAIMANT, REQUESTER = OPERATORS[0], REQUESTERS[0]
FIRST, SECOND, THIRD = (account(digits) for digits in ("61", "62", "63"))
AUDITORS = (FIRST, SECOND, THIRD)
EVERY = replace(RULES, rate_bps=10_000, load=64)
TRUTH, LIE, OTHER_LIE = (keccak256(name) for name in (b"truth", b"lie", b"other"))
SALT = keccak256(b"salt")
CYCLES = 10**6


@dataclass(slots=True)
class AuditScene:
    """A world in which CLAIMANT's claims are drawn; who is drawn is the first that is not excluded."""

    rules: Rules = EVERY
    shards: int = 1
    bond_multiple: int = 1
    max_cycles: int = CYCLES
    now: int = START_TIME
    world: AuditsWorld = field(init=False)
    job_count: int = 0

    def __post_init__(self) -> None:
        self.world = AuditsWorld(
            audits=Audits(rules=self.rules), chooses=lambda _, __, left: left[0] if left else None
        )
        for auditor in AUDITORS:
            self.world.play(Pledge(operator=auditor, amount_wei=10**20))
        self.send(CLAIMANT, operators.DepositFor(operator=CLAIMANT), value_wei=10**20)
        program = programs.Register(
            image_root=keccak256(b"image"),
            entry=0,
            max_cycles=self.max_cycles,
            workload=0,
            digest=SALT,
            uri="",
        )
        self.send(REQUESTER, program)

    # --- sending ----------------------------------------------------------------------------------

    def send(self, sender: Address, call: Any, *, value_wei: int = 0) -> tuple[object, ...]:
        """Send a call, which must not be refused."""
        outcome = self.world.play(Message(sender=sender, now=self.now, call=call, value_wei=value_wei))
        assert outcome.refusal is None, outcome.refusal
        self.world.check_money()
        return outcome.effects

    def refusal(self, sender: Address, call: Any, *, value_wei: int = 0) -> Reject | None:
        """Send a call that may be refused."""
        message = Message(sender=sender, now=self.now, call=call, value_wei=value_wei)
        return self.world.play(message).refusal

    # --- up to an audit ---------------------------------------------------------------------------

    def claimed(
        self,
        *,
        seed: bytes = b"seed",
        is_prepared: bool = True,
        root_of: Callable[[BatchId], Bytes32] = lambda batch_id: Bytes32(traps_of(batch_id)[-1][0]),
    ) -> BatchId:
        """A new job that is paid for, taken and claimed."""
        job_id = self._posted(Bytes32(keccak256(seed)))
        job = self.world.state.jobs[job_id]
        item = Item(job_id=job_id, first_shard=0, count=self.shards, offset=0).pack()
        take = jobs.Take(
            operator=CLAIMANT,
            items=(item,),
            tasks_root=tasks_root([(item, job.digest)]),
            min_reward=0,
            min_until=0,
        )
        self.send(CLAIMANT, take)
        batch_id = BatchId(self.world.state.batch_count)
        if is_prepared:
            terms = self.world.state.batches[batch_id].terms
            self.send(CLAIMANT, audits.Prepare(batch_id=batch_id, terms=terms, traps=root_of(batch_id)))
        leaf = Leaf(head=1 << 192 | CYCLES << 64, output_root=TRUTH, left_root=TRUTH)
        words = (Bytes32(word(leaf.head)), leaf.output_root, leaf.left_root) * self.shards
        terms = self.world.state.batches[batch_id].terms
        self.send(CLAIMANT, jobs.Claim(batch_id=batch_id, terms=terms, leaves=words))
        return batch_id

    def _posted(self, seed: Bytes32) -> JobId:
        program = self.world.state.programs[0]
        order = Order(
            program_id=ProgramId(1),
            program_hash=program_hash(program),
            input_root=SALT,
            input_size=0,
            input_uri="",
            seed=seed,
            shard_count=self.shards,
            reward=0,
            asset=NATIVE,
            lease_seconds=60,
            deadline=self.now + 3_600,
            window_seconds=0,
            bond_multiple=self.bond_multiple,
            policy=AUDITS_POLICY,
            parameters_id=1,
            consumer=NOBODY,
            callback_gas=0,
            reducer_of=0,
        )
        self.send(REQUESTER, jobs.Post(order=order))
        job_id = JobId(self.world.state.job_count)
        job = self.world.state.jobs[job_id]
        fund = audits.Fund(job_id=job_id, work=job.work, terms=job.terms)
        self.send(REQUESTER, fund, value_wei=self.fee_wei * self.shards)
        return job_id

    @property
    def fee_wei(self) -> int:
        """Of one audit."""
        return self.rules.fee_wei + self.max_cycles * self.rules.cycle_fee_wei // 10**9

    @property
    def penalty_wei(self) -> int:
        """Of an auditor that fails."""
        return self.fee_wei * self.rules.penalty_factor

    @property
    def lost_wei(self) -> int:
        """Of a claimant that fails."""
        return PARAMETERS.operator_bond_wei * self.bond_multiple * PARAMETERS.lease_penalty_bps // 10_000

    def new_round(self) -> None:
        """A round that draws what happened until now."""
        self.world.play(BeginRound(since=self.now, seed=keccak256(encode(self.now))))

    def draw(self, batch_id: BatchId) -> None:
        """Decide what is drawn."""
        self.new_round()
        self.send(KEEPER, audits.Draw(batch_id=batch_id, terms=self.world.state.batches[batch_id].terms))

    def appoint(self, claim_id: LeafId) -> Audit:
        """Draw an auditor for a claim."""
        self.new_round()
        self.send(KEEPER, self.named(audits.Appoint, claim_id))
        return self.audit(claim_id)

    def audited(self, **how: Any) -> LeafId:
        """A claim whose first auditor is appointed."""
        batch_id = self.claimed(**how)
        self.draw(batch_id)
        self.appoint(claim_of(batch_id, 0))
        return claim_of(batch_id, 0)

    # --- in an audit ------------------------------------------------------------------------------

    def named(self, kind: Any, claim_id: LeafId) -> Any:
        """A call that proves its leaf."""
        terms = self.world.state.batches[BatchId(claim_id >> 8)].terms
        return kind(claim_id=claim_id, terms=terms, proof=proof_of(self.world, claim_id))

    def audit(self, claim_id: LeafId) -> Audit:
        """Where an audit is."""
        return self.world.audits.audits.get(claim_id, Audit())

    def commit(self, claim_id: LeafId, member: Address, digest: Bytes32, seat: int = Seat.FIRST) -> None:
        """Commit to a digest."""
        commitment = commitment_of(member, claim_id, digest, SALT)
        self.send(
            member,
            audits.Commit(
                claim_id=claim_id, seed=self.audit(claim_id).seed, seat=seat, commitment=commitment
            ),
        )

    def state(self, claim_id: LeafId, digest: Bytes32 = TRUTH) -> None:
        """The claimant's statement."""
        self.send(CLAIMANT, self.statement(claim_id, digest))

    def statement(self, claim_id: LeafId, digest: Bytes32 = TRUTH) -> audits.State:
        """The call for it."""
        salts, index = trap_salts(claim_id >> 8), claim_id & 255
        path = trap_path(traps_of(claim_id >> 8), index)
        return audits.State(
            claim_id=claim_id,
            seed=self.audit(claim_id).seed,
            digest=digest,
            salt=salts[index],
            salt_path=path,
        )

    def early(self, claim_id: LeafId, digest: Bytes32 = TRUTH) -> Bytes32:
        """What the claimant may publish before."""
        salt = trap_salts(claim_id >> 8)[claim_id & 255]
        return bait_of(digest, salt) if self.is_trap(claim_id) else digest

    def is_trap(self, claim_id: LeafId) -> bool:
        """Whether its statement carries an error."""
        seed = self.world.audits.batches[BatchId(claim_id >> 8)].seed
        assert seed is not None
        return is_trap(trap_salts(claim_id >> 8)[claim_id & 255], seed, self.rules.trap_bps)

    def reveal(self, claim_id: LeafId, digest: Bytes32, seat: int = Seat.FIRST) -> tuple[object, ...]:
        """Show what was committed to."""
        call = audits.Reveal(claim_id=claim_id, seat=seat, digest=digest, salt=SALT)
        return self.send(KEEPER, call)

    def contested(self, first: Bytes32 = LIE, claimed: Bytes32 = TRUTH) -> LeafId:
        """An audit in which claimant and auditor differ, and the second auditor is appointed."""
        claim_id = self.audited()
        self.commit(claim_id, FIRST, first)
        self.state(claim_id, claimed)
        self.reveal(claim_id, first)
        self.appoint(claim_id)
        return claim_id

    def panel(
        self, claim_id: LeafId, claimed: Bytes32, first: Bytes32, second: Bytes32
    ) -> tuple[object, ...]:
        """All three commit, reveal, and are judged."""
        said = ((Seat.CLAIMANT, CLAIMANT, claimed), (Seat.FIRST, FIRST, first), (Seat.SECOND, SECOND, second))
        for seat, member, digest in said:
            self.commit(claim_id, member, digest, seat)
        for seat, _, digest in said:
            self.reveal(claim_id, digest, seat)
        return self.send(KEEPER, self.named(audits.Judge, claim_id))

    def owed(self, account: Address) -> int:
        """What Audits owes somebody."""
        return self.world.audits.credits.get(account, 0)

    def lost(self, auditor: Address) -> int:
        """What an auditor has lost of its pledge."""
        return 10**20 - self.world.pledges[auditor]
