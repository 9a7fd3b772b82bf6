"""What the tasks of a random schedule result in, and the lies about them (docs/quorum.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from tests.protocol.quorum.world import QuorumWorld
from tests.protocol.settlement.outputs import OUTPUTS, random_leaf
from tests.protocol.settlement.schedule import Schedule
from truestep.base.ids import BatchId, Bytes32, TaskId
from truestep.protocol.quorum.contracts.quorums import Committee, Said
from truestep.protocol.settlement.batches import is_leaf_final
from truestep.protocol.settlement.encoding import hash_struct, word
from truestep.protocol.settlement.ids import LeafId, batch_of_claim, claim_of, leaf_of_claim, unpack_item
from truestep.protocol.settlement.records import Batch, Job, Leaf
from truestep.protocol.settlement.trees import claims_root, path_in

LIE_SHARE = 0.4


@dataclass(slots=True)
class ResultsSchedule(Schedule):
    """A schedule in which each task has a true result and one lie, whoever claims it."""

    @property
    def quorum_world(self) -> QuorumWorld:
        """The world, with what Quorums keeps."""
        if not isinstance(self.world, QuorumWorld):
            raise TypeError(f"expected a world with Quorums, got {self.world}")
        return self.world

    def leaf_for(self, batch_id: BatchId, leaf_index: int, level: int) -> Leaf:
        """What the operator claims of one task: a lie now and then, the same for whoever lies."""
        del level
        return self._result(batch_id, leaf_index, is_lie=self._lies(batch_id))

    def _lies(self, batch_id: BatchId) -> bool:
        return Random(f"lie {batch_id}").random() < LIE_SHARE

    def _result(self, batch_id: BatchId, leaf_index: int, *, is_lie: bool) -> Leaf:
        """The truth of a task, or the lie about it, whoever tells it."""
        rng = Random(f"{self._task_of(claim_of(batch_id, leaf_index))} {is_lie and leaf_index == 0}")
        return random_leaf(rng, OUTPUTS[0].level)

    def root_of(self, batch_id: BatchId, *, is_lie: bool) -> Bytes32:
        """What a member says that has computed a batch."""
        count = self.world.state.batches[batch_id].leaf_count
        leaves = [self._result(batch_id, index, is_lie=is_lie) for index in range(count)]
        words = [part for leaf in leaves for part in (word(leaf.head), leaf.output_root, leaf.left_root)]
        return claims_root(words)

    def committee_of(self, batch: Batch) -> Committee | None:
        """Who judges a batch, if it has one item and its job a committee."""
        job_id = unpack_item(batch.items[0]).job_id
        seated = self.quorum_world.quorums.committees.get(job_id)
        if seated is None or not self._is_worth(len(batch.items) == 1):
            return None
        job: Job = self.world.state.jobs[job_id]
        return Committee(item=batch.items[0], job_digest=job.digest, members=seated.members)

    def _is_lie(self, lie: LeafId, result: LeafId) -> bool:
        is_final = is_leaf_final(self.world.state, result)
        is_of_task = self._task_of(lie) == self._task_of(result)
        is_known = self._is_as_made(batch_of_claim(lie)) and self._is_as_made(batch_of_claim(result))
        return is_final and is_of_task and is_known and self._leaf_of(lie) != self._leaf_of(result)

    def _is_as_made(self, batch_id: BatchId) -> bool:
        """Whether nothing has changed the words of a claim on its way."""
        made = self.root_of(batch_id, is_lie=self._lies(batch_id))
        return made == self.world.state.batches[batch_id].terms.claims_root

    def _claims_of(self, task_id: TaskId) -> Iterator[LeafId]:
        """What was claimed of a task, in batches of one item; now and then also other claims."""
        for batch_id, batch in self.world.state.batches.items():
            if len(batch.items) == 1 and any(batch.terms.claims_root):
                for leaf_index in range(min(batch.leaf_count, 4)):
                    claim_id = claim_of(batch_id, leaf_index)
                    if self._task_of(claim_id) == task_id or self.rng.random() < 0.001:
                        yield claim_id

    def _task_of(self, claim_id: LeafId) -> TaskId:
        leaf_index = leaf_of_claim(claim_id)
        items = map(unpack_item, self.world.state.batches[batch_of_claim(claim_id)].items)
        return next(item.task(leaf_index) for item in items if item.has_leaf(leaf_index))

    def _leaf_of(self, claim_id: LeafId) -> Leaf:
        return self.leaf_for(batch_of_claim(claim_id), leaf_of_claim(claim_id), 0)

    def _said_by(self, claim_id: LeafId) -> Said:
        """What was claimed, and its proof; seldom something else."""
        batch = self.world.state.batches[batch_of_claim(claim_id)]
        batch_id, leaf_index = batch_of_claim(claim_id), leaf_of_claim(claim_id)
        leaves = [self.leaf_for(batch_id, index, 0) for index in range(batch.leaf_count)]
        leaf = leaves[leaf_index]
        if self.rng.random() < 0.03:
            leaf = replace(leaf, head=leaf.head ^ 1)
        path = path_in([hash_struct(each) for each in leaves], leaf_index)
        return Said(claim_id=claim_id, terms=batch.terms, item=batch.items[0], leaf=leaf, leaf_path=path)
