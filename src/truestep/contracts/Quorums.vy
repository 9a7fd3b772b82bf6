#pragma version 0.4.3
#pragma evm-version cancun
#pragma optimize codesize
#pragma nonreentrancy on
"""
@title Quorums: a policy under which a drawn committee finds each result independently (docs/quorum.md)
@license Apache-2.0
"""
from interfaces import IAssurance
from interfaces import IAssurances
from interfaces import IDisputes
from interfaces import IJobs
from interfaces import IOperators
from interfaces import IParameters
from interfaces import IQuorums
from modules import coins
from modules import commitments
from modules import job_words
from modules import leaf_proofs
from modules import quorum_rules
from modules import said_leaves
from modules import steady_credits

implements: IAssurance
initializes: coins
initializes: commitments
initializes: quorum_rules
initializes: steady_credits
exports: (
    coins.burned_wei,
    commitments.commitment_at,
    quorum_rules.get_rules,
    quorum_rules.least_fee,
    quorum_rules.load,
    steady_credits.credits,
    steady_credits.withdraw_to,
)


interface Linked:
    def disputes() -> address: view
    def jobs() -> address: view
    def operators() -> address: view
    def parameters() -> address: view


interface Sortition:
    def select(
        pool: uint256, seed: bytes32, count: uint256, excluded: DynArray[address, SEATS_LIMIT]
    ) -> DynArray[address, SEATS_LIMIT]: view
    def penalise(operator: address, amount_wei: uint256) -> uint256: nonpayable
    def exit_seconds() -> uint256: view
    def least_pledge_wei() -> uint256: view
    def randomness() -> address: view
    def assurances() -> address: view


interface Randomness:
    def drawing(since: uint256) -> uint256: view
    def seed(round: uint256) -> bytes32: view


TAKE: constant(uint256) = 1
CLAIM: constant(uint256) = 2
BATCH_TAKEN: constant(uint8) = 1
BATCH_CLAIMED: constant(uint8) = 2
BATCH_FINAL: constant(uint8) = 3
BATCH_OVER: constant(uint8) = 4

SEATS_LIMIT: constant(uint256) = 16
# As many as Sortition draws at once.
TASKS_LIMIT: constant(uint256) = 256
# A job is one batch, so that its committee commits once.
FEE_LIMIT_WEI: constant(uint256) = 2**72 - 1
PURSE_LIMIT_WEI: constant(uint256) = 2**88 - 1  # both limits: packed
TELLER_BPS: constant(uint256) = 1_000
# Of a penalty, for whoever has it taken: less than anybody loses by telling of itself.
BPS: constant(uint256) = 10_000

MASK8: constant(uint256) = 2**8 - 1
MASK16: constant(uint256) = 2**16 - 1
MASK24: constant(uint256) = 2**24 - 1
MASK40: constant(uint256) = 2**40 - 1
MASK64: constant(uint256) = 2**64 - 1
MASK72: constant(uint256) = 2**72 - 1
MASK88: constant(uint256) = 2**88 - 1
MASK128: constant(uint256) = 2**128 - 1
MASK160: constant(uint256) = 2**160 - 1

# Of a purse: [ flags 8 | purse_wei 88 | fee_wei 72 | tasks - 1 8 | turn_at 40 | funded_at 40 ]
STEPPED_IN: constant(uint256) = 1 << 248
OPEN: constant(uint256) = 1 << 249  # to everybody that has not failed
CLOSED: constant(uint256) = 1 << 250  # its fees went back before it was drawn
PURSE_AT: constant(uint256) = 160
# Of a batch: [ is_proven 8 | compensated 16 | charged 16 | dissented 16 | confirmed 16 | stretch 24 | taken_at 40 ]
STRETCH_AT: constant(uint256) = 40
CONFIRMED_AT: constant(uint256) = 64
DISSENTED_AT: constant(uint256) = 80
CHARGED_AT: constant(uint256) = 96
COMPENSATED_AT: constant(uint256) = 112
PROVEN: constant(uint256) = 1 << 128

ASSURANCES: immutable(IAssurances)
DISPUTES: immutable(IDisputes)
JOBS: immutable(IJobs)
OPERATORS: immutable(IOperators)
PARAMETERS: immutable(IParameters)
SORTITION: immutable(Sortition)
RANDOMNESS: immutable(Randomness)

