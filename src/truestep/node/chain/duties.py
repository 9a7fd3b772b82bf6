"""What is left to do besides moves, asked for only when something can have become due."""

from collections.abc import Collection

from truestep.base.ids import TaskId, job_of_task
from truestep.node.chain.ledger import Changes
from truestep.ports.chain import Chain, Head
from truestep.protocol.settlement.tasks.duties import Duty

AGAIN_SECONDS = 6
"""Of chain time, between two questions: answering takes a look at all that is not over. No duty is urgent."""


class Duties:
    """The chain's list of duties, kept from head to head."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._known: tuple[Duty, ...] = ()
        self._asked_of: Head | None = None
        self._again_at = 0

    def take_in(self, changes: Changes, disputed: Collection[TaskId] = ()) -> None:
        """What happened may have done one of them, or have struck a claim that this node disputes.

        Whoever strikes has to show within some time (S7.5). On a quiet chain the next block may come late.
        """
        if not changes.tasks.isdisjoint(disputed):
            self._again_at = 0
        if self._known and (changes.tasks or changes.jobs):
            changed = changes.jobs | {job_of_task(task_id) for task_id in changes.tasks}
            if any(duty.job_id in changed for duty in self._known):
                self._again_at = 0

    def at(self, head: Head, now: int) -> tuple[Duty, ...]:
        """The duties of the second `now`, or of some seconds before."""
        is_new = self._asked_of is None or self._asked_of.hash != head.hash
        if is_new and now >= self._again_at:
            self._known = self._chain.duties(now)
            self._asked_of, self._again_at = head, now + AGAIN_SECONDS
        return self._known
