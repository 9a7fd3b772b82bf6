"""How the events of Jobs and Results change the facts."""

from dataclasses import replace

from truestep.base.ids import BatchId, JobId, job_of_task, shard_of_task
from truestep.protocol.settlement.batches import ZERO_HASH, bits_of
from truestep.protocol.settlement.contracts import assurances, jobs, results
from truestep.protocol.settlement.facts import retention
from truestep.protocol.settlement.facts.draft import Draft
from truestep.protocol.settlement.facts.leaves import leaf_at
from truestep.protocol.settlement.facts.records import KnownBatch, KnownJob, Logged
from truestep.protocol.settlement.ids import batch_of_claim, claim_of, leaf_of_claim, unpack_item
from truestep.protocol.settlement.jobs import source_of
from truestep.protocol.settlement.policies import must_wait
from truestep.protocol.settlement.records import Batch, BatchStage, Job, Leaf
from truestep.protocol.settlement.results import FINAL_BIT

# --- jobs -----------------------------------------------------------------------------------------


def posted(draft: Draft, event: jobs.Posted, logged: Logged) -> None:
    """A job, and what it reduces."""
    terms = event.terms
    is_wanted = retention.is_wanted(draft.facts.keeps, terms)
    draft.job_count = event.job_id
    job = Job(
        work=event.work,
        terms=terms,
        digest=event.job_digest,
        reward=event.reward,
        deadline=event.deadline,
        is_fed=terms.reducer_of == 0,
        is_supplied=not must_wait(draft.facts.deployment, terms.policy),
    )
    known = KnownJob(
        job=job,
        program_id=event.program_id,
        input_uri=event.input_uri,
        at=logged.at,
        is_wanted=is_wanted,
    )
    draft.jobs.put(event.job_id, known)
    source = draft.jobs.get(source_of(terms.reducer_of)) if terms.reducer_of else None
    if source is not None:
        needed_by, wanted = source.needed_by + 1, source.is_wanted or is_wanted
        source_id = source_of(terms.reducer_of)
        draft.jobs.put(source_id, replace(source, needed_by=needed_by, is_wanted=wanted))


def topped_up(draft: Draft, event: jobs.ToppedUp, logged: Logged) -> None:
    """A higher reward."""
    draft.put_job(event.job_id, draft.job(event.job_id), reward=event.reward)


def closed(draft: Draft, event: jobs.Closed, logged: Logged) -> None:
    """The deadline was then. Of no use for a job that is over."""
    known = draft.jobs.get(event.job_id)
    if known is not None:
        draft.put_job(event.job_id, known, deadline=logged.time)


def cancelled(draft: Draft, event: jobs.Cancelled, logged: Logged) -> None:
    """Shards that nobody can take any more."""
    known = draft.job(event.job_id)
    draft.owe(known.job.terms.asset, event.requester, event.refund)
    refunded = known.job.refunded | sum(1 << shard for shard in event.shards)
    draft.put_job(event.job_id, known, refunded=refunded)
    if retention.needs_source(known):
        retention.release_source(draft, known)
    retention.drop_batches_in_doubt(draft, event.job_id)
    retention.drop_job_if_over(draft, event.job_id)


def resolved(draft: Draft, event: jobs.Resolved, logged: Logged) -> None:
    """A job waits for one thing less: `Fed`, with a reducer's input, or `Supplied` has come before."""
    known = draft.jobs.get(event.job_id)
    if known is not None:
        is_fed = known.job.is_fed or event.job_digest != known.job.digest
        draft.put_job(event.job_id, known, digest=event.job_digest, is_fed=is_fed)
        if is_fed and retention.needs_source(known):
            retention.release_source(draft, known)


def fed(draft: Draft, event: results.Fed, logged: Logged) -> None:
    """The input of a reducer. One that was refunded can be fed, too."""
    known = draft.jobs.get(event.job_id)
    if known is None:
        return
    work = replace(known.job.work, input_root=event.input_root, input_size=event.input_size)
    draft.put_job(event.job_id, known, work=work, digest=event.job_digest, is_fed=True)
    if retention.needs_source(known):
        retention.release_source(draft, known)