purses: HashMap[uint256, uint256]  # job id: fees, turns
drawn: HashMap[uint256, uint256]  # job id: [ hash of the members 96 | whose turn it is 160 ]
failed: public(HashMap[uint256, HashMap[address, bool]])  # job id, operator
batches: HashMap[uint256, uint256]  # batch id
dissents: public(HashMap[uint256, bytes32])  # batch id << 8 | seat: the result of a member that has another one
speeds: HashMap[uint256, uint256]  # parameters id: cycles a second, which never change


@deploy
def __init__(assurances: address, sortition: address, rules: IQuorums.Rules):
    """
    @dev Disputes and Jobs are those of Assurances.
    """
    assert assurances.is_contract and sortition.is_contract, "no contract at this address"
    assert staticcall Sortition(sortition).assurances() == assurances, "contracts do not fit together"
    assert (
        rules.lie_wei <= staticcall Sortition(sortition).least_pledge_wei()
    ), "fee or penalty out of bounds"
    quorum_rules.__init__(rules)
    disputes: address = staticcall Linked(assurances).disputes()
    jobs: address = staticcall Linked(disputes).jobs()
    ASSURANCES = IAssurances(assurances)
    DISPUTES = IDisputes(disputes)
    JOBS = IJobs(jobs)
    OPERATORS = IOperators(staticcall Linked(jobs).operators())
    PARAMETERS = IParameters(staticcall Linked(jobs).parameters())
    SORTITION = Sortition(sortition)
    RANDOMNESS = Randomness(staticcall Sortition(sortition).randomness())


@external
@payable
@reentrant
def __default__():
    """
    @dev Coins come in only as a part of a member's pledge.
    """
    assert msg.sender == SORTITION.address, "caller is not Sortition"


# --- jobs -----------------------------------------------------------------------------------------


@external
@payable
def fund(job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms):
    """
    @notice Pay a job's committee, so that it can be drawn (Q2.1). By anybody.
    """
    digest: bytes32 = self._job_digest(job_id, work, terms)
    assert self.purses[job_id] == 0, "job is funded"
    tasks: uint256 = convert(work.shard_count, uint256)
    assert tasks <= TASKS_LIMIT, "too many tasks in the batch"
    cycles: uint256 = convert(work.max_cycles, uint256)
    speed: uint256 = self._speed(convert(terms.parameters_id, uint256))
    run_seconds: uint256 = (tasks * cycles + speed - 1) // speed
    assert (
        convert(terms.lease_seconds, uint256) >= 2 * (quorum_rules.COMMIT_SECONDS + run_seconds)
    ), "lease is too short"
    # A claim that falls, and the one after it, whose result charges those that have confirmed the first (Q5.2).
    longest: uint256 = 2 * (convert(terms.lease_seconds + terms.window_seconds, uint256) + quorum_rules.STRETCH_SECONDS)
    longest += quorum_rules.LEADER_SECONDS + quorum_rules.MEMBER_SECONDS
    assert longest <= staticcall SORTITION.exit_seconds(), "window is too long"
    shares: uint256 = tasks * (quorum_rules.SEATS - 1)
    fee_wei: uint256 = msg.value // shares
    assert fee_wei >= quorum_rules.least_fee_for(cycles) and fee_wei <= FEE_LIMIT_WEI, "fee out of bounds"
    assert 2 * tasks * fee_wei <= quorum_rules.LIE_WEI, "fee out of bounds"  # or it would pay for a lie
    purse_wei: uint256 = fee_wei * shares
    assert purse_wei <= PURSE_LIMIT_WEI, "fee out of bounds"
    steady_credits.credit(msg.sender, msg.value - purse_wei)
    self.purses[job_id] = (
        purse_wei << PURSE_AT | fee_wei << 88 | (tasks - 1) << 80 | block.timestamp
    )
    log IQuorums.Funded(job_id=job_id, sender=msg.sender, tasks=tasks, fee_wei=fee_wei, purse_wei=purse_wei)
    extcall ASSURANCES.supply(job_id, digest)


