"""The life of a batch: taken, claimed, final or over (docs/protocol.md S4)."""

from collections.abc import Iterable, Mapping

from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32, JobId, TaskId, job_of_task, shard_of_task
from truestep.base.records import changed, record
from truestep.machine.state import Status
from truestep.protocol.settlement import assets, operators
from truestep.protocol.settlement.assurances import Question, Taking
from truestep.protocol.settlement.contracts.jobs import (
    Claim,
    Claimed,
    Expire,
    Expired,
    Finalize,
    Finalized,
    FinalizeLeaf,
    LeafFinalized,
    Release,
    Released,
    Strike,
    Struck,
    Take,
    Taken,
)
from truestep.protocol.settlement.ids import (
    BATCH_LIMIT,
    Item,
    LeafId,
    PackedItem,
    Role,
    batch_of_claim,
    leaf_of_claim,
    unpack_item,
)
from truestep.protocol.settlement.jobs import job_of, put_job
from truestep.protocol.settlement.parameters import BPS
from truestep.protocol.settlement.records import Batch, BatchStage, BatchTerms, Job
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import LifeCycle, Turn, with_entry
from truestep.protocol.settlement.stops import require_no_stop
from truestep.protocol.settlement.trees import LEAF_WORDS, claims_root, tasks_root

ZERO_HASH = Bytes32(bytes(32))

STAGES: Mapping[type, tuple[BatchStage, BatchStage]] = {
    Claim: (BatchStage.TAKEN, BatchStage.CLAIMED),
    Expire: (BatchStage.TAKEN, BatchStage.OVER),
    Release: (BatchStage.TAKEN, BatchStage.OVER),
    Finalize: (BatchStage.CLAIMED, BatchStage.FINAL),
    FinalizeLeaf: (BatchStage.FINAL, BatchStage.FINAL),
}
"""Which stage a call needs, and to which it leads. `strike` has its own rule."""


@record
class Share:
    """What depends on one leaf: its task, and what it earns and risks."""

    task_id: TaskId
    reward: int
    bond_wei: int


# --- taking ---------------------------------------------------------------------------------------


def take(turn: Turn, call: Take) -> None:
    """Lease tasks (S4.1)."""
    sender = turn.message.sender
    allowed = operators.has_role(turn.state, call.operator, sender, Role.TAKE)
    require(allowed, Reject.NO_ROLE)
    pairs = _occupy(turn, call.items)
    first = pairs[0][1]
    rules = turn.state.parameters[first.terms.parameters_id - 1]
    root = tasks_root((item.pack(), job.digest) for item, job in pairs)
    require(root == call.tasks_root, Reject.TASKS_OTHER)
    reward = sum(job.reward * item.count for item, job in pairs)
    require(reward >= call.min_reward, Reject.REWARD_TOO_SMALL)
    until = min(min(turn.message.now + job.terms.lease_seconds, job.deadline) for _, job in pairs)
    require(until >= call.min_until, Reject.LEASE_SHORT)
    _require_drawn(turn, call, first.terms.policy)
    bond_wei = rules.operator_bond_wei * sum(job.terms.bond_multiple * item.count for item, job in pairs)
    batch_id = BatchId(turn.state.batch_count + 1)
    batch = Batch(
        stage=BatchStage.TAKEN,
        leaf_count=sum(item.count for item, _ in pairs),
        until=until,
        operator=call.operator,
        parameters_id=first.terms.parameters_id,
        policy=first.terms.policy,
        terms=BatchTerms(
            tasks_root=root,
            claims_root=ZERO_HASH,
            reward=reward,
            bond_wei=bond_wei,
            asset=first.terms.asset,
            window_seconds=first.terms.window_seconds,
            lease_seconds=until - turn.message.now,
        ),
        items=call.items,
    )
    turn.change(batch_count=batch_id, batches=with_entry(turn.state.batches, batch_id, batch))
    turn.emit(
        Taken(
            batch_id=batch_id,
            operator=call.operator,
            until=batch.until,
            terms=batch.terms,
            items=call.items,
        )
    )
    operators.lock(turn, call.operator, batch_id, bond_wei)


