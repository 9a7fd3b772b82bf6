"""Jobs: escrow of rewards, digests, cancelling and callbacks (docs/protocol.md S1.2, S1.3, S3)."""

from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32, JobId
from truestep.base.records import changed
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement import assets
from truestep.protocol.settlement.contracts.jobs import (
    Cancel,
    Cancelled,
    Close,
    Closed,
    Post,
    Posted,
    Resolved,
    ToppedUp,
    TopUp,
)
from truestep.protocol.settlement.encoding import encode, encode_struct, hash_struct
from truestep.protocol.settlement.ids import BATCH_LIMIT
from truestep.protocol.settlement.parameters import (
    DAY_SECONDS,
    WINDOW_LIMIT_SECONDS,
    Parameters,
    whole_minutes,
)
from truestep.protocol.settlement.programs import named_program
from truestep.protocol.settlement.records import Job, JobTerms, Order, Program, Work
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import Deployment, LifeCycle, Turn, with_entry

SHARD_LIMIT = 2**16 - 1
INPUT_LIMIT_BYTES = 2**29
REWARD_LIMIT = 2**80 - 1
LEASE_LIMIT_SECONDS = 30 * DAY_SECONDS
LIFETIME_LIMIT_SECONDS = 365 * DAY_SECONDS
CALLBACK_LIMIT_GAS = 10**7
CANCEL_LIMIT = 256
"""Shards in one `cancel`."""
INPUT_LEVEL = 24
"""An input has up to 2^24 leaves (machine M3.3)."""


def job_of(state: LifeCycle, job_id: JobId) -> Job:
    """A posted job; refuses an unknown one."""
    job = state.jobs.get(job_id)
    if job is None:
        raise Refused(Reject.JOB_UNKNOWN)
    return job


def put_job(turn: Turn, job_id: JobId, job: Job) -> None:
    """Keep a job."""
    turn.change(jobs=with_entry(turn.state.jobs, job_id, job))


def digest_of(deployment: Deployment, job_id: JobId, work: Work, terms: JobTerms) -> Bytes32:
    """What statements about a job name (S1.3)."""
    return job_digest(deployment.chain_id, deployment.jobs, job_id, work, terms)


def job_digest(chain_id: int, jobs: Address, job_id: JobId, work: Work, terms: JobTerms) -> Bytes32:
    """The same, by the address of Jobs."""
    return keccak256(encode(chain_id, jobs, job_id, hash_struct(work)) + encode_struct(terms))


def program_hash(program: Program | Work) -> Bytes32:
    """What an order names besides a program's number (S3.1)."""
    return named_program(program.image_root, program.entry, program.max_cycles)


def stated_job(state: LifeCycle, job_id: JobId, work: Work, terms: JobTerms) -> Job:
    """The job whose work and terms these are; refuses others."""
    job = job_of(state, job_id)
    require((work, terms) == (job.work, job.terms), Reject.JOB_OTHER)
    return job


def post(turn: Turn, call: Post) -> None:
    """Order a job and pay for all its shards (S3.1)."""
    state, order = turn.state, call.order
    require(0 < order.program_id <= len(state.programs), Reject.PROGRAM_UNKNOWN)
    program, rules = state.programs[order.program_id - 1], state.parameters[-1]
    require(order.program_hash == program_hash(program), Reject.PROGRAM_OTHER)
    _check_order(turn, order)
    if order.reducer_of:
        _check_reducer(state, order)
    require(order.parameters_id == len(state.parameters), Reject.PARAMETERS_OLD)
    window_seconds = _window(order, program, rules)
    job_id = JobId(state.job_count + 1)
    terms = _terms(turn, order, window_seconds)
    work = Work(
        image_root=program.image_root,
        entry=program.entry,
        max_cycles=program.max_cycles,
        input_root=order.input_root,
        input_size=order.input_size,
        seed=order.seed,
        shard_count=order.shard_count,
    )
    job = Job(
        work=work,
        terms=terms,
        digest=digest_of(state.deployment, job_id, work, terms),
        reward=order.reward,
        deadline=order.deadline,
        is_fed=order.reducer_of == 0,
        is_supplied=not state.deployment.policies[order.policy].must_wait,
    )
    turn.change(job_count=job_id, jobs=with_entry(turn.state.jobs, job_id, job))
    turn.emit(
        Posted(
            job_id=job_id,
            program_id=order.program_id,
            requester=terms.requester,
            job_digest=job.digest,
            reward=job.reward,
            deadline=job.deadline,
            work=work,
            terms=terms,
            input_uri=order.input_uri,
        )
    )
    assets.receive(turn, order.asset, order.reward * order.shard_count)


def _terms(turn: Turn, order: Order, window_seconds: int) -> JobTerms:
    return JobTerms(
        requester=turn.message.sender,
        consumer=order.consumer,
        callback_gas=order.callback_gas,
        asset=order.asset,
        policy=order.policy,
        parameters_id=order.parameters_id,
        bond_multiple=order.bond_multiple,
        window_seconds=window_seconds,
        lease_seconds=order.lease_seconds,
        reducer_of=order.reducer_of,
    )