@external
def draw(job_id: uint256):
    """
    @notice Draw the committee of a job (Q2.2). By anybody, once there is a seed that nobody knew at its funding.
    """
    purse: uint256 = self.purses[job_id]
    assert purse != 0 and purse & CLOSED == 0, "job is not funded"
    assert self.drawn[job_id] == 0, "committee is drawn"
    round: uint256 = staticcall RANDOMNESS.drawing(purse & MASK40)
    digest: bytes32 = staticcall JOBS.job_digests(job_id)
    seed: bytes32 = keccak256(abi_encode(staticcall RANDOMNESS.seed(round), self, digest))
    members: DynArray[address, SEATS_LIMIT] = staticcall SORTITION.select(
        quorum_rules.POOL, seed, quorum_rules.SEATS, []
    )
    assert len(members) == quorum_rules.SEATS, "pool has too few members"
    self.drawn[job_id] = self._members_hash(members) << 160 | convert(members[0], uint256)
    self.purses[job_id] = purse | block.timestamp << 40
    quorum_rules.add_load((purse >> 80 & MASK8) + 1)
    log IQuorums.Drawn(job_id=job_id, seed=seed, members=members)


@external
def step_in(job_id: uint256, members: DynArray[address, SEATS_LIMIT], seat: uint256):
    """
    @notice Take over the turn of a leader that has not used it (Q3.2). By a member or its delegate with TAKE.
    """
    purse: uint256 = self.purses[job_id]
    member: address = self._member(job_id, members, seat)
    self._check_role(member, TAKE)
    assert purse & (STEPPED_IN | OPEN) == 0 and self._turn_age(purse) > quorum_rules.LEADER_SECONDS, "turn is another's"
    assert self._turn_age(purse) <= quorum_rules.LEADER_SECONDS + quorum_rules.MEMBER_SECONDS, "turn is over"
    self.purses[job_id] = purse | STEPPED_IN
    self.drawn[job_id] = self._members_hash(members) << 160 | convert(member, uint256)
    log IQuorums.SteppedIn(job_id=job_id, member=member)


@external
def fail(batch_id: uint256, terms: IJobs.BatchTerms, committee: IQuorums.Committee):
    """
    @notice Let an operator that has missed its lease, or lost a leaf, take nothing of the job any more, and everybody
            else at once (Q3.3). By anybody.
    """
    batch: IJobs.Batch = self._stated(batch_id, terms, committee)
    job_id: uint256 = committee.item >> 64
    assert batch.stage == BATCH_OVER or batch.struck != 0, "batch has not failed"
    assert not self.failed[job_id][batch.operator], "operator has failed before"
    self.failed[job_id][batch.operator] = True
    self.purses[job_id] |= OPEN
    log IQuorums.Failed(job_id=job_id, operator=batch.operator, batch_id=batch_id)


@external
def refund(job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms):
    """
    @notice Give fees back that nobody can earn any more (Q6.4). By anybody; before the committee is drawn by the
            requester, and then it never is.
    """
    purse: uint256 = self.purses[job_id]
    self._job_digest(job_id, work, terms)
    amount_wei: uint256 = purse >> PURSE_AT & MASK88
    assert amount_wei != 0, "nothing to reclaim"
    if self.drawn[job_id] == 0:
        assert msg.sender == terms.requester, "caller is not the requester"
        purse |= CLOSED
    else:
        # A lease that began before the job was closed may end so much later than its deadline.
        last: uint256 = staticcall JOBS.deadlines(job_id) + convert(terms.lease_seconds + terms.window_seconds, uint256)
        assert block.timestamp > last + quorum_rules.STRETCH_SECONDS, "fees may still be earned"
    self.purses[job_id] = purse ^ amount_wei << PURSE_AT
    steady_credits.credit(terms.requester, amount_wei)
    log IQuorums.Refunded(job_id=job_id, requester=terms.requester, amount_wei=amount_wei)


# --- commitments ----------------------------------------------------------------------------------