def _require_drawn(turn: Turn, call: Take, policy: int) -> None:
    """Refuse an operator that the policy of the jobs has not assigned them to (S8.8)."""
    may_take = turn.state.deployment.policies[policy].may_take
    if may_take is not None:
        taking = Taking(operator=call.operator, items=call.items, now=turn.message.now)
        require(may_take(taking), Reject.NOT_DRAWN)


def _occupy(turn: Turn, packed_items: tuple[PackedItem, ...]) -> list[tuple[Item, Job]]:
    """The items with their jobs. Their shards must be free, and are busy from now on."""
    pairs: list[tuple[Item, Job]] = []
    leaf_count = 0
    for item in map(unpack_item, packed_items):
        job = job_of(turn.state, item.job_id)
        require(item.offset == leaf_count and item.count != 0, Reject.ITEM_SHAPE)
        require(job.is_ready, Reject.JOB_WAITS)
        require(turn.message.now < job.deadline, Reject.DEADLINE_OVER)
        require(not pairs or _kind(job) == _kind(pairs[0][1]), Reject.BATCH_MIXED)
        leaf_count += item.count
        require(leaf_count <= BATCH_LIMIT, Reject.BATCH_LIMIT)
        require(item.shards.stop <= job.work.shard_count, Reject.SHARD_RANGE)
        bits = bits_of(item)
        require(not job.busy & bits, Reject.TASK_NOT_OPEN)
        put_job(turn, item.job_id, changed(job, standing=job.standing | bits))
        pairs.append((item, job))
    require(bool(pairs), Reject.BATCH_EMPTY)
    return pairs


def _kind(job: Job) -> tuple[Address, int, int, int]:
    """What all jobs of a batch have in common (S1.5)."""
    return job.terms.asset, job.terms.policy, job.terms.parameters_id, job.terms.window_seconds


def bits_of(item: Item) -> int:
    """A bit for each shard of an item."""
    return (1 << item.count) - 1 << item.first_shard


def expire(turn: Turn, call: Expire) -> None:
    """End a batch whose lease was missed (S4.6)."""
    batch = stated_batch(turn, call)
    require(turn.message.now > batch.until, Reject.LEASE_RUNNING)
    _require_items(batch, call.items)
    penalty_wei = _penalty_wei(turn, batch, 0)
    turn.emit(Expired(batch_id=call.batch_id, operator=batch.operator, penalty_wei=penalty_wei))
    _give_up(turn, call.batch_id, batch, penalty_wei)


def release(turn: Turn, call: Release) -> None:
    """Give a lease back (S4.6)."""
    batch = stated_batch(turn, call)
    allowed = operators.has_role(turn.state, batch.operator, turn.message.sender, Role.TAKE)
    require(allowed, Reject.NO_ROLE)
    require(turn.message.now <= batch.until, Reject.LEASE_OVER)
    _require_items(batch, call.items)
    penalty_wei = _penalty_wei(turn, batch, batch.until - turn.message.now)
    turn.emit(Released(batch_id=call.batch_id, operator=batch.operator, penalty_wei=penalty_wei))
    _give_up(turn, call.batch_id, batch, penalty_wei)


def _penalty_wei(turn: Turn, batch: Batch, left_seconds: int) -> int:
    """What is burned: over the lease it rises evenly from one part of the bond to the other."""
    rules = turn.state.parameters[batch.parameters_id - 1]
    lease_seconds = batch.terms.lease_seconds
    parts = rules.release_penalty_bps * left_seconds + rules.lease_penalty_bps * (
        lease_seconds - left_seconds
    )
    return batch.terms.bond_wei * parts // (BPS * lease_seconds)


def _give_up(turn: Turn, batch_id: BatchId, batch: Batch, penalty_wei: int) -> None:
    _put(turn, batch_id, changed(batch, stage=BatchStage.OVER))
    for item in map(unpack_item, batch.items):
        _free(turn, item.job_id, bits_of(item))
    operators.burn(turn, batch.operator, batch_id, penalty_wei)
    operators.unlock(turn, batch.operator, batch_id, batch.terms.bond_wei - penalty_wei)


def _free(turn: Turn, job_id: JobId, bits: int) -> None:
    job = turn.state.jobs[job_id]
    put_job(turn, job_id, changed(job, standing=job.standing & ~bits))


