"""A chain that is told, and that answers what a gateway asks of nodes besides events."""

from __future__ import annotations

from typing import Any

from tests.dashboard.stories import ToldChain, state, story
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import TaskId
from truestep.ports.chain import TaskResult


class TellingChain(ToldChain):
    """The small network of the stories. It has lost what proofs are made of."""

    def __init__(self) -> None:
        super().__init__(story())

    def result(self, task_id: TaskId) -> TaskResult:
        del task_id
        claimed = state()
        return TaskResult(
            is_final=True,
            is_accepted=True,
            status=claimed.status,
            code=claimed.code,
            cycle=claimed.cycle,
            output_size=claimed.output_size,
            output_root=claimed.output_root,
        )

    def evidence(self, task_id: TaskId) -> Any:
        raise Rejected(Reject.LEAF_NOT_FINAL, f"task {task_id} is not final")