def _check_order(turn: Turn, order: Order) -> None:
    now = turn.message.now
    require(order.input_size <= INPUT_LIMIT_BYTES, Reject.INPUT_TOO_LARGE)
    require(0 < order.shard_count <= SHARD_LIMIT, Reject.SHARD_COUNT)
    require(order.reward <= REWARD_LIMIT, Reject.REWARD_TOO_LARGE)
    require(0 < order.lease_seconds <= LEASE_LIMIT_SECONDS, Reject.LEASE_BOUNDS)
    require(now < order.deadline <= now + LIFETIME_LIMIT_SECONDS, Reject.DEADLINE_BOUNDS)
    require(order.bond_multiple != 0, Reject.BOND_MULTIPLE)
    require(order.callback_gas <= CALLBACK_LIMIT_GAS, Reject.CALLBACK_GAS)
    require(order.policy in turn.state.deployment.policies, Reject.POLICY_UNKNOWN)


def _window(order: Order, program: Program, rules: Parameters) -> int:
    """The window in whole minutes, rounded up, in seconds (S2.3)."""
    shortest = rules.window_for(program.max_cycles)
    require(order.window_seconds == 0 or order.window_seconds >= shortest, Reject.WINDOW_SHORT)
    window_seconds = whole_minutes(max(shortest, order.window_seconds))
    require(window_seconds <= WINDOW_LIMIT_SECONDS, Reject.PARAMETER_WINDOW)
    return window_seconds


def _check_reducer(state: LifeCycle, order: Order) -> None:
    """One shard over the outputs of another job, which it names in place of its input (S4.9)."""
    source = job_of(state, source_of(order.reducer_of))
    require(source.is_fed, Reject.JOB_WAITS)
    require(order.input_root == source.digest, Reject.JOB_OTHER)
    slot_count, level = source.work.shard_count, slot_level_of(order.reducer_of)
    fits = slot_count <= BATCH_LIMIT and level <= INPUT_LEVEL and slot_count << level <= 1 << INPUT_LEVEL
    require(order.shard_count == 1 and order.input_size == 0 and fits, Reject.REDUCER_SHAPE)


def source_of(reducer_of: int) -> JobId:
    """The job that a reducer reduces (S4.9)."""
    return JobId(reducer_of >> 8)


def slot_level_of(reducer_of: int) -> int:
    """A slot has 2^level leaves (S4.9)."""
    return reducer_of & 255


def top_up(turn: Turn, call: TopUp) -> None:
    """Raise the reward of every shard, while none is busy (S3.3)."""
    job = job_of(turn.state, call.job_id)
    require(call.job_digest == job.digest, Reject.JOB_OTHER)
    require(job.busy == 0, Reject.SHARDS_BUSY)
    require(turn.message.now < job.deadline, Reject.DEADLINE_OVER)
    reward = job.reward + call.reward
    require(reward <= REWARD_LIMIT, Reject.REWARD_TOO_LARGE)
    put_job(turn, call.job_id, changed(job, reward=reward))
    turn.emit(ToppedUp(job_id=call.job_id, sender=turn.message.sender, reward=reward))
    assets.receive(turn, job.terms.asset, call.reward * job.work.shard_count)


def close(turn: Turn, call: Close) -> None:
    """Let the deadline be now, so that nobody takes a shard any more (S3.4)."""
    job = stated_job(turn.state, call.job_id, call.work, call.terms)
    require(turn.message.sender == job.terms.requester, Reject.NOT_REQUESTER)
    require(turn.message.now < job.deadline, Reject.DEADLINE_OVER)
    put_job(turn, call.job_id, changed(job, deadline=turn.message.now))
    turn.emit(Closed(job_id=call.job_id))


def cancel(turn: Turn, call: Cancel) -> None:
    """Refund shards that are not busy (S3.3)."""
    job = stated_job(turn.state, call.job_id, call.work, call.terms)
    is_over = turn.message.now >= job.deadline
    require(is_over or turn.message.sender == job.terms.requester, Reject.DEADLINE_AHEAD)
    require(all(shard < job.work.shard_count for shard in call.shards), Reject.SHARD_RANGE)
    refund(turn, call.job_id, call.shards)


def refund(turn: Turn, job_id: JobId, shards: tuple[int, ...]) -> None:
    """Give the requester the rewards of those shards that are not busy, which they are from now on."""
    job = turn.state.jobs[job_id]
    free = tuple(dict.fromkeys(shard for shard in shards if not job.busy >> shard & 1))
    require(bool(free), Reject.NOTHING_TO_RECLAIM)
    amount = job.reward * len(free)
    refunded = job.refunded | sum(1 << shard for shard in free)
    put_job(turn, job_id, changed(job, refunded=refunded))
    assets.credit(turn, job.terms.asset, job.terms.requester, amount)
    requester = job.terms.requester
    turn.emit(Cancelled(job_id=job_id, requester=requester, shards=free, refund=amount))


def resolve(turn: Turn, job_id: JobId, work: Work) -> None:
    """Let a reducer no longer wait for its input, which is known now (S4.9)."""
    job = turn.state.jobs[job_id]
    require(not job.is_fed, Reject.JOB_READY)
    digest = digest_of(turn.state.deployment, job_id, work, job.terms)
    put_job(turn, job_id, changed(job, work=work, digest=digest, is_fed=True))
    turn.emit(Resolved(job_id=job_id, job_digest=digest))


def supply(turn: Turn, job_id: JobId) -> None:
    """Let a job no longer wait for its data (S8.3)."""
    job = turn.state.jobs[job_id]
    require(not job.is_supplied, Reject.JOB_READY)
    put_job(turn, job_id, changed(job, is_supplied=True))
    turn.emit(Resolved(job_id=job_id, job_digest=job.digest))