# --- claiming and finalizing ----------------------------------------------------------------------


def claim(turn: Turn, call: Claim) -> None:
    """State the final states of all tasks; the window begins (S4.3)."""
    batch = stated_batch(turn, call)
    allowed = operators.has_role(turn.state, batch.operator, turn.message.sender, Role.CLAIM)
    require(allowed, Reject.NO_ROLE)
    require(turn.message.now <= batch.until, Reject.LEASE_OVER)
    require(len(call.leaves) == LEAF_WORDS * batch.leaf_count, Reject.LEAF_COUNT)
    statuses = (int.from_bytes(head[:8], "big") for head in call.leaves[::LEAF_WORDS])
    require(all(status <= Status.TRAPPED for status in statuses), Reject.CLAIM_STATUS)
    root = claims_root(call.leaves)
    until = turn.message.now + batch.terms.window_seconds
    terms = changed(batch.terms, claims_root=root)
    _put(turn, call.batch_id, changed(batch, stage=BatchStage.CLAIMED, until=until, terms=terms))
    turn.emit(
        Claimed(
            batch_id=call.batch_id,
            operator=batch.operator,
            until=until,
            claims_root=root,
            leaves=call.leaves,
        )
    )


def finalize(turn: Turn, call: Finalize) -> None:
    """End a batch that is due; pays all leaves but those that were struck or are held (S4.4)."""
    batch = stated_batch(turn, call)
    held = _held(turn, call.batch_id, batch) & ~batch.struck
    paid = shares(turn.state, batch, ~(held | batch.struck))
    if held:
        _require_items(batch, call.items)
    _put(turn, call.batch_id, changed(batch, stage=BatchStage.FINAL, held=held))
    reward = sum(share.reward for share in paid)
    turn.emit(Finalized(batch_id=call.batch_id, operator=batch.operator, reward=reward, held=held))
    _pay(turn, call.batch_id, batch, paid)


def finalize_leaf(turn: Turn, call: FinalizeLeaf) -> None:
    """Finalize a leaf that its batch left behind, once the policy no longer holds it (S4.5)."""
    batch_id = batch_of_claim(call.claim_id)
    leaf_bit = 1 << leaf_of_claim(call.claim_id)
    batch = stated_batch(turn, call)
    require(bool(batch.held & leaf_bit), Reject.LEAF_NOT_WAITING)
    require(not _held(turn, batch_id, batch) & leaf_bit, Reject.LEAF_HELD)
    _require_items(batch, call.items)
    paid = shares(turn.state, batch, leaf_bit)
    _put(turn, batch_id, changed(batch, held=batch.held ^ leaf_bit))
    turn.emit(LeafFinalized(claim_id=call.claim_id, operator=batch.operator, reward=paid[0].reward))
    _pay(turn, batch_id, batch, paid)


def _held(turn: Turn, batch_id: BatchId, batch: Batch) -> int:
    """The leaves that the policy holds. Refuses a batch that it does not let end (S8.1)."""
    # Whatever the policy says, no leaf is final under a game: the game's bonds would be stranded.
    question = Question(
        batch_id=batch_id,
        until=batch.until,
        leaf_count=batch.leaf_count,
        now=turn.message.now,
        held=turn.held,
    )
    require_no_stop(turn.state, turn.message.now)
    verdict = turn.state.deployment.policies[batch.policy].verdict(question)
    require(verdict.is_due, Reject.BATCH_NOT_DUE)
    return (verdict.held | turn.held(batch_id)) & (1 << batch.leaf_count) - 1


def _pay(turn: Turn, batch_id: BatchId, batch: Batch, paid: list[Share]) -> None:
    assets.credit(turn, batch.terms.asset, batch.operator, sum(share.reward for share in paid))
    if paid:
        bond_wei = sum(share.bond_wei for share in paid)
        operators.complete(turn, batch.operator, batch_id, bond_wei)


def strike_call(turn: Turn, call: Strike) -> None:
    """`strike` as a call from outside."""
    deployment = turn.state.deployment
    may_strike = turn.message.sender in (deployment.disputes, deployment.assurances)
    require(may_strike, Reject.NOT_DISPUTES)
    strike(turn, call.claim_id, call.task_id, call.bond_wei)


