#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Jobs: escrow, and the life of batches of tasks (docs/protocol.md S3, S4)
@license Apache-2.0
"""
from interfaces import IAssurances
from interfaces import IJobs
from interfaces import IOperators
from interfaces import IParameters
from interfaces import IPrograms
from modules import assets
from modules import batch_book
from modules import job_book
from modules import job_words
from modules import leaf_proofs
from modules import trees

implements: IJobs
initializes: assets
initializes: batch_book
initializes: job_book
exports: (
    assets.credits,
    assets.withdraw,
    batch_book.get_batch,
    batch_book.is_leaf_final,
    job_book.job_digests,
    job_book.get_job,
    job_book.is_busy,
    job_book.deadlines,
)


interface Linked:
    def fits(assurances: address, disputes: address) -> bool: view


TAKE: constant(uint256) = 1
CLAIM: constant(uint256) = 2

BPS: constant(uint256) = 10_000
BATCH_LIMIT: constant(uint256) = 256
# A word has a bit for each leaf.
SHARD_LIMIT: constant(uint256) = 2**16 - 1
# The count of busy shards is packed into 16 bits.
INPUT_LIMIT_BYTES: constant(uint256) = 2**29
# The machine's input range (machine M3.3).
REWARD_LIMIT: constant(uint256) = 2**80 - 1
# 1.2 million coins for a shard; packed into 80 bits.
LEASE_LIMIT_SECONDS: constant(uint256) = 30 * 86_400
# So long can an operator that vanished hold up a task.
LIFETIME_LIMIT_SECONDS: constant(uint256) = 365 * 86_400
# So long can an order that nobody takes hold its requester's coins.
WINDOW_LIMIT_MINUTES: constant(uint256) = 45 * 1_440
# Longer, and no result is of use.
CALLBACK_LIMIT_GAS: constant(uint256) = 10_000_000
# A transaction holds 16.7 million (EIP-7825).

ONE: constant(uint256) = 1
MASK8: constant(uint256) = 2**8 - 1
MASK16: constant(uint256) = 2**16 - 1
MASK32: constant(uint256) = 2**32 - 1
MASK40: constant(uint256) = 2**40 - 1
MASK80: constant(uint256) = 2**80 - 1
LOW_HALF: constant(uint256) = 2**128 - 1

DEPLOYER: immutable(address)
operators: public(reentrant(immutable(address)))
programs: public(reentrant(immutable(address)))
parameters: public(reentrant(immutable(address)))
assurances: public(reentrant(address))
disputes: public(reentrant(address))
results: public(reentrant(address))

job_count: public(reentrant(uint256))
batch_count: public(reentrant(uint256))


@deploy
def __init__(operators_: address, programs_: address, parameters_: address):
    assert (
        operators_.is_contract and programs_.is_contract and parameters_.is_contract
    ), "no contract at this address"
    operators = operators_
    programs = programs_
    parameters = parameters_
    DEPLOYER = msg.sender


@external
def connect(assurances: address, disputes: address, results: address):
    """
    @notice Name the contracts that know this one. Once, by the deployer.
    """
    assert msg.sender == DEPLOYER, "caller is not the deployer"
    assert self.disputes == empty(address), "already connected"
    assert (
        assurances.is_contract and disputes.is_contract and results.is_contract
    ), "no contract at this address"
    assert staticcall Linked(results).fits(assurances, disputes), "contracts do not fit together"
    self.assurances = assurances
    self.disputes = disputes
    self.results = results
    log IJobs.Connected(assurances=assurances, disputes=disputes, results=results)


# --- requesters -----------------------------------------------------------------------------------


@external
@payable
def post(order: IJobs.Order) -> uint256:
    """
    @notice Order a job and pay for all its shards (S3.1).
    @return The job's number, from 1.
    """
    program: IPrograms.Program = staticcall IPrograms(programs).get(order.program_id)
    assert order.program_hash == keccak256(
        abi_encode(program.image_root, program.entry, program.max_cycles)
    ), "program is not the one named"
    deadline: uint256 = convert(order.deadline, uint256)
    lease_seconds: uint256 = convert(order.lease_seconds, uint256)
    shard_count: uint256 = convert(order.shard_count, uint256)
    assert convert(order.input_size, uint256) <= INPUT_LIMIT_BYTES, "input is too large"
    assert shard_count != 0 and shard_count <= SHARD_LIMIT, "shard count out of bounds"
    assert order.reward <= REWARD_LIMIT, "reward is too large"
    assert lease_seconds != 0 and lease_seconds <= LEASE_LIMIT_SECONDS, "lease out of bounds"
    assert (
        deadline > block.timestamp and deadline <= block.timestamp + LIFETIME_LIMIT_SECONDS
    ), "deadline out of bounds"
    assert order.bond_multiple != 0, "bond multiple out of bounds"
    assert convert(order.callback_gas, uint256) <= CALLBACK_LIMIT_GAS, "callback gas out of bounds"
    flags: uint256 = staticcall IAssurances(self.assurances).flags(convert(order.policy, uint256)) << 96
    if order.asset != empty(address):
        flags |= job_words.TOKEN
    if order.reducer_of != 0:
        self._check_reducer(order)
        flags |= job_words.UNFED
    parameters_id: uint256 = staticcall IParameters(parameters).count()
    assert convert(order.parameters_id, uint256) == parameters_id, "parameters are not the newest"
    set_word: uint256 = job_book.set_word(parameters, parameters_id)
    window_minutes: uint256 = job_words.window_minutes(
        set_word, convert(program.max_cycles, uint256), convert(order.window_seconds, uint256)
    )
    assert window_minutes <= WINDOW_LIMIT_MINUTES, "window out of bounds"
    job_id: uint256 = self.job_count + 1
    self.job_count = job_id
    work: IJobs.Work = IJobs.Work(
        image_root=program.image_root,
        entry=program.entry,
        max_cycles=program.max_cycles,
        input_root=order.input_root,
        input_size=order.input_size,
        seed=order.seed,
        shard_count=order.shard_count,
    )
    terms: IJobs.JobTerms = IJobs.JobTerms(
        requester=msg.sender,
        consumer=order.consumer,
        callback_gas=order.callback_gas,
        asset=order.asset,
        policy=order.policy,
        parameters_id=order.parameters_id,
        bond_multiple=order.bond_multiple,
        window_seconds=convert(window_minutes * 60, uint64),
        lease_seconds=order.lease_seconds,
        reducer_of=order.reducer_of,
    )
    digest: bytes32 = leaf_proofs.job_digest(self, job_id, work, terms)
    job_book.job_digests[job_id] = digest
    job_book.words[job_id] = (
        deadline << 184
        | lease_seconds << 160
        | shard_count << 144
        | parameters_id << 128
        | convert(order.policy, uint256) << 120
        | convert(order.bond_multiple, uint256) << 112
        | flags
        | window_minutes << 80
        | order.reward
    )
    if flags & job_words.TOKEN != 0:
        job_book.assets[job_id] = order.asset
    log IJobs.Posted(
        job_id=job_id,
        program_id=order.program_id,
        requester=msg.sender,
        job_digest=digest,
        reward=order.reward,
        deadline=order.deadline,
        work=work,
        terms=terms,
        input_uri=order.input_uri,
    )
    assets.collect(order.asset, order.reward * shard_count)
    return job_id


@external
@payable
def top_up(job_id: uint256, job_digest: bytes32, reward: uint256):
    """
    @notice Raise the reward of every shard while none is busy (S3.3).
    """
    job: uint256 = job_book.word_of(job_id)
    job_book.check_digest(job_id, job_digest)
    assert job >> job_words.BUSY_AT == 0, "shards are busy"
    self._check_deadline(job)
    assert reward <= REWARD_LIMIT - (job & MASK80), "reward is too large"
    job_book.words[job_id] = job + reward
    log IJobs.ToppedUp(job_id=job_id, sender=msg.sender, reward=(job & MASK80) + reward)
    assets.collect(job_book.asset_of(job_id, job), reward * (job >> 144 & MASK16))


@external
def close(job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms):
    """
    @notice Let the deadline be now (S3.4). By the requester: whoever holds a shard by taking it again and again
            can do so no longer.
    """
    job: uint256 = job_book.word_of(job_id)
    job_book.check_work(job_id, work, terms)
    assert msg.sender == terms.requester, "caller is not the requester"
    deadline: uint256 = self._check_deadline(job)
    job_book.words[job_id] = job ^ (deadline ^ block.timestamp) << 184
    log IJobs.Closed(job_id=job_id)


@external
def cancel(
    job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms, shards: DynArray[uint32, BATCH_LIMIT]
):
    """
    @notice Give the requester back the rewards of the shards that are not busy (S3.3). By the requester or
            Results before the deadline, by anybody after it.
    @dev Skips busy shards, so that nobody can spoil a call by taking one of them.
    """
    job: uint256 = job_book.word_of(job_id)
    job_book.check_work(job_id, work, terms)
    assert (
        msg.sender == terms.requester
        or msg.sender == self.results
        or block.timestamp >= job >> 184 & MASK40
    ), "deadline is not over"
    cancelled: DynArray[uint32, BATCH_LIMIT] = []
    for shard_index: uint32 in shards:
        shard: uint256 = convert(shard_index, uint256)
        job_book.check_shard(job, shard)
        if not job_book.is_shard_busy(job_id, job, shard):
            job = job_book.toggled(job_id, job, shard, 1, 0)
            cancelled.append(shard_index)
    assert len(cancelled) != 0, "nothing to reclaim"
    job_book.words[job_id] = job
    refund: uint256 = len(cancelled) * (job & MASK80)
    assets.credit(terms.asset, terms.requester, refund)
    log IJobs.Cancelled(job_id=job_id, requester=terms.requester, shards=cancelled, refund=refund)


# --- operators ------------------------------------------------------------------------------------


@external
def take(
    operator: address,
    items: DynArray[uint256, BATCH_LIMIT],
    tasks_root: bytes32,
    min_reward: uint256,
    min_until: uint256,
) -> uint256:
    """
    @notice Lease a batch of tasks; locks the operator's bond for each (S4.1).
    @param tasks_root What the items and the digests of their jobs must lead to, as the operator saw them.
    @param min_until The lease must not end before: no digest says anything of deadlines, and a call may be late.
    @return The batch's number, from 1.
    """
    self._check_role(operator, TAKE)
    key: uint256 = 0
    asset: address = empty(address)
    until: uint256 = max_value(uint256)
    reward: uint256 = 0
    multiples: uint256 = 0
    leaf_count: uint256 = 0
    for item: uint256 in items:
        job_id: uint256 = item >> 64
        job: uint256 = job_book.word_of(job_id)
        count: uint256 = item >> 16 & MASK16
        assert item & MASK16 == leaf_count and count != 0, "item: offset or count"
        job_book.check_ready(job, job_words.UNFED | job_words.WAITING)
        deadline: uint256 = self._check_deadline(job)
        if leaf_count == 0:
            key = job & job_words.BATCH_KEY
            asset = job_book.asset_of(job_id, job)
        assert (
            job & job_words.BATCH_KEY == key and job_book.asset_of(job_id, job) == asset
        ), "jobs do not go together"
        leaf_count = unsafe_add(leaf_count, count)
        assert leaf_count <= BATCH_LIMIT, "too many tasks in the batch"
        until = min(until, min(deadline, unsafe_add(block.timestamp, job >> 160 & job_words.MASK24)))
        reward = unsafe_add(reward, unsafe_mul(job & MASK80, count))
        multiples = unsafe_add(multiples, unsafe_mul(job >> 112 & MASK8, count))
        job_book.words[job_id] = job_book.toggled(job_id, job, item >> 32 & MASK32, count, 0)
    assert leaf_count != 0, "batch is empty"
    assert job_book.root_of(items) == tasks_root, "tasks are not those named"
    assert reward >= min_reward, "reward is too small"
    assert until >= min_until, "lease is too short"
    if key & job_words.ASSIGNED != 0:
        # It answers with yes or refuses: its reason is not stored here a second time.
        is_drawn: bool = staticcall IAssurances(self.assurances).check_taker(
            key >> 120 & MASK8, operator, items
        )
    parameters_id: uint256 = key >> 128
    set_word: uint256 = job_book.set_words[parameters_id]
    bond_wei: uint256 = unsafe_mul(multiples, set_word >> 160)
    terms: IJobs.BatchTerms = IJobs.BatchTerms(
        tasks_root=tasks_root,
        claims_root=empty(bytes32),
        reward=reward,
        bond_wei=bond_wei,
        asset=asset,
        window_seconds=unsafe_mul(key >> 80 & MASK16, 60),
        lease_seconds=unsafe_sub(until, block.timestamp),
    )
    batch_id: uint256 = self.batch_count + 1
    self.batch_count = batch_id
    batch_book.terms_hashes[batch_id] = keccak256(abi_encode(terms))
    batch_book.words[batch_id] = (
        batch_book.TAKEN << batch_book.STAGE_AT
        | leaf_count << 224
        | until << batch_book.UNTIL_AT
        | convert(operator, uint256) << 24
        | parameters_id << 8
        | (key >> 120 & MASK8)
    )
    log IJobs.Taken(
        batch_id=batch_id, operator=operator, until=convert(until, uint64), terms=terms, items=items
    )
    extcall IOperators(operators).lock(operator, batch_id, bond_wei)
    return batch_id


@external
def claim(
    batch_id: uint256, terms: IJobs.BatchTerms, leaves: DynArray[bytes32, 3 * BATCH_LIMIT]
):
    """
    @notice State the final states of a batch's tasks, three words each (S4.3).
    """
    batch: uint256 = batch_book.stated(batch_id, batch_book.TAKEN, terms)
    operator: address = batch_book.operator_of(batch)
    self._check_role(operator, CLAIM)
    assert block.timestamp <= batch >> batch_book.UNTIL_AT & MASK40, "lease is over"
    leaf_count: uint256 = batch >> 224 & MASK16
    assert len(leaves) == 3 * leaf_count, "claim: number of leaves"
    nodes: bytes32[trees.DEPTH_LIMIT + 1] = empty(bytes32[trees.DEPTH_LIMIT + 1])
    for index: uint256 in range(leaf_count, bound=BATCH_LIMIT):
        at: uint256 = unsafe_mul(index, 3)
        head: bytes32 = leaves[at]
        assert convert(head, uint256) >> 192 <= leaf_proofs.TRAPPED, "claim: status"
        node: bytes32 = keccak256(
            abi_encode(head, leaves[unsafe_add(at, 1)], leaves[unsafe_add(at, 2)])
        )
        level: uint256 = 0
        for _: uint256 in range(trees.DEPTH_LIMIT):
            if index >> level & 1 == 0:
                break
            node = keccak256(abi_encode(nodes[level], node))
            level = unsafe_add(level, 1)
        nodes[level] = node
    claimed: IJobs.BatchTerms = terms
    claimed.claims_root = trees.join(nodes, leaf_count)
    until: uint256 = block.timestamp + terms.window_seconds
    batch_book.terms_hashes[batch_id] = keccak256(abi_encode(claimed))
    batch_book.words[batch_id] = (
        batch
        ^ (batch_book.TAKEN ^ batch_book.CLAIMED) << batch_book.STAGE_AT
        ^ (batch >> batch_book.UNTIL_AT & MASK40 ^ until) << batch_book.UNTIL_AT
    )
    log IJobs.Claimed(
        batch_id=batch_id,
        operator=operator,
        until=convert(until, uint64),
        claims_root=claimed.claims_root,
        leaves=leaves,
    )


@external
def release(
    batch_id: uint256, terms: IJobs.BatchTerms, items: DynArray[uint256, BATCH_LIMIT]
):
    """
    @notice Give a lease back before it ends, for a part of the bond that grows with time (S4.6).
    """
    batch: uint256 = batch_book.stated(batch_id, batch_book.TAKEN, terms)
    operator: address = batch_book.operator_of(batch)
    self._check_role(operator, TAKE)
    until: uint256 = batch >> batch_book.UNTIL_AT & MASK40
    assert block.timestamp <= until, "lease is over"
    penalty_wei: uint256 = self._give_up(
        batch_id, batch, terms, items, unsafe_sub(until, block.timestamp)
    )
    log IJobs.Released(batch_id=batch_id, operator=operator, penalty_wei=penalty_wei)


@external
def expire(
    batch_id: uint256, terms: IJobs.BatchTerms, items: DynArray[uint256, BATCH_LIMIT]
):
    """
    @notice End a batch whose lease was missed; burns a part of the bond (S4.6).
    """
    batch: uint256 = batch_book.stated(batch_id, batch_book.TAKEN, terms)
    assert block.timestamp > batch >> batch_book.UNTIL_AT & MASK40, "lease is not over"
    penalty_wei: uint256 = self._give_up(batch_id, batch, terms, items, 0)
    log IJobs.Expired(batch_id=batch_id, operator=batch_book.operator_of(batch), penalty_wei=penalty_wei)


@external
def finalize(
    batch_id: uint256, terms: IJobs.BatchTerms, items: DynArray[uint256, BATCH_LIMIT]
):
    """
    @notice Pay for the leaves of a batch that nothing holds, for ever (S4.4).
    @param items The batch's, if a leaf is held; else empty.
    """
    batch: uint256 = batch_book.stated(batch_id, batch_book.CLAIMED, terms)
    held: uint256 = self._held(batch_id, batch)
    reward: uint256 = terms.reward
    bond_wei: uint256 = terms.bond_wei
    if batch & batch_book.STRUCK != 0:
        held &= ~batch_book.struck_leaves[batch_id]
        lost: uint256 = batch_book.lost_sums[batch_id]
        reward -= lost >> 128
        bond_wei -= lost & LOW_HALF
    if held != 0:
        job_book.check_items(items, terms.tasks_root)
        operator_bond_wei: uint256 = self._operator_bond(batch)
        for item: uint256 in items:
            job: uint256 = job_book.words[item >> 64]  # held leaves are busy: nobody has changed the reward
            of_item: uint256 = unsafe_sub(ONE << (item >> 16 & MASK16), 1) << (item & MASK16)
            count: uint256 = job_words.count_bits(held & of_item)
            reward -= count * (job & MASK80)
            bond_wei -= count * (job >> 112 & MASK8) * operator_bond_wei
        batch_book.waiting_leaves[batch_id] = held
        batch |= batch_book.WAITING
    batch_book.words[batch_id] = batch ^ (batch_book.CLAIMED ^ batch_book.FINAL) << batch_book.STAGE_AT
    operator: address = batch_book.operator_of(batch)
    log IJobs.Finalized(batch_id=batch_id, operator=operator, reward=reward, held=held)
    self._pay(batch_id, operator, terms.asset, reward, bond_wei)


@external
def finalize_leaf(
    claim_id: uint256, terms: IJobs.BatchTerms, items: DynArray[uint256, BATCH_LIMIT]
):
    """
    @notice Pay for a leaf that was held when its batch ended and is held no longer (S4.5).
    """
    batch_id: uint256 = claim_id >> 8
    batch: uint256 = batch_book.stated(batch_id, batch_book.FINAL, terms)
    bit: uint256 = 1 << (claim_id & MASK8)
    assert batch_book.waiting_in(batch_id, batch) & bit != 0, "leaf does not wait"
    assert self._held(batch_id, batch) & bit == 0, "leaf is held"
    job_book.check_items(items, terms.tasks_root)
    job: uint256 = 0
    for item: uint256 in items:
        if item & MASK16 <= claim_id & MASK8:  # offsets rise: the last such item holds the leaf
            job = job_book.words[item >> 64]
    reward: uint256 = job & MASK80
    bond_wei: uint256 = (job >> 112 & MASK8) * self._operator_bond(batch)
    batch_book.waiting_leaves[batch_id] ^= bit
    operator: address = batch_book.operator_of(batch)
    log IJobs.LeafFinalized(claim_id=claim_id, operator=operator, reward=reward)
    self._pay(batch_id, operator, terms.asset, reward, bond_wei)


# --- Disputes and Results -------------------------------------------------------------------------


@external
def strike(claim_id: uint256, task_id: uint256, bond_wei: uint256) -> address:
    """
    @notice Take a leaf out of its batch (S4.7). By Disputes or Assurances, which have proved what the leaf is.
    @return The operator, whose bond the caller then seizes or unlocks.
    """
    assert msg.sender == self.disputes or msg.sender == self.assurances, "caller is not Disputes"
    batch_id: uint256 = claim_id >> 8
    batch: uint256 = batch_book.words[batch_id]
    bit: uint256 = 1 << (claim_id & MASK8)
    assert batch_book.stands(batch_id, batch, bit), "claim does not stand"
    job: uint256 = job_book.word_of(task_id >> 32)
    assert bond_wei == (job >> 112 & MASK8) * self._operator_bond(batch), "bond of another leaf"
    job_book.words[task_id >> 32] = job_book.toggled(
        task_id >> 32, job, task_id & MASK32, 1, max_value(uint256)
    )
    if batch >> 224 & MASK16 == 1:  # nothing is left of the batch, and no word is spent on it
        batch &= ~(MASK8 << batch_book.STAGE_AT | batch_book.WAITING)
        batch |= batch_book.OVER << batch_book.STAGE_AT
    else:
        batch_book.struck_leaves[batch_id] |= bit
        if batch >> batch_book.STAGE_AT & MASK8 == batch_book.FINAL:
            batch_book.waiting_leaves[batch_id] ^= bit
        else:
            batch_book.lost_sums[batch_id] += (job & MASK80) << 128 | bond_wei
    batch_book.words[batch_id] = batch | batch_book.STRUCK
    operator: address = batch_book.operator_of(batch)
    log IJobs.Struck(claim_id=claim_id, operator=operator, task_id=task_id, bond_wei=bond_wei)
    return operator


@external
def resolve(job_id: uint256, digest: bytes32):
    """
    @notice Let a job wait no longer: Results for its input (S4.9), Assurances for its data (S8.3).
    """
    flag: uint256 = job_words.UNFED
    if msg.sender == self.assurances:
        flag = job_words.WAITING
    else:
        assert msg.sender == self.results, "caller is not Results"
    job: uint256 = job_book.word_of(job_id)
    assert job & flag != 0, "job has its input"
    job_book.words[job_id] = job ^ flag
    job_book.job_digests[job_id] = digest
    log IJobs.Resolved(job_id=job_id, job_digest=digest)


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _check_reducer(order: IJobs.Order):
    """
    @dev S4.9: one shard, the digest of a job in place of an input, and slots that fit the machine's input. The
         job has its own input already, so that its digest does not change.
    """
    source: uint256 = order.reducer_of >> 8
    job: uint256 = job_book.word_of(source)
    job_book.check_ready(job, job_words.UNFED)
    job_book.check_digest(source, order.input_root)
    slots: uint256 = job >> 144 & MASK16
    depth: uint256 = order.reducer_of & MASK8
    assert (
        order.shard_count == 1
        and order.input_size == 0
        and slots <= BATCH_LIMIT
        and depth <= 24
        and slots << depth <= 2**24
    ), "reducer: shape"


@internal
@view
def _check_deadline(job: uint256) -> uint256:
    deadline: uint256 = job >> 184 & MASK40
    assert block.timestamp < deadline, "deadline is over"
    return deadline


@internal
@view
def _check_role(operator: address, role: uint256):
    if msg.sender != operator:
        assert (
            staticcall IOperators(operators).roles(operator, msg.sender) & role != 0
        ), "caller may not act for the operator"


@internal
@view
def _operator_bond(batch: uint256) -> uint256:
    """
    @notice The bond of a leaf whose job asks for no multiple.
    """
    return job_book.set_words[batch >> 8 & MASK16] >> 160


@internal
@view
def _held(batch_id: uint256, batch: uint256) -> uint256:
    """
    @notice The leaves that the policy holds. Refuses a batch that it does not let end.
    """
    leaf_count: uint256 = batch >> 224 & MASK16
    is_due: bool = False
    held: uint256 = 0
    is_due, held = staticcall IAssurances(self.assurances).verdict(
        batch & MASK8, batch_id, batch >> batch_book.UNTIL_AT & MASK40, leaf_count
    )
    assert is_due, "batch is not due"
    return held & unsafe_sub(ONE << leaf_count, 1)


@internal
def _give_up(
    batch_id: uint256,
    batch: uint256,
    terms: IJobs.BatchTerms,
    items: DynArray[uint256, BATCH_LIMIT],
    left_seconds: uint256,
) -> uint256:
    """
    @notice Free a batch's shards, burn the penalty and unlock the rest of its bonds.
    @param left_seconds What is left of the lease: over it, the penalty rises evenly from one part of the bond
           to the other.
    @return The penalty.
    """
    job_book.check_items(items, terms.tasks_root)
    for item: uint256 in items:
        job_id: uint256 = item >> 64
        job_book.words[job_id] = job_book.toggled(
            job_id,
            job_book.words[job_id],
            item >> 32 & MASK32,
            item >> 16 & MASK16,
            max_value(uint256),
        )
    batch_book.words[batch_id] = batch ^ (batch_book.TAKEN ^ batch_book.OVER) << batch_book.STAGE_AT
    set_word: uint256 = job_book.set_words[batch >> 8 & MASK16]
    last_bps: uint256 = set_word >> 48 & MASK16
    rise_bps: uint256 = unsafe_sub(last_bps, set_word >> 32 & MASK16)
    penalty_wei: uint256 = (
        terms.bond_wei
        * (last_bps * terms.lease_seconds - rise_bps * left_seconds)
        // (BPS * terms.lease_seconds)
    )
    operator: address = batch_book.operator_of(batch)
    extcall IOperators(operators).burn(operator, batch_id, penalty_wei)
    extcall IOperators(operators).unlock(operator, batch_id, terms.bond_wei - penalty_wei)
    return penalty_wei


@internal
def _pay(batch_id: uint256, operator: address, asset: address, reward: uint256, bond_wei: uint256):
    assets.credit(asset, operator, reward)
    if bond_wei != 0:
        extcall IOperators(operators).complete(operator, batch_id, bond_wei)
