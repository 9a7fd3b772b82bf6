"""Tasks as they stand by facts alone, which have only those of jobs that are not over."""

from functools import cached_property

from truestep.base.ids import BatchId, JobId, TaskId, job_of_task, shard_of_task
from truestep.protocol.records import TaskRecord, TaskStage
from truestep.protocol.settlement.facts.judging import open_until
from truestep.protocol.settlement.facts.records import Facts, KnownBatch
from truestep.protocol.settlement.facts.retention import final_leaves, items_of
from truestep.protocol.settlement.ids import NOBODY, PackedItem, job_of_item, unpack_item
from truestep.protocol.settlement.records import BatchStage

_STAGES = {
    BatchStage.TAKEN: TaskStage.TAKEN,
    BatchStage.CLAIMED: TaskStage.CLAIMED,
    BatchStage.FINAL: TaskStage.CLAIMED,
}
"""A leaf of a FINAL batch that is not final itself waits for its games (S4.5)."""


class Standing:
    """The tasks of facts. A batch that is over is not in them: then its number is 0."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def task(self, task_id: TaskId) -> TaskRecord | None:
        """A task; None if its job is over, or has no such shard."""
        known, shard = self._facts.jobs.get(job_of_task(task_id)), shard_of_task(task_id)
        if known is None or shard >= known.job.work.shard_count:
            return None
        found = self.batch_of(task_id)
        batch_id, batch = found if found is not None else (BatchId(0), None)
        operator, until = NOBODY, 0
        if known.final >> shard & 1:
            stage = TaskStage.FINAL
            if batch is None or not self._is_final(task_id, batch):  # an older one, that has lost the task
                batch_id = BatchId(0)
            else:
                operator = batch.batch.operator
        elif known.job.refunded >> shard & 1:
            stage = TaskStage.REFUNDED
        elif batch is not None and known.job.standing >> shard & 1:
            stage = _STAGES.get(batch.batch.stage, TaskStage.TAKEN)
            until = open_until(self._facts, batch_id, batch.batch.until)
            operator = batch.batch.operator
        else:
            stage = TaskStage.OPEN
        return TaskRecord(task_id=task_id, stage=stage, batch_id=batch_id, operator=operator, until=until)

    def _is_final(self, task_id: TaskId, known: KnownBatch) -> bool:
        """Whether a task is final by this batch."""
        return known.batch.stage is BatchStage.FINAL and any(
            item.task(leaf_index) == task_id and final_leaves(known.batch) >> leaf_index & 1
            for item in items_of(known.batch)
            for leaf_index in range(item.offset, item.offset + item.count)
        )

    def batch_of(self, task_id: TaskId) -> tuple[BatchId, KnownBatch] | None:
        """The newest batch in the facts that has a task."""
        shard = shard_of_task(task_id)
        found = [
            (batch_id, known)
            for batch_id, known, packed in self._items.get(job_of_task(task_id), ())
            if shard in unpack_item(packed).shards
        ]
        return max(found, key=lambda each: each[0], default=None)

    @cached_property
    def _items(self) -> dict[JobId, list[tuple[BatchId, KnownBatch, PackedItem]]]:
        items: dict[JobId, list[tuple[BatchId, KnownBatch, PackedItem]]] = {}
        for batch_id, known in self._facts.batches.items():
            for packed in known.batch.items:
                items.setdefault(job_of_item(packed), []).append((batch_id, known, packed))
        return items