@external
def commit(
    batch_id: uint256,
    terms: IJobs.BatchTerms,
    committee: IQuorums.Committee,
    seat: uint256,
    commitment: uint256,
):
    """
    @notice Commit to a result before it is claimed (Q4.1). By a member or its delegate with CLAIM.
    """
    batch: IJobs.Batch = self._taken(batch_id, terms, committee)
    assert seat < len(committee.members), "no such seat"
    self._check_role(committee.members[seat], CLAIM)
    self._commit(batch_id, batch, committee.members[seat], seat, commitment, self._register(batch_id, batch, terms))


@external
def commit_many(
    batch_id: uint256,
    terms: IJobs.BatchTerms,
    committee: IQuorums.Committee,
    signed: DynArray[IQuorums.Signed, SEATS_LIMIT],
):
    """
    @notice Commitments that members have signed (Q4.2). By anybody.
    """
    batch: IJobs.Batch = self._taken(batch_id, terms, committee)
    assert len(signed) != 0, "no such seat"
    stretch_seconds: uint256 = self._register(batch_id, batch, terms)
    for each: IQuorums.Signed in signed:
        assert each.seat < len(committee.members), "no such seat"
        member: address = committee.members[each.seat]
        signer: address = commitments.signer_of(batch_id, terms.tasks_root, member, each.commitment, each.signature)
        assert signer != empty(address) and self._acts_for(member, signer, CLAIM), "signature is not the member's"
        self._commit(batch_id, batch, member, each.seat, each.commitment, stretch_seconds)


@external
def confirm(
    batch_id: uint256,
    terms: IJobs.BatchTerms,
    committee: IQuorums.Committee,
    openings: DynArray[IQuorums.Opening, SEATS_LIMIT],
):
    """
    @notice Show that members have committed to what is claimed; each is paid (Q4.3, Q6.1). By whoever knows the salts.
    """
    batch: IJobs.Batch = self._stated(batch_id, terms, committee)
    word: uint256 = self.batches[batch_id]
    assert batch.stage == BATCH_CLAIMED and batch.struck == 0, "claim does not stand"
    assert block.timestamp <= self._end(batch_id, convert(batch.until, uint256)), "challenge window is over"
    assert len(openings) != 0, "no such seat"
    seats: uint256 = 0
    for each: IQuorums.Opening in openings:
        assert each.seat < len(committee.members), "no such seat"
        bit: uint256 = 1 << each.seat
        assert (word >> CONFIRMED_AT | seats) & bit == 0, "seat has spoken"
        seats |= bit
        member: address = committee.members[each.seat]
        expected: uint256 = commitments.commitment_of(member, batch_id, terms.claims_root, each.salt)
        assert commitments.kept(batch_id, each.seat) == expected, "commitment is to something else"
    word |= seats << CONFIRMED_AT
    supporters: uint256 = job_words.count_bits(word >> CONFIRMED_AT & MASK16)
    if batch.operator in committee.members:
        supporters += 1
    if supporters >= quorum_rules.NEEDED:
        word |= PROVEN
    self.batches[batch_id] = word
    paid_wei: uint256 = self._reward(committee, seats, convert(batch.leaf_count, uint256))
    log IQuorums.Confirmed(batch_id=batch_id, seats=seats, paid_wei=paid_wei, is_proven=word & PROVEN != 0)


@external
def dissent(
    batch_id: uint256,
    terms: IJobs.BatchTerms,
    committee: IQuorums.Committee,
    seat: uint256,
    root: bytes32,
    salt: bytes32,
):
    """
    @notice Show that a member has committed to another result than the claimed one (Q4.4). By whoever knows the salt.
    """
    batch: IJobs.Batch = self._stated(batch_id, terms, committee)
    word: uint256 = self.batches[batch_id]
    assert terms.claims_root != empty(bytes32), "not the stage of the batch"
    assert block.timestamp <= self._end(batch_id, convert(batch.until, uint256)), "challenge window is over"
    assert seat < len(committee.members), "no such seat"
    assert word >> DISSENTED_AT >> seat & 1 == 0, "seat has spoken"
    assert root != terms.claims_root, "result is the claimed one"
    member: address = committee.members[seat]
    expected: uint256 = commitments.commitment_of(member, batch_id, root, salt)
    assert commitments.kept(batch_id, seat) == expected, "commitment is to something else"
    self.batches[batch_id] = word | 1 << seat << DISSENTED_AT
    self.dissents[batch_id << 8 | seat] = root
    log IQuorums.Dissented(batch_id=batch_id, member=member, seat=seat, root=root)


