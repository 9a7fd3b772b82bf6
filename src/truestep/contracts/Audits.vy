#pragma version 0.4.3
#pragma evm-version cancun
#pragma optimize codesize
#pragma nonreentrancy on
"""
@title Audits: a policy under which claims are drawn, and run again by somebody else (docs/audits.md)
@license Apache-2.0
"""
from interfaces import IAssurance
from interfaces import IAssurances
from interfaces import IAudits
from interfaces import IDisputes
from interfaces import IJobs
from interfaces import IOperators
from interfaces import IParameters
from modules import audit_book
from modules import audit_pool
from modules import audit_rules
from modules import coins
from modules import leaf_proofs
from modules import native_credits
from modules import trees

implements: IAssurance
initializes: coins
initializes: native_credits
initializes: audit_rules
initializes: audit_pool[audit_rules := audit_rules]
initializes: audit_book[audit_rules := audit_rules]
exports: (coins.burned_wei, native_credits.credits, native_credits.withdraw_to)
exports: (
    audit_rules.rules,
    audit_pool.load_of,
    audit_book.is_drawn,
    audit_book.audit_of,
    audit_book.pending,
    audit_book.confirmed,
    audit_book.published,
)


interface Linked:
    def disputes() -> address: view
    def jobs() -> address: view
    def operators() -> address: view
    def parameters() -> address: view
    def policies(policy: uint256) -> address: view


CLAIM: constant(uint256) = 2  # the role of a delegate (S1.8)
BATCH_TAKEN: constant(uint8) = 1
BATCH_CLAIMED: constant(uint8) = 2
BATCH_FINAL: constant(uint8) = 3

SEATS_LIMIT: constant(uint256) = 3
# Auditors of one claim. With the longest times an audit ends 14 days after the window; 20 are allowed.
TRAPS_DEPTH: constant(uint256) = 8
BPS: constant(uint256) = 10_000
MASK8: constant(uint256) = 2**8 - 1
MASK40: constant(uint256) = 2**40 - 1
MASK128: constant(uint256) = 2**128 - 1
ALL_LEAVES: constant(uint256) = max_value(uint256)

ASSURANCES: immutable(IAssurances)
DISPUTES: immutable(IDisputes)
JOBS: immutable(IJobs)
OPERATORS: immutable(IOperators)
PARAMETERS: immutable(IParameters)

funds: HashMap[uint256, uint256]  # job id: [ fee 128 | what is left 128 ]
traps: public(HashMap[uint256, bytes32])  # batch id: the root over the hashes of its salts
seeds: public(HashMap[uint256, bytes32])  # batch id: of its draw
certificates: public(HashMap[bytes32, bytes32])  # task (U7.1): the hash of its final leaf


@deploy
def __init__(assurances: address, sortition: address, randomness: address, rules: IAudits.Rules):
    """
    @dev Jobs is that of Assurances, Operators and Parameters those of Jobs.
    """
    assert (
        assurances.is_contract and sortition.is_contract and randomness.is_contract
    ), "no contract at this address"
    audit_rules.__init__(rules)
    audit_pool.__init__(sortition, randomness)
    ASSURANCES = IAssurances(assurances)
    disputes: address = staticcall Linked(assurances).disputes()
    jobs: address = staticcall Linked(disputes).jobs()
    DISPUTES = IDisputes(disputes)
    JOBS = IJobs(jobs)
    OPERATORS = IOperators(staticcall Linked(jobs).operators())
    PARAMETERS = IParameters(staticcall Linked(jobs).parameters())


@external
@payable
@reentrant
def __default__():
    """
    @dev Coins come in only as a seized bond, or out of a pledge.
    """
    assert (
        msg.sender == ASSURANCES.address or msg.sender == audit_pool.SORTITION.address
    ), "caller is not Assurances"


# --- fees -----------------------------------------------------------------------------------------


@external
@payable
def fund(job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms):
    """
    @notice Pay a job's audits ahead, for every shard, so that it can be taken (U2.1). By anybody, once.
    """
    digest: bytes32 = leaf_proofs.job_digest(JOBS.address, job_id, work, terms)
    rules: IParameters.Parameters = self._parameters(terms.parameters_id)
    audit_rules.check_length(work, rules, audit_pool.EXIT_SECONDS)
    fee_wei: uint256 = audit_rules.fee_wei(work)
    bond_wei: uint256 = rules.operator_bond_wei * convert(terms.bond_multiple, uint256)
    assert bond_wei * rules.lease_penalty_bps // BPS >= 2 * fee_wei, "bond is too small for audits"
    assert msg.value == fee_wei * convert(work.shard_count, uint256), "wrong amount of coins sent"
    self.funds[job_id] = fee_wei << 128 | msg.value
    log IAudits.Funded(job_id=job_id, payer=msg.sender, fee_wei=fee_wei, amount_wei=msg.value)
    extcall ASSURANCES.supply(job_id, digest)