def supplied(draft: Draft, event: assurances.Supplied, logged: Logged) -> None:
    """The policy has seen a job's data."""
    known = draft.jobs.get(event.job_id)
    if known is not None:
        draft.put_job(event.job_id, known, is_supplied=True)


# --- batches --------------------------------------------------------------------------------------


def taken(draft: Draft, event: jobs.Taken, logged: Logged) -> None:
    """A batch; its shards are busy."""
    items = [unpack_item(packed) for packed in event.items]
    for item in items:
        known = draft.job(item.job_id)
        standing = known.job.standing | bits_of(item)
        draft.put_job(item.job_id, replace(known, needed_by=known.needed_by + 1), standing=standing)
    first = draft.job(items[0].job_id).job.terms
    batch = Batch(
        stage=BatchStage.TAKEN,
        leaf_count=sum(item.count for item in items),
        until=event.until,
        operator=event.operator,
        parameters_id=first.parameters_id,
        policy=first.policy,
        terms=event.terms,
        items=event.items,
    )
    draft.batch_count = event.batch_id
    draft.batches.put(event.batch_id, KnownBatch(batch=batch, at=logged.at))
    retention.drop_splits_of_no_leaf(draft, event.batch_id, batch.leaf_count)


def claimed(draft: Draft, event: jobs.Claimed, logged: Logged) -> None:
    """The leaves of a batch; its window begins."""
    known = draft.batch(event.batch_id)
    draft.put_batch(
        event.batch_id,
        replace(known, leaves=b"".join(event.leaves)),
        stage=BatchStage.CLAIMED,
        until=event.until,
        terms=replace(known.batch.terms, claims_root=event.claims_root),
    )


def given_up(draft: Draft, event: jobs.Expired | jobs.Released, logged: Logged) -> None:
    """The shards of a batch are free again."""
    known = draft.batch(event.batch_id)
    for item in retention.items_of(known.batch):
        of_job = draft.job(item.job_id)
        draft.put_job(item.job_id, of_job, standing=of_job.job.standing & ~bits_of(item))
    draft.put_batch(event.batch_id, known, stage=BatchStage.OVER)
    retention.drop_disputes_of_leaves(draft, event.batch_id, (1 << known.batch.leaf_count) - 1)
    retention.drop_batch_if_over(draft, event.batch_id)


def finalized(draft: Draft, event: jobs.Finalized, logged: Logged) -> None:
    """A batch is FINAL; the leaves that are held are not final yet."""
    known = draft.batch(event.batch_id)
    draft.put_batch(event.batch_id, known, stage=BatchStage.FINAL, held=event.held)
    draft.owe(known.batch.terms.asset, event.operator, event.reward)
    final = (1 << known.batch.leaf_count) - 1 & ~(event.held | known.batch.struck)
    _make_final(draft, event.batch_id, final)


def leaf_finalized(draft: Draft, event: jobs.LeafFinalized, logged: Logged) -> None:
    """A leaf that was held is final."""
    batch_id, leaf_bit = batch_of_claim(event.claim_id), 1 << leaf_of_claim(event.claim_id)
    known = draft.batch(batch_id)
    draft.put_batch(batch_id, known, held=known.batch.held & ~leaf_bit)
    draft.owe(known.batch.terms.asset, event.operator, event.reward)
    _make_final(draft, batch_id, leaf_bit)


def _make_final(draft: Draft, batch_id: BatchId, leaves: int) -> None:
    batch = draft.batch(batch_id).batch
    for item in retention.items_of(batch):
        known = draft.job(item.job_id)
        shards = (leaves & retention.leaves_of_item(item)) >> item.offset << item.first_shard
        draft.jobs.put(item.job_id, replace(known, final=known.final | shards))
        _keep_results(draft, batch_id, item.job_id, leaves)
    retention.drop_disputes_of_leaves(draft, batch_id, leaves)
    retention.drop_batch_if_over(draft, batch_id)
    for item in retention.items_of(batch):
        retention.drop_batches_in_doubt(draft, item.job_id)