# --- what follows ---------------------------------------------------------------------------------


@external
def compensate(
    batch_id: uint256,
    terms: IJobs.BatchTerms,
    committee: IQuorums.Committee,
    seats: DynArray[uint256, SEATS_LIMIT],
):
    """
    @notice Pay members, a quorum of them, that have had the same other result than a claim that fell (Q6.2). By anybody.
    """
    batch: IJobs.Batch = self._stated(batch_id, terms, committee)
    assert batch.struck != 0, "claim stands"
    word: uint256 = self.batches[batch_id]
    found: uint256 = 0
    for seat: uint256 in seats:
        assert seat < len(committee.members), "no such seat"
        bit: uint256 = 1 << seat
        assert word >> DISSENTED_AT & bit != 0, "seat has not dissented"
        assert (word >> COMPENSATED_AT | found) & bit == 0, "seat has spoken"
        assert (
            self.dissents[batch_id << 8 | seat] == self.dissents[batch_id << 8 | seats[0]]
        ), "results differ"
        found |= bit
    assert job_words.count_bits(found) >= quorum_rules.NEEDED, "quorum is missed"
    self.batches[batch_id] = word | found << COMPENSATED_AT
    paid_wei: uint256 = self._reward(committee, found, convert(batch.leaf_count, uint256))
    log IQuorums.Compensated(batch_id=batch_id, seats=found, paid_wei=paid_wei)


@external
def charge_late(
    batch_id: uint256, terms: IJobs.BatchTerms, committee: IQuorums.Committee, seat: uint256
):
    """
    @notice Take the penalty of a member that has not confirmed what its committee has proven and nobody has beaten, though
            it had half of the job's lease (Q5.1). By anybody.
    """
    batch: IJobs.Batch = self._stated(batch_id, terms, committee)
    word: uint256 = self.batches[batch_id]
    assert word & PROVEN != 0, "claim is not proven"
    assert (
        batch.stage == BATCH_FINAL and batch.struck == 0 and staticcall DISPUTES.held(batch_id) == 0
    ), "batch is not decided"
    assert seat < len(committee.members), "no such seat"
    assert committee.members[seat] != batch.operator, "claim is the caller's own"
    assert (word >> CONFIRMED_AT | word >> CHARGED_AT) >> seat & 1 == 0, "seat has spoken"
    if commitments.kept(batch_id, seat) == 0:
        claimed_at: uint256 = convert(batch.until, uint256) - terms.window_seconds
        had_seconds: uint256 = (staticcall JOBS.get_job(committee.item >> 64)).lease_seconds // 2
        assert claimed_at >= (word & MASK40) + had_seconds, "member had no time"
    self._charge(batch_id, committee.members[seat], seat, quorum_rules.LATE_WEI, False)


@external
def charge_lie(
    lie: IQuorums.Said,
    result: IQuorums.Said,
    job_digest: bytes32,
    members: DynArray[address, SEATS_LIMIT],
    seat: uint256,
):
    """
    @notice Take the penalty of a member that has confirmed a claim of which the task's result shows that it was false
            (Q5.2). By anybody. How the claim fell proves nothing: its operator may have lost a true one on purpose.
    @param result The claim that has become the task's result.
    """
    task_id: uint256 = said_leaves.check_lie(JOBS, lie, result, job_digest)
    member: address = self._member(task_id >> 32, members, seat)
    batch_id: uint256 = lie.claim_id >> 8
    word: uint256 = self.batches[batch_id]
    assert word >> CONFIRMED_AT >> seat & 1 == 1, "no such seat"
    assert word >> CHARGED_AT >> seat & 1 == 0, "seat has spoken"
    self._charge(batch_id, member, seat, quorum_rules.LIE_WEI, True)


# --- what Assurances asks -------------------------------------------------------------------------


@external
@view
def must_wait() -> bool:
    """
    @notice Jobs under this policy can be taken once they are funded.
    """
    return True


@external
@view
def assigns() -> bool:
    """
    @notice This policy says who takes its jobs (S8.8).
    """
    return True