@external
def refund(job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms):
    """
    @notice Credit the requester with what no audit has used, once none can be drawn any more (U2.3). By anybody.
    """
    digest: bytes32 = leaf_proofs.job_digest(JOBS.address, job_id, work, terms)
    assert digest == staticcall JOBS.job_digests(job_id), "work or terms of another job"
    last: uint256 = (
        staticcall JOBS.deadlines(job_id)
        + convert(terms.lease_seconds, uint256)  # of a lease that began before the job was closed
        + convert(terms.window_seconds, uint256)
        + audit_rules.DRAW_SECONDS
    )
    assert block.timestamp > last, "fees may still be needed"
    word: uint256 = self.funds[job_id]
    amount_wei: uint256 = word & MASK128
    assert amount_wei != 0, "nothing to withdraw"
    self.funds[job_id] = word - amount_wei
    native_credits.credit(terms.requester, amount_wei)
    log IAudits.Refunded(job_id=job_id, requester=terms.requester, amount_wei=amount_wei)


# --- draws ----------------------------------------------------------------------------------------


@external
def prepare(batch_id: uint256, terms: IJobs.BatchTerms, traps: bytes32):
    """
    @notice Commit to the salts that decide which statements carry an error (U3.1). By the operator or a delegate with
            CLAIM, once, before it claims.
    """
    batch: IJobs.Batch = self._batch(batch_id)
    assert batch.stage == BATCH_TAKEN, "not the stage of the batch"
    self._check_own(batch)
    self._check_terms(batch, terms)
    self._check_role(batch.operator)
    assert self.traps[batch_id] == empty(bytes32), "batch is prepared"
    assert traps != empty(bytes32), "traps: proof"
    self.traps[batch_id] = traps
    audit_book.batches[batch_id] = block.timestamp
    log IAudits.Prepared(batch_id=batch_id, traps=traps)


@external
def draw(batch_id: uint256, terms: IJobs.BatchTerms):
    """
    @notice Decide which leaves of a batch are audited (U3.2). By anybody.
    """
    batch: IJobs.Batch = self._batch(batch_id)
    assert batch.stage == BATCH_CLAIMED, "claim does not stand"
    self._check_own(batch)
    self._check_terms(batch, terms)
    word: uint256 = audit_book.batches[batch_id]
    assert word != 0, "batch is not prepared"
    assert word >> 80 == 0, "batch is drawn"
    until: uint256 = convert(batch.until, uint256)
    assert block.timestamp <= until + audit_rules.DRAW_SECONDS, "draw time is over"
    since: uint256 = until - terms.window_seconds
    seed: bytes32 = audit_pool.seed(since, convert(batch_id, bytes32))
    leaves: uint256 = audit_rules.drawn(seed, convert(batch.leaf_count, uint256)) & ~batch.struck
    self.seeds[batch_id] = seed
    audit_book.pending[batch_id] = leaves
    audit_book.batches[batch_id] = 1 << 80 | until + audit_rules.DRAW_SECONDS << 40 | since
    open_until: uint256 = until + audit_rules.DRAW_SECONDS
    log IAudits.Drawn(batch_id=batch_id, seed=seed, leaves=leaves, open_until=open_until)


