#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Jobs: escrow, leases, claims, results (docs/protocol.md P2, P3)
@license Apache-2.0
"""
from interfaces import IDisputes
from interfaces import IJobs
from interfaces import IOperators
from interfaces import IPrograms
from modules import claimed_states
from modules import coins
from modules import pull_payments
from modules import memory_tree
from modules import task_words

implements: IJobs
initializes: coins
initializes: pull_payments
exports: (coins.burned_wei, pull_payments.credits, pull_payments.withdraw)


struct StoredJob:
    terms: uint256
    input_root: bytes32
    seed: bytes32
    account: uint256


struct StoredTask:
    word: uint256
    claim_hash: bytes32


struct StoredResult:
    outcome: uint256
    output_root: bytes32


OPEN: constant(uint256) = 0
TAKEN: constant(uint256) = 1
CLAIMED: constant(uint256) = 2
FINAL: constant(uint256) = 3
REFUNDED: constant(uint256) = 4

BPS: constant(uint256) = 10_000

SHARD_LIMIT: constant(uint256) = 2**16 - 1
# The count of final shards is packed into 16 bits.
INPUT_LIMIT_BYTES: constant(uint256) = 2**29
# The machine's input range (machine M3.3).
REWARD_LIMIT_WEI: constant(uint256) = 2**80 - 1
# 1.2 million coins for a shard; packed into 80 bits.
LEASE_LIMIT_SECONDS: constant(uint256) = 30 * 86_400
# So long can an operator that vanished hold up a task.
LIFETIME_LIMIT_SECONDS: constant(uint256) = 365 * 86_400
# So long can an order that nobody takes hold its requester's coins.
BOND_LIMIT_WEI: constant(uint256) = 2**96
# More than all coins of any chain; keeps sums of bonds far from 2^128.
WINDOW_LIMIT_SECONDS: constant(uint256) = 60 * 86_400
# Longer, and no result is of use.
RECLAIM_LIMIT: constant(uint256) = 256
# Tasks in one `reclaim`: 8M gas if every one has a missed lease.

OPERATORS: immutable(IOperators)
PROGRAMS: immutable(IPrograms)
DEPLOYER: immutable(address)
operator_bond_wei: public(immutable(uint256))
window_seconds: public(immutable(uint256))
lease_penalty_bps: public(immutable(uint256))

disputes: public(address)
job_count: public(uint256)
stored_jobs: HashMap[uint256, StoredJob]
stored_tasks: HashMap[uint256, StoredTask]
stored_results: HashMap[uint256, StoredResult]


@deploy
def __init__(
    operators: address,
    programs: address,
    bond_wei: uint256,
    challenge_window_seconds: uint256,
    penalty_bps: uint256,
):
    """
    @param bond_wei Locked for each task that an operator takes.
    @param challenge_window_seconds Time to challenge a claim.
    @param penalty_bps Share of the bond that a missed lease burns.
    """
    assert operators.is_contract and programs.is_contract, "no contract at this address"
    assert bond_wei != 0 and bond_wei < BOND_LIMIT_WEI, "bond out of bounds"
    assert (
        challenge_window_seconds != 0 and challenge_window_seconds <= WINDOW_LIMIT_SECONDS
    ), "window out of bounds"
    assert penalty_bps <= BPS, "lease penalty out of bounds"
    OPERATORS = IOperators(operators)
    PROGRAMS = IPrograms(programs)
    DEPLOYER = msg.sender
    operator_bond_wei = bond_wei
    window_seconds = challenge_window_seconds
    lease_penalty_bps = penalty_bps


@external
def connect(disputes: address):
    """
    @notice Name the contract that may strike claims. Once, by the deployer.
    """
    assert msg.sender == DEPLOYER, "caller is not the deployer"
    assert self.disputes == empty(address), "already connected"
    assert disputes.is_contract, "no contract at this address"
    self.disputes = disputes
    log IJobs.Connected(disputes=disputes)


# --- requesters -----------------------------------------------------------------------------------


@external
@payable
def post(order: IJobs.Order) -> uint256:
    """
    @notice Order a job and pay for all its shards.
    @return The job's number, from 1.
    """
    program: IPrograms.Program = staticcall PROGRAMS.get(order.program_id)
    deadline: uint256 = convert(order.deadline, uint256)
    shard_count: uint256 = convert(order.shard_count, uint256)
    assert convert(order.input_size, uint256) <= INPUT_LIMIT_BYTES, "input is too large"
    assert shard_count != 0 and shard_count <= SHARD_LIMIT, "shard count out of bounds"
    assert order.reward_wei <= REWARD_LIMIT_WEI, "reward is too large"
    assert (
        order.lease_seconds != 0 and convert(order.lease_seconds, uint256) <= LEASE_LIMIT_SECONDS
    ), "lease out of bounds"
    assert (
        deadline > block.timestamp and deadline <= block.timestamp + LIFETIME_LIMIT_SECONDS
    ), "deadline out of bounds"
    assert msg.value == order.reward_wei * shard_count, "wrong amount of coins sent"
    job_id: uint256 = self.job_count + 1
    self.job_count = job_id
    self.stored_jobs[job_id] = StoredJob(
        terms=task_words.pack_terms(
            task_words.Terms(
                max_cycles=convert(program.max_cycles, uint256),
                program_id=order.program_id,
                input_size=convert(order.input_size, uint256),
                shard_count=shard_count,
                lease_seconds=convert(order.lease_seconds, uint256),
                deadline=deadline,
            )
        ),
        input_root=order.input_root,
        seed=order.seed,
        account=order.reward_wei << 160 | convert(msg.sender, uint256),
    )
    log IJobs.Posted(
        job_id=job_id,
        program_id=order.program_id,
        requester=msg.sender,
        input_root=order.input_root,
        input_size=order.input_size,
        input_uri=order.input_uri,
        seed=order.seed,
        shard_count=order.shard_count,
        reward_wei=order.reward_wei,
        lease_seconds=order.lease_seconds,
        deadline=order.deadline,
    )
    return job_id


@external
def reclaim(job_id: uint256, shard_indices: DynArray[uint32, RECLAIM_LIMIT]):
    """
    @notice After the deadline, give the requester back the rewards of these shards (P2.6).
    @dev Skips shards that cannot be reclaimed, so that nobody can spoil a batch by reclaiming one of it.
    """
    terms: task_words.Terms = self._terms(job_id)
    assert block.timestamp >= terms.deadline, "deadline is not over"
    account: uint256 = self.stored_jobs[job_id].account
    requester: address = convert(account & task_words.MASK160, address)
    reward_wei: uint256 = account >> 160 & task_words.MASK80
    count: uint256 = 0
    for shard_index: uint32 in shard_indices:
        task_id: uint256 = job_id << 32 | convert(shard_index, uint256)
        assert convert(shard_index, uint256) < terms.shard_count, "shard index is not below shard count"
        task: task_words.TaskWord = task_words.unpack_task(self.stored_tasks[task_id].word)
        if task.state == TAKEN and block.timestamp > task.until:
            self._expire(task_id, task.operator)
            task.state = OPEN
        if task.state == OPEN:
            task.state = REFUNDED
            task.operator = empty(address)
            task.until = 0
            self.stored_tasks[task_id].word = task_words.pack_task(task)
            count += 1
            log IJobs.Reclaimed(task_id=task_id, requester=requester, amount_wei=reward_wei)
    assert count != 0, "nothing to reclaim"
    pull_payments.credit(requester, count * reward_wei)


# --- operators ------------------------------------------------------------------------------------


@external
def take(job_id: uint256, shard_index: uint32):
    """
    @notice Lease a task; locks the caller's bond (P2.1).
    """
    terms: task_words.Terms = self._terms(job_id)
    assert convert(shard_index, uint256) < terms.shard_count, "shard index is not below shard count"
    assert block.timestamp < terms.deadline, "deadline is over"
    task_id: uint256 = job_id << 32 | convert(shard_index, uint256)
    task: task_words.TaskWord = task_words.unpack_task(self.stored_tasks[task_id].word)
    if task.state == TAKEN and block.timestamp > task.until:
        self._expire(task_id, task.operator)
        task.state = OPEN
    assert task.state == OPEN, "task is not open"
    task.state = TAKEN
    task.attempt += 1
    task.operator = msg.sender
    task.until = min(block.timestamp + terms.lease_seconds, terms.deadline)
    self.stored_tasks[task_id].word = task_words.pack_task(task)
    log IJobs.Taken(
        task_id=task_id,
        operator=msg.sender,
        attempt=convert(task.attempt, uint32),
        until=convert(task.until, uint64),
    )
    extcall OPERATORS.lock(msg.sender, operator_bond_wei)


@external
def claim(
    task_id: uint256,
    claimed: IJobs.ClaimedState,
    running_state: Bytes[claimed_states.PACKED_SIZE_BYTES],
):
    """
    @notice State the final state of a task that the caller has taken (P2.2, P3).
    @param running_state The packed state if the claim says that the program did not halt, else empty.
    """
    task: task_words.TaskWord = task_words.unpack_task(self.stored_tasks[task_id].word)
    assert task.state == TAKEN, "task is not taken"
    assert task.operator == msg.sender, "caller did not take the task"
    assert block.timestamp <= task.until, "lease is over"
    terms: task_words.Terms = self._terms(task_id >> 32)
    claimed_states.check_shape(terms.max_cycles, claimed, running_state)
    if convert(claimed.status, uint256) != claimed_states.RUNNING:
        assert claimed.inner_root == self._inner_root(task_id, terms), "claim: header or input of another"
    task.state = CLAIMED
    task.until = block.timestamp + window_seconds
    self.stored_tasks[task_id].word = task_words.pack_task(task)
    self.stored_tasks[task_id].claim_hash = keccak256(abi_encode(claimed))
    log IJobs.Claimed(
        task_id=task_id,
        operator=msg.sender,
        claim_id=task_id << 32 | task.attempt,
        until=convert(task.until, uint64),
        claimed=claimed,
    )


@external
def expire(task_id: uint256):
    """
    @notice Open a task again whose lease was missed; burns a part of the bond (P2.3).
    """
    task: task_words.TaskWord = task_words.unpack_task(self.stored_tasks[task_id].word)
    assert task.state == TAKEN, "task is not taken"
    assert block.timestamp > task.until, "lease is not over"
    operator: address = task.operator
    self._reopen(task_id, task)
    self._expire(task_id, operator)


@external
def finalize(task_id: uint256, claimed: IJobs.ClaimedState):
    """
    @notice Make an unchallenged claim the task's result for ever; pays its operator (P2.4).
    """
    task: task_words.TaskWord = task_words.unpack_task(self.stored_tasks[task_id].word)
    claim_id: uint256 = task_id << 32 | task.attempt
    assert task.state == CLAIMED, "task is not claimed"
    assert block.timestamp > task.until, "challenge window is not over"
    assert (
        keccak256(abi_encode(claimed)) == self.stored_tasks[task_id].claim_hash
    ), "claim differs from the one made"
    assert staticcall IDisputes(self.disputes).open_games(claim_id) == 0, "games on the claim are open"
    task.state = FINAL
    self.stored_tasks[task_id].word = task_words.pack_task(task)
    self.stored_results[task_id] = StoredResult(
        outcome=claimed_states.pack_outcome(claimed), output_root=claimed.output_root
    )
    account: uint256 = self.stored_jobs[task_id >> 32].account
    self.stored_jobs[task_id >> 32].account = account + (1 << 240)
    pull_payments.credit(task.operator, account >> 160 & task_words.MASK80)
    log IJobs.Finalized(
        task_id=task_id,
        operator=task.operator,
        claim_id=claim_id,
        claimed=claimed,
        is_accepted=claimed_states.is_accepted(claimed),
    )
    extcall OPERATORS.unlock(task.operator, operator_bond_wei)


# --- Disputes -------------------------------------------------------------------------------------


@external
def strike(claim_id: uint256) -> (address, uint256):
    """
    @notice Open a task again whose claim was proved false (P2.5). The caller then seizes the bond.
    @return The claim's operator and its bond, which stays locked until it is seized.
    """
    assert msg.sender == self.disputes, "caller is not Disputes"
    task_id: uint256 = claim_id >> 32
    task: task_words.TaskWord = task_words.unpack_task(self.stored_tasks[task_id].word)
    assert task.state == CLAIMED and task.attempt == claim_id & task_words.MASK32, "claim does not stand"
    operator: address = task.operator
    self.stored_tasks[task_id].claim_hash = empty(bytes32)
    self._reopen(task_id, task)
    log IJobs.Struck(task_id=task_id, operator=operator, claim_id=claim_id)
    return operator, operator_bond_wei


# --- views ----------------------------------------------------------------------------------------


@external
@view
def operators() -> address:
    """
    @notice The contract that holds the stakes.
    """
    return OPERATORS.address


@external
@view
def programs() -> address:
    """
    @notice The contract that holds the programs.
    """
    return PROGRAMS.address


@external
@view
def get_job(job_id: uint256) -> IJobs.Job:
    """
    @notice A posted job.
    """
    terms: task_words.Terms = self._terms(job_id)
    stored: StoredJob = self.stored_jobs[job_id]
    return IJobs.Job(
        program_id=terms.program_id,
        input_root=stored.input_root,
        input_size=convert(terms.input_size, uint64),
        seed=stored.seed,
        shard_count=convert(terms.shard_count, uint32),
        reward_wei=stored.account >> 160 & task_words.MASK80,
        lease_seconds=convert(terms.lease_seconds, uint64),
        deadline=convert(terms.deadline, uint64),
        max_cycles=convert(terms.max_cycles, uint64),
        requester=convert(stored.account & task_words.MASK160, address),
        final_count=convert(stored.account >> 240, uint32),
    )


@external
@view
def get_task(task_id: uint256) -> IJobs.Task:
    """
    @notice A task; an unknown one looks open and never taken.
    """
    task: task_words.TaskWord = task_words.unpack_task(self.stored_tasks[task_id].word)
    return IJobs.Task(
        state=convert(task.state, uint8),
        attempt=convert(task.attempt, uint32),
        operator=task.operator,
        until=convert(task.until, uint64),
        claim_hash=self.stored_tasks[task_id].claim_hash,
    )


@external
@view
def result(task_id: uint256) -> IJobs.Result:
    """
    @notice The final result of a task; all zero while there is none.
    """
    stored: StoredResult = self.stored_results[task_id]
    return claimed_states.unpack_outcome(stored.outcome, stored.output_root)


@external
@view
def is_complete(job_id: uint256) -> bool:
    """
    @notice Whether every shard of the job is final.
    """
    return self.stored_jobs[job_id].account >> 240 == self._terms(job_id).shard_count


@external
@view
def check_output(task_id: uint256, output: Bytes[memory_tree.CHECK_LIMIT_BYTES]) -> bool:
    """
    @notice Whether `output` is the output of the task's accepted final result.
    @dev For outputs of up to 8 KiB that are followed by zeros, as every guest of the SDK leaves them.
    """
    stored: StoredResult = self.stored_results[task_id]
    final: IJobs.Result = claimed_states.unpack_outcome(stored.outcome, stored.output_root)
    return (
        final.is_accepted
        and convert(final.output_size, uint256) == len(output)
        and final.output_root == memory_tree.root_of_bytes(output)
    )


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _terms(job_id: uint256) -> task_words.Terms:
    word: uint256 = self.stored_jobs[job_id].terms
    assert word != 0, "unknown job"
    return task_words.unpack_terms(word)


@internal
@view
def _inner_root(task_id: uint256, terms: task_words.Terms) -> bytes32:
    """
    @dev What an honest run of this very task ends with. A true claim for another job, sent before the chain
         was reorganised, is refused here instead of being struck as a false one for this job.
    """
    return memory_tree.inner_root(
        self.stored_jobs[task_id >> 32].seed,
        self.stored_jobs[task_id >> 32].input_root,
        terms.input_size,
        task_id & task_words.MASK32,
        terms.shard_count,
    )


@internal
def _reopen(task_id: uint256, task: task_words.TaskWord):
    open_task: task_words.TaskWord = empty(task_words.TaskWord)
    open_task.attempt = task.attempt
    self.stored_tasks[task_id].word = task_words.pack_task(open_task)


@internal
def _expire(task_id: uint256, operator: address):
    """
    @dev The caller has moved the task out of TAKEN, or does so before it returns.
    """
    penalty_wei: uint256 = operator_bond_wei * lease_penalty_bps // BPS
    log IJobs.Expired(task_id=task_id, operator=operator, penalty_wei=penalty_wei)
    extcall OPERATORS.burn(operator, penalty_wei)
    extcall OPERATORS.unlock(operator, operator_bond_wei - penalty_wei)