@external
@view
def may_take(operator: address, items: DynArray[uint256, TASKS_LIMIT]) -> bool:
    """
    @notice The leader, in its turn, the whole job; a member that stepped in; then everybody that has not failed (Q3).
    """
    if len(items) != 1:
        return False
    job_id: uint256 = items[0] >> 64
    purse: uint256 = self.purses[job_id]
    drawn: uint256 = self.drawn[job_id]
    if drawn == 0 or self.failed[job_id][operator]:
        return False
    if purse & OPEN != 0 or self._turn_age(purse) > quorum_rules.LEADER_SECONDS + quorum_rules.MEMBER_SECONDS:
        return True
    whole: uint256 = (purse >> 80 & MASK8) + 1
    return convert(operator, uint256) == drawn & MASK160 and items[0] & MASK64 == whole << 16


@external
@view
def open_until(batch_id: uint256, until: uint256) -> uint256:
    """
    @notice The last second in which a game may be opened on a batch: its window, lengthened (Q7).
    """
    return self._end(batch_id, until)


@external
@view
def verdict(batch_id: uint256, until: uint256, leaf_count: uint256) -> (bool, uint256):
    """
    @notice A batch is due when its lengthened window is over; no leaf waits but for its games.
    """
    return block.timestamp > self._end(batch_id, until), 0


@external
@view
def is_proven(claim_id: uint256) -> bool:
    """
    @notice Whether a quorum has the claimed result, no leaf of the batch fell, and no game is open on the claim (Q4.5).
    """
    batch_id: uint256 = claim_id >> 8
    if self.batches[batch_id] & PROVEN == 0:
        return False
    batch: IJobs.Batch = staticcall JOBS.get_batch(batch_id)
    if batch.stage != BATCH_CLAIMED and batch.stage != BATCH_FINAL or batch.struck != 0:
        return False
    return staticcall DISPUTES.held(batch_id) >> (claim_id & MASK8) & 1 == 0


# --- views ----------------------------------------------------------------------------------------


@external
@view
def get_purse(job_id: uint256) -> (uint256, uint256, uint256, uint256):
    """
    @notice Of a job: what is left of its fees, the fee for a task and a member, when it was funded, when its turn began.
    """
    purse: uint256 = self.purses[job_id]
    return purse >> PURSE_AT & MASK88, purse >> 88 & MASK72, purse & MASK40, purse >> 40 & MASK40


@external
@view
def leader(job_id: uint256) -> address:
    """
    @notice Whose turn it is, or was; zero before the committee is drawn.
    """
    return convert(self.drawn[job_id] & MASK160, address)


@external
@view
def get_batch(batch_id: uint256) -> (uint256, uint256, bool):
    """
    @notice Of a batch: the seats that have confirmed it, those that have dissented, and whether a quorum has confirmed it.
    """
    word: uint256 = self.batches[batch_id]
    return word >> CONFIRMED_AT & MASK16, word >> DISSENTED_AT & MASK16, word & PROVEN != 0


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _job_digest(job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms) -> bytes32:
    digest: bytes32 = leaf_proofs.job_digest(JOBS.address, job_id, work, terms)
    assert digest == staticcall JOBS.job_digests(job_id), "work or terms of another job"
    return digest


@internal
@view
def _stated(
    batch_id: uint256, terms: IJobs.BatchTerms, committee: IQuorums.Committee
) -> IJobs.Batch:
    """
    @notice The batch of these terms, of one job, whose committee this is.
    """
    batch: IJobs.Batch = staticcall JOBS.get_batch(batch_id)
    said_leaves.check_terms(batch, terms, committee.item, committee.job_digest)
    drawn: uint256 = self.drawn[committee.item >> 64]
    assert drawn >> 160 == self._members_hash(committee.members), "committee of another job"
    return batch


@internal
@view
def _taken(
    batch_id: uint256, terms: IJobs.BatchTerms, committee: IQuorums.Committee
) -> IJobs.Batch:
    batch: IJobs.Batch = self._stated(batch_id, terms, committee)
    assert batch.stage == BATCH_TAKEN, "not the stage of the batch"
    return batch