def strike(turn: Turn, claim_id: LeafId, task_id: TaskId, bond_wei: int) -> Address:
    """Take a false leaf out of its batch; the operator, whose bond the caller seizes or unlocks (S4.7)."""
    require(is_leaf_standing(turn.state, claim_id), Reject.CLAIM_NOT_STANDING)
    batch_id, leaf_index = batch_of_claim(claim_id), leaf_of_claim(claim_id)
    batch, job = turn.state.batches[batch_id], job_of(turn.state, job_of_task(task_id))
    operator_bond_wei = turn.state.parameters[batch.parameters_id - 1].operator_bond_wei
    require(bond_wei == operator_bond_wei * job.terms.bond_multiple, Reject.BOND_OTHER_LEAF)
    require(shard_of_task(task_id) < job.work.shard_count, Reject.SHARD_RANGE)
    require(bool(job.standing >> shard_of_task(task_id) & 1), Reject.TASK_NOT_OPEN)
    _free(turn, job_of_task(task_id), 1 << shard_of_task(task_id))
    struck = changed(batch, struck=batch.struck | 1 << leaf_index, held=batch.held & ~(1 << leaf_index))
    if batch.leaf_count == 1:  # nothing is left of the batch
        struck = changed(struck, stage=BatchStage.OVER)
    _put(turn, batch_id, struck)
    turn.emit(Struck(claim_id=claim_id, operator=batch.operator, task_id=task_id, bond_wei=bond_wei))
    return batch.operator


# --- what others ask ------------------------------------------------------------------------------


def is_leaf_standing(state: LifeCycle, claim_id: LeafId) -> bool:
    """Whether a leaf is claimed and neither final nor struck."""
    batch, leaf_index = state.batches.get(batch_of_claim(claim_id)), leaf_of_claim(claim_id)
    if batch is None or leaf_index >= batch.leaf_count or batch.struck >> leaf_index & 1:
        return False
    is_held = bool(batch.held >> leaf_index & 1)
    return batch.stage is BatchStage.CLAIMED or (batch.stage is BatchStage.FINAL and is_held)


def is_leaf_final(state: LifeCycle, claim_id: LeafId) -> bool:
    """Whether the leaf's batch is FINAL and the leaf neither struck nor held (S4.8)."""
    batch, leaf_index = state.batches.get(batch_of_claim(claim_id)), leaf_of_claim(claim_id)
    if batch is None or batch.stage is not BatchStage.FINAL or leaf_index >= batch.leaf_count:
        return False
    return not (batch.struck | batch.held) >> leaf_index & 1


def shares(state: LifeCycle, batch: Batch, mask: int) -> list[Share]:
    """The leaves of a batch whose bits are in `mask`, in order."""
    bond_wei = state.parameters[batch.parameters_id - 1].operator_bond_wei
    found: list[Share] = []
    for item in map(unpack_item, batch.items):
        job = state.jobs[item.job_id]
        found += [
            Share(
                task_id=item.task(leaf_index),
                reward=job.reward,
                bond_wei=bond_wei * job.terms.bond_multiple,
            )
            for leaf_index in range(item.offset, item.offset + item.count)
            if mask >> leaf_index & 1
        ]
    return found


def stated_batch(turn: Turn, call: Claim | Finalize | FinalizeLeaf | Expire | Release) -> Batch:
    """The batch of a call, in the stage that the call needs and with the terms that it states."""
    is_leaf = isinstance(call, FinalizeLeaf)
    batch_id = batch_of_claim(call.claim_id) if is_leaf else call.batch_id
    needed = STAGES[type(call)][0]
    batch = turn.state.batches.get(batch_id)
    if batch is None or batch.stage is not needed:
        raise Refused(Reject.BATCH_STAGE)
    require(call.terms == batch.terms, Reject.BATCH_TERMS_OTHER)
    return batch


def _require_items(batch: Batch, items: Iterable[PackedItem]) -> None:
    """The items must be those behind tasks_root. Their jobs' digests do not change while they stand."""
    require(tuple(items) == batch.items, Reject.ITEMS_OTHER)


def _put(turn: Turn, batch_id: BatchId, batch: Batch) -> None:
    turn.change(batches=with_entry(turn.state.batches, batch_id, batch))