@external
def appoint(claim_id: uint256, terms: IJobs.BatchTerms, proof: IJobs.LeafProof):
    """
    @notice Draw the auditor of a claim, or another one; a certified claim needs none (U3.3). By anybody.
    """
    batch: IJobs.Batch = self._standing(claim_id)
    task_id: uint256 = leaf_proofs.check(JOBS.address, claim_id, batch, terms, proof)
    audit: audit_book.Audit = audit_book.read(claim_id)
    since: uint256 = audit.time
    if audit.stage == 0:
        if self.certificates[audit_book.task(task_id, proof.work)] == keccak256(abi_encode(proof.leaf)):
            audit_book.pending[claim_id >> 8] ^= 1 << (claim_id & MASK8)
            log IAudits.Excused(claim_id=claim_id, task_id=task_id)
            return
        assert (
            block.timestamp <= convert(batch.until, uint256) + audit_rules.DRAW_SECONDS
        ), "draw time is over"
        since = audit_book.batches[claim_id >> 8] & MASK40
        audit.job_id = task_id >> 32
        audit.work_seconds = audit_rules.work_seconds(proof.work, self._parameters(batch.parameters_id))
        fund: uint256 = self.funds[audit.job_id]
        assert fund & MASK128 >= fund >> 128, "fees are used up"
        self.funds[audit.job_id] = fund - (fund >> 128)
    else:
        assert audit_book.is_vacant(audit.stage), "no seat is vacant"
        assert block.timestamp <= audit.time + audit_rules.DRAW_SECONDS, "draw time is over"
    seed: bytes32 = audit_pool.seed(since, keccak256(abi_encode(claim_id, batch.terms_hash, audit.seats)))
    auditor: address = audit_pool.appoint(seed, audit.job_id, batch.operator, audit.auditor, self._penalty(audit.job_id))
    audit.seed_tag = convert(seed, uint256) >> audit_book.SEED_TAG_AT
    audit.seats += 1
    audit.time = block.timestamp + audit.work_seconds
    if audit.stage == audit_book.CONTESTED:
        audit.stage = audit_book.PANEL_COMMIT
        audit.second = auditor
    else:
        audit.stage = audit_book.COMMIT
        audit.auditor = auditor
    audit_book.keep(claim_id, audit)
    log IAudits.Appointed(
        claim_id=claim_id, task_id=task_id, auditor=auditor, stage=audit.stage, seed=seed, until=audit.time
    )


# --- moves ----------------------------------------------------------------------------------------


@external
def publish(claim_id: uint256, seed: bytes32, statement: bytes32):
    """
    @notice Say early what the statement will be: whoever copies it takes the error along (U6.1). By the claimant.
    """
    batch: IJobs.Batch = self._standing(claim_id)
    self._check_role(batch.operator)
    self._check_stage(audit_book.read(claim_id).stage == audit_book.COMMIT)
    audit_book.check_seed(claim_id, seed)
    is_new: bool = statement != empty(bytes32) and audit_book.published[claim_id] == empty(bytes32)
    assert is_new, "statement is published"
    audit_book.published[claim_id] = statement
    log IAudits.Published(claim_id=claim_id, statement=statement)


@external
def commit(claim_id: uint256, seed: bytes32, seat: uint256, commitment: bytes32):
    """
    @notice Commit to a digest of checkpoints (U4.1, U5.2). By the member of the seat or a delegate with CLAIM.
    @param seed Of the newest appointment, which says where the checkpoints are.
    @param commitment keccak256(abi.encode(member, claim id, digest, salt)).
    """
    batch: IJobs.Batch = self._standing(claim_id)
    audit: audit_book.Audit = audit_book.read(claim_id)
    is_first: bool = audit.stage == audit_book.COMMIT and seat == 1
    self._check_stage(is_first or audit.stage == audit_book.PANEL_COMMIT)
    audit_book.check_seed(claim_id, seed)
    self._check_role(audit_book.member(seat, batch, audit))
    assert block.timestamp <= audit.time, "time of the stage is over"
    place: uint256 = claim_id << 2 | seat
    assert (
        commitment != empty(bytes32) and audit_book.sayings[place] == empty(bytes32)
    ), "seat has committed"
    audit_book.sayings[place] = commitment
    if audit.stage == audit_book.COMMIT:
        audit.stage = audit_book.STATE
        audit.time = block.timestamp + audit_rules.ANSWER_SECONDS
    elif (
        audit_book.sayings[claim_id << 2] != empty(bytes32)
        and (audit.auditor == empty(address) or audit_book.sayings[claim_id << 2 | 1] != empty(bytes32))
        and audit_book.sayings[claim_id << 2 | 2] != empty(bytes32)
    ):
        audit.stage = audit_book.PANEL_REVEAL
        audit.time = block.timestamp + audit_rules.ANSWER_SECONDS
    audit_book.keep(claim_id, audit)
    log IAudits.Committed(claim_id=claim_id, seat=seat, commitment=commitment, stage=audit.stage, until=audit.time)