@internal
def _register(batch_id: uint256, batch: IJobs.Batch, terms: IJobs.BatchTerms) -> uint256:
    """
    @notice Keep when a batch was taken, and by how much its window is lengthened (Q7.1), at its first commitment.
    """
    word: uint256 = self.batches[batch_id]
    if word == 0:
        value_wei: uint256 = terms.bond_wei
        if terms.asset == empty(address):
            value_wei += terms.reward
        taken_at: uint256 = convert(batch.until, uint256) - terms.lease_seconds
        word = quorum_rules.stretch_for(value_wei) << STRETCH_AT | taken_at
        self.batches[batch_id] = word
    return word >> STRETCH_AT & MASK24


@internal
def _commit(
    batch_id: uint256,
    batch: IJobs.Batch,
    member: address,
    seat: uint256,
    commitment: uint256,
    stretch_seconds: uint256,
):
    assert member != batch.operator, "claim is the caller's own"
    commitments.keep(batch_id, seat, commitment)
    log IQuorums.Committed(
        batch_id=batch_id,
        member=member,
        seat=seat,
        commitment=commitment,
        stretch_seconds=stretch_seconds,
    )


@internal
def _reward(committee: IQuorums.Committee, seats: uint256, leaf_count: uint256) -> uint256:
    """
    @notice Pay members their fees for so many tasks, as long as the purse lasts.
    """
    job_id: uint256 = committee.item >> 64
    purse: uint256 = self.purses[job_id]
    left_wei: uint256 = purse >> PURSE_AT & MASK88
    fee_wei: uint256 = (purse >> 88 & MASK72) * leaf_count
    paid_wei: uint256 = 0
    for seat: uint256 in range(SEATS_LIMIT):
        if seats >> seat & 1 == 1:
            amount_wei: uint256 = min(fee_wei, left_wei - paid_wei)
            steady_credits.credit(committee.members[seat], amount_wei)
            paid_wei += amount_wei
    if paid_wei != 0:
        self.purses[job_id] = purse - (paid_wei << PURSE_AT)
    return paid_wei


@internal
def _charge(batch_id: uint256, member: address, seat: uint256, amount_wei: uint256, is_lie: bool):
    self.batches[batch_id] |= 1 << seat << CHARGED_AT
    penalty_wei: uint256 = extcall SORTITION.penalise(member, amount_wei)
    teller_wei: uint256 = penalty_wei * TELLER_BPS // BPS
    steady_credits.credit(msg.sender, teller_wei)
    coins.burn(penalty_wei - teller_wei)
    log IQuorums.Charged(batch_id=batch_id, member=member, seat=seat, penalty_wei=penalty_wei, is_lie=is_lie)


@internal
def _speed(parameters_id: uint256) -> uint256:
    speed: uint256 = self.speeds[parameters_id]
    if speed == 0:
        speed = (staticcall PARAMETERS.get(parameters_id)).cycles_per_second
        self.speeds[parameters_id] = speed
    return speed


@internal
@view
def _end(batch_id: uint256, until: uint256) -> uint256:
    """
    @notice The last second of a batch's window: lengthened in full if no member has committed (Q7.1).
    """
    word: uint256 = self.batches[batch_id]
    return until + (quorum_rules.STRETCH_SECONDS if word == 0 else word >> STRETCH_AT & MASK24)


@internal
@view
def _turn_age(purse: uint256) -> uint256:
    return block.timestamp - (purse >> 40 & MASK40)


@internal
@view
def _member(
    job_id: uint256, members: DynArray[address, SEATS_LIMIT], seat: uint256
) -> address:
    assert self.drawn[job_id] >> 160 == self._members_hash(members), "committee of another job"
    assert seat < len(members), "no such seat"
    return members[seat]


@internal
@pure
def _members_hash(members: DynArray[address, SEATS_LIMIT]) -> uint256:
    return convert(keccak256(abi_encode(members)), uint256) >> 160


@internal
@view
def _check_role(member: address, role: uint256):
    assert self._acts_for(member, msg.sender, role), "caller may not act for the operator"


@internal
@view
def _acts_for(member: address, account: address, role: uint256) -> bool:
    return account == member or staticcall OPERATORS.roles(member, account) & role != 0