def _keep_results(draft: Draft, batch_id: BatchId, job_id: JobId, leaves: int) -> None:
    """Remember which claims settle the tasks that have pots, or are in doubt."""
    batch = draft.batch(batch_id).batch
    of_pots = [task_id for task_id in draft.pots.entries if job_of_task(task_id) == job_id]
    for task_id in {*of_pots, *retention.tasks_in_doubt(draft, job_id)}:
        for item in retention.items_of(batch):
            leaf_index = item.offset + shard_of_task(task_id) - item.first_shard
            if item.job_id == job_id and item.has_leaf(leaf_index) and leaves >> leaf_index & 1:
                draft.results.put(task_id, claim_of(batch_id, leaf_index))


def struck(draft: Draft, event: jobs.Struck, logged: Logged) -> None:
    """A leaf is out of its batch; whose fault that was, an event of Disputes says next."""
    batch_id, leaf_index = batch_of_claim(event.claim_id), leaf_of_claim(event.claim_id)
    job_id = job_of_task(event.task_id)
    of_job = draft.job(job_id)
    standing = of_job.job.standing & ~(1 << shard_of_task(event.task_id))
    draft.put_job(job_id, of_job, standing=standing)
    dispute = draft.dispute(event.claim_id, event.task_id)
    draft.put_dispute(event.claim_id, dispute, struck_at=logged.time, pot_wei=event.bond_wei)
    known = draft.batch(batch_id)
    batch, bit = known.batch, 1 << leaf_index
    stage = BatchStage.OVER if batch.leaf_count == 1 else batch.stage
    draft.put_batch(batch_id, known, stage=stage, struck=batch.struck | bit, held=batch.held & ~bit)
    retention.drop_batch_if_over(draft, batch_id)


def struck_by_policy(draft: Draft, event: assurances.StruckByPolicy, logged: Logged) -> None:
    """No game has struck the leaf, as `Struck` has said just before: its bond is nobody's to win."""
    known = draft.disputes.entries[event.claim_id]
    draft.put_dispute(event.claim_id, known, pot_wei=0)
    retention.drop_dispute_if_over(draft, event.claim_id)


def withdrawn(draft: Draft, event: jobs.Withdrawn, logged: Logged) -> None:
    """Nothing is owed any more."""
    draft.credits.drop((event.asset, event.account))


# --- results --------------------------------------------------------------------------------------


def written_out(draft: Draft, event: results.WrittenOut, logged: Logged) -> None:
    """A result that needs no proof any more. Of no use if the batch was not kept for it."""
    job_id = job_of_task(event.task_id)
    of_job = draft.jobs.get(job_id)
    if of_job is None:
        return
    draft.put_job(job_id, of_job, final_count=of_job.job.final_count + 1)
    batch_id, leaf_index = batch_of_claim(event.claim_id), leaf_of_claim(event.claim_id)
    known = draft.batches.get(batch_id)
    left_root = ZERO_HASH
    if known is not None:
        left_root = leaf_at(known.leaves, leaf_index).left_root
        draft.batches.put(batch_id, replace(known, written=known.written | 1 << leaf_index))
    if of_job.is_wanted:
        head = event.outcome ^ FINAL_BIT
        leaf = Leaf(head=head, output_root=event.output_root, left_root=left_root)
        draft.outcomes.put(event.task_id, leaf)
    retention.drop_batch_if_over(draft, batch_id)
    retention.drop_job_if_over(draft, job_id)


def called_back(draft: Draft, event: results.CalledBack, logged: Logged) -> None:
    """A consumer knows, if its call has succeeded."""
    known = draft.jobs.get(event.job_id)
    if known is not None:
        draft.put_job(event.job_id, known, is_called_back=event.is_success)
        retention.drop_job_if_over(draft, event.job_id)