@external
def state(
    claim_id: uint256,
    seed: bytes32,
    digest: bytes32,
    salt: bytes32,
    salt_path: DynArray[bytes32, trees.DEPTH_LIMIT],
):
    """
    @notice State the digest of a claim's checkpoints, with the salt that says whether the statement carries an error
            (U4.2). By the claimant or a delegate with CLAIM, after the auditor has committed.
    """
    batch: IJobs.Batch = self._standing(claim_id)
    audit: audit_book.Audit = audit_book.read(claim_id)
    self._check_stage(audit.stage == audit_book.STATE)
    audit_book.check_seed(claim_id, seed)
    self._check_role(batch.operator)
    assert block.timestamp <= audit.time, "time of the stage is over"
    batch_id: uint256 = claim_id >> 8
    assert digest != empty(bytes32), "digest is zero"
    assert (
        len(salt_path) == TRAPS_DEPTH
        and trees.climb(keccak256(salt), claim_id & MASK8, salt_path) == self.traps[batch_id]
    ), "traps: proof"
    bait: bytes32 = empty(bytes32)
    if convert(keccak256(abi_encode(salt, self.seeds[batch_id])), uint256) % BPS < audit_rules.TRAP_BPS:
        bait = keccak256(abi_encode(digest, salt))
    early: bytes32 = audit_book.published[claim_id]
    if early != empty(bytes32):
        assert (
            early == (bait if bait != empty(bytes32) else digest)
        ), "statement is not that published"
    audit_book.published[claim_id] = bait
    audit_book.sayings[claim_id << 2] = digest
    audit.stage = audit_book.REVEAL
    audit.time = block.timestamp + audit_rules.ANSWER_SECONDS
    audit_book.keep(claim_id, audit)
    log IAudits.Stated(claim_id=claim_id, digest=digest, bait=bait, until=audit.time)


@external
def reveal(claim_id: uint256, seat: uint256, digest: bytes32, salt: bytes32):
    """
    @notice Show what a seat has committed to (U4.3, U5.3). By anybody who knows it.
    """
    batch: IJobs.Batch = self._standing(claim_id)
    audit: audit_book.Audit = audit_book.read(claim_id)
    is_panel: bool = audit.stage == audit_book.PANEL_REVEAL
    until: uint256 = audit.time
    if audit.stage == audit_book.PANEL_COMMIT and block.timestamp > audit.time:
        is_panel = True
        until += audit_rules.ANSWER_SECONDS
    self._check_stage(is_panel or audit.stage == audit_book.REVEAL and seat == 1)
    member: address = audit_book.member(seat, batch, audit)
    assert block.timestamp <= until, "time of the stage is over"
    place: uint256 = claim_id << 2 | seat
    assert (
        digest != empty(bytes32)
        and audit_book.sayings[place] == keccak256(abi_encode(member, claim_id, digest, salt))
    ), "commitment is to something else"
    log IAudits.Revealed(claim_id=claim_id, seat=seat, digest=digest)
    if is_panel:
        audit_book.sayings[place] = digest
        audit.said |= 1 << seat
        audit_book.keep(claim_id, audit)
    elif digest == audit_book.sayings[claim_id << 2]:
        self._confirm(claim_id, audit, member)
    else:
        if digest == audit_book.published[claim_id]:
            self._fail(claim_id, audit, member, audit_book.TRAPPED, batch.operator)
            audit.auditor = empty(address)
        self._contest(claim_id, audit, block.timestamp)


@external
def dismiss(claim_id: uint256):
    """
    @notice Punish the first auditor, whose time is over, and draw another (U4.4). By anybody.
    """
    batch: IJobs.Batch = self._standing(claim_id)
    audit: audit_book.Audit = audit_book.read(claim_id)
    self._check_stage(audit.stage == audit_book.COMMIT or audit.stage == audit_book.REVEAL)
    assert block.timestamp > audit.time, "time of the stage is not over"
    self._check_no_game(claim_id)
    self._fail(claim_id, audit, audit.auditor, audit_book.ABSENT)
    if audit.stage == audit_book.REVEAL:
        audit.auditor = empty(address)
        self._contest(claim_id, audit, audit.time)
        return
    audit_book.published[claim_id] = empty(bytes32)  # the next auditor has other checkpoints
    audit.stage = audit_book.VACANT
    if audit.seats == SEATS_LIMIT:
        self._end(claim_id, audit, audit_book.UNDECIDED, empty(address))
        return
    audit_book.keep(claim_id, audit)
    log IAudits.Vacant(claim_id=claim_id, stage=audit_book.VACANT, since=audit.time)


@external
def judge(claim_id: uint256, terms: IJobs.BatchTerms, proof: IJobs.LeafProof):
    """
    @notice End a contested audit: two who agree are right, and who stands alone pays (U5.4). By anybody.
    """
    batch: IJobs.Batch = self._standing(claim_id)
    audit: audit_book.Audit = audit_book.read(claim_id)
    all_seats: uint256 = 5 if audit.auditor == empty(address) else 7
    is_over: bool = block.timestamp > audit.time or audit.said == all_seats
    if audit.stage == audit_book.PANEL_COMMIT:
        is_over = block.timestamp > audit.time + audit_rules.ANSWER_SECONDS
    self._check_stage(audit.stage == audit_book.PANEL_REVEAL or audit.stage == audit_book.PANEL_COMMIT)
    assert is_over, "time of the stage is not over"
    self._check_no_game(claim_id)
    claimed: bytes32 = audit_book.revealed(claim_id, 0, audit)
    first: bytes32 = audit_book.revealed(claim_id, 1, audit)
    second: bytes32 = audit_book.revealed(claim_id, 2, audit)
    if claimed != empty(bytes32) and claimed == second:
        if audit.auditor != empty(address) and first != claimed:
            self._fail(claim_id, audit, audit.auditor, audit_book.fault(first))
            audit.auditor = empty(address)
        self._confirm(claim_id, audit, audit.second)
    elif claimed != empty(bytes32) and claimed == first:
        self._fail(claim_id, audit, audit.second, audit_book.fault(second))
        audit.second = empty(address)
        self._confirm(claim_id, audit, audit.auditor)
    elif first != empty(bytes32) and first == second:
        self._strike(claim_id, terms, proof, audit, [audit.auditor, audit.second])
    else:
        if audit.auditor != empty(address) and first == empty(bytes32):
            self._fail(claim_id, audit, audit.auditor, audit_book.ABSENT)
            audit.auditor = empty(address)
        if second == empty(bytes32):
            self._fail(claim_id, audit, audit.second, audit_book.ABSENT)
            audit.second = empty(address)
        if claimed == empty(bytes32):
            self._strike(claim_id, terms, proof, audit, [])
        else:
            self._end(claim_id, audit, audit_book.UNDECIDED, empty(address))


@external
def drop(claim_id: uint256, terms: IJobs.BatchTerms, proof: IJobs.LeafProof):
    """
    @notice Strike a claim whose claimant has not prepared its batch, or has not stated in time (U4.5). By anybody.
    """
    batch_id: uint256 = claim_id >> 8
    if audit_book.batches[batch_id] == 0:
        batch: IJobs.Batch = self._batch(batch_id)
        assert (
            batch.stage == BATCH_CLAIMED or batch.stage == BATCH_FINAL
        ), "claim does not stand"
        self._check_own(batch)
        self._strike(claim_id, terms, proof, empty(audit_book.Audit), [])
        return
    audit: audit_book.Audit = audit_book.read(claim_id)
    self._check_stage(audit.stage == audit_book.STATE)
    assert block.timestamp > audit.time, "time of the stage is not over"
    self._strike(claim_id, terms, proof, audit, [audit.auditor])


@external
def close(claim_id: uint256):
    """
    @notice End an audit for which nobody was drawn in time, or whose claim does not stand any more (U3.5). By anybody.
    """
    batch_id: uint256 = claim_id >> 8
    assert audit_book.pending[batch_id] >> (claim_id & MASK8) & 1 == 1, "claim is not audited"
    batch: IJobs.Batch = self._batch(batch_id)
    audit: audit_book.Audit = audit_book.read(claim_id)
    is_struck: bool = (
        batch.stage != BATCH_CLAIMED and batch.stage != BATCH_FINAL
        or batch.struck >> (claim_id & MASK8) & 1 == 1
    )
    if not is_struck:
        self._check_stage(audit.stage == 0 or audit_book.is_vacant(audit.stage))
        since: uint256 = convert(batch.until, uint256) if audit.stage == 0 else audit.time
        assert block.timestamp > since + audit_rules.DRAW_SECONDS, "time of the stage is not over"
    self._end(claim_id, audit, audit_book.STRUCK if is_struck else audit_book.LAPSED, empty(address))


@external
def certify(claim_id: uint256, terms: IJobs.BatchTerms, proof: IJobs.LeafProof):
    """
    @notice Keep a final result that an audit has confirmed, so that it is not audited again (U7.1). By anybody.
    """
    batch_id: uint256 = claim_id >> 8
    assert audit_book.confirmed[batch_id] >> (claim_id & MASK8) & 1 == 1, "claim is not confirmed"
    assert staticcall JOBS.is_leaf_final(claim_id), "leaf is not final"
    batch: IJobs.Batch = self._batch(batch_id)
    task_id: uint256 = leaf_proofs.check(JOBS.address, claim_id, batch, terms, proof)
    task: bytes32 = audit_book.task(task_id, proof.work)
    assert self.certificates[task] == empty(bytes32), "task is certified"
    leaf: bytes32 = keccak256(abi_encode(proof.leaf))
    self.certificates[task] = leaf
    log IAudits.Certified(task=task, claim_id=claim_id, leaf=leaf)


# --- views ----------------------------------------------------------------------------------------


@external
@view
def must_wait() -> bool:
    """
    @notice Jobs under this policy wait until their audits are paid.
    """
    return True


@external
@view
def open_until(batch_id: uint256, until: uint256) -> uint256:
    """
    @notice The last second in which a game may be opened on a batch: later while an audit runs (U3.4).
    """
    return audit_book.open_until(batch_id, until)


@external
@view
def verdict(batch_id: uint256, until: uint256, leaf_count: uint256) -> (bool, uint256):
    """
    @notice A batch is due when no game can be opened on it any more; leaves whose audit has not ended wait (U3.4).
    """
    word: uint256 = audit_book.batches[batch_id]
    if word == 0:
        return block.timestamp > until, ALL_LEAVES
    if word >> 80 == 0:
        return block.timestamp > until + audit_rules.DRAW_SECONDS, 0
    return block.timestamp > audit_book.open_until(batch_id, until), audit_book.pending[batch_id]


@external
@view
def fund_of(job_id: uint256) -> (uint256, uint256):
    """
    @notice The fee of one audit of a job, and what is left for others.
    """
    return self.funds[job_id] >> 128, self.funds[job_id] & MASK128


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _batch(batch_id: uint256) -> IJobs.Batch:
    return staticcall JOBS.get_batch(batch_id)


@internal
@view
def _parameters(parameters_id: uint16) -> IParameters.Parameters:
    return staticcall PARAMETERS.get(convert(parameters_id, uint256))


@internal
@pure
def _check_terms(batch: IJobs.Batch, terms: IJobs.BatchTerms):
    assert keccak256(abi_encode(terms)) == batch.terms_hash, "terms of another batch"


@internal
@view
def _check_own(batch: IJobs.Batch):
    assert (
        staticcall Linked(ASSURANCES.address).policies(convert(batch.policy, uint256)) == self
    ), "batch is under another policy"


@internal
@view
def _check_role(member: address):
    if msg.sender != member:
        assert (
            staticcall OPERATORS.roles(member, msg.sender) & CLAIM != 0
        ), "caller may not act for the operator"


@internal
@pure
def _check_stage(is_right: bool):
    assert is_right, "not the stage of the audit"


@internal
@view
def _check_no_game(claim_id: uint256):
    """
    @dev An auditor that has found another end says so in its game alone (U1.2): until that ends, it is not absent.
    """
    assert staticcall DISPUTES.held(claim_id >> 8) >> (claim_id & MASK8) & 1 == 0, "leaf is held"


@internal
@view
def _standing(claim_id: uint256) -> IJobs.Batch:
    """
    @notice The batch of a claim that stands and is audited.
    """
    assert audit_book.pending[claim_id >> 8] >> (claim_id & MASK8) & 1 == 1, "claim is not audited"
    batch: IJobs.Batch = self._batch(claim_id >> 8)
    assert (
        batch.stage == BATCH_CLAIMED or batch.stage == BATCH_FINAL
    ) and batch.struck >> (claim_id & MASK8) & 1 == 0, "claim does not stand"
    return batch


@internal
@view
def _penalty(job_id: uint256) -> uint256:
    return (self.funds[job_id] >> 128) * audit_rules.PENALTY_FACTOR


@internal
def _fail(
    claim_id: uint256,
    audit: audit_book.Audit,
    auditor: address,
    reason: uint256,
    winner: address = empty(address),
):
    """
    @notice Take the penalty of an auditor out of its pledge (U6.2). Half of it goes to whom it has copied.
    """
    seized_wei: uint256 = audit_pool.penalise(audit.job_id, auditor, self._penalty(audit.job_id))
    won_wei: uint256 = 0
    if winner != empty(address):
        won_wei = seized_wei // 2
        native_credits.credit(winner, won_wei)
    coins.burn(seized_wei - won_wei)
    log IAudits.Failed(claim_id=claim_id, auditor=auditor, reason=reason, seized_wei=seized_wei)


@internal
def _contest(claim_id: uint256, audit: audit_book.Audit, since: uint256):
    """
    @notice Another auditor is to decide, over other checkpoints; nothing that was said before counts (U5.1).
    """
    if audit.seats == SEATS_LIMIT:
        self._end(claim_id, audit, audit_book.UNDECIDED, empty(address))
        return
    contested: audit_book.Audit = audit
    contested.stage = audit_book.CONTESTED
    contested.time = since
    audit_book.sayings[claim_id << 2] = empty(bytes32)
    audit_book.sayings[claim_id << 2 | 1] = empty(bytes32)
    audit_book.published[claim_id] = empty(bytes32)
    audit_book.keep(claim_id, contested)
    log IAudits.Vacant(claim_id=claim_id, stage=audit_book.CONTESTED, since=since)


@internal
def _confirm(claim_id: uint256, audit: audit_book.Audit, paid: address):
    audit_book.confirmed[claim_id >> 8] |= 1 << (claim_id & MASK8)
    extcall ASSURANCES.note_audited(claim_id >> 8)
    self._end(claim_id, audit, audit_book.CONFIRMED, paid)


@internal
def _end(claim_id: uint256, audit: audit_book.Audit, outcome: uint256, paid: address):
    """
    @notice An audit is over: its fee goes to whom it is due, or back to the job.
    """
    fee_wei: uint256 = 0
    if audit.stage != 0:
        fee_wei = self.funds[audit.job_id] >> 128
        if paid == empty(address):
            self.funds[audit.job_id] += fee_wei
            fee_wei = 0
        else:
            native_credits.credit(paid, fee_wei)
        if audit.stage != audit_book.VACANT and audit.auditor != empty(address):
            audit_pool.free(audit.auditor, self._penalty(audit.job_id))
        if audit.second != empty(address):
            audit_pool.free(audit.second, self._penalty(audit.job_id))
    audit_book.pending[claim_id >> 8] ^= 1 << (claim_id & MASK8)
    audit_book.words[claim_id] = 0
    audit_book.seconds[claim_id] = 0
    for seat: uint256 in range(3):
        audit_book.sayings[claim_id << 2 | seat] = empty(bytes32)
    audit_book.published[claim_id] = empty(bytes32)
    log IAudits.Ended(claim_id=claim_id, outcome=outcome, auditor=paid, paid_wei=fee_wei)


@internal
def _strike(
    claim_id: uint256,
    terms: IJobs.BatchTerms,
    proof: IJobs.LeafProof,
    audit: audit_book.Audit,
    paid: DynArray[address, 2],
):
    """
    @notice The claimant has failed: its claim is struck, and what auditors are due comes out of its penalty (U4.5).
    @dev Assurances proves the leaf, and refuses one with an open game.
    """
    batch: IJobs.Batch = self._batch(claim_id >> 8)
    rules: IParameters.Parameters = self._parameters(batch.parameters_id)
    task_id: uint256 = 0
    bond_wei: uint256 = 0
    task_id, bond_wei = extcall ASSURANCES.strike(claim_id, terms, proof, True)
    penalty_wei: uint256 = bond_wei * rules.lease_penalty_bps // BPS
    native_credits.credit(batch.operator, bond_wei - penalty_wei)
    paid_wei: uint256 = 0
    for auditor: address in paid:
        fee_wei: uint256 = self.funds[audit.job_id] >> 128
        native_credits.credit(auditor, fee_wei)
        paid_wei += fee_wei
    coins.burn(penalty_wei - paid_wei)
    log IAudits.Dropped(claim_id=claim_id, task_id=task_id, penalty_wei=penalty_wei, paid_wei=paid_wei)
    if audit.stage != 0:
        self._end(claim_id, audit, audit_book.CLAIMANT_FAILED, empty(address))
