"""Which programs have shown that they run here."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.floats import FLOAT_ELF
from tests.e2e.network import ELF
from tests.node.tasks.test_queue import Shop
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.program import Program, Task
from truestep.ports.engine import Machine
from truestep.roles.actions import Run


class FickleEngine:
    """Runs inputs of one byte, and fails at any other."""

    name = "fickle"

    def start(self, program: Program, task: Task, **_: object) -> Machine:
        if len(task.input) != 1:
            raise MemoryError
        return ReferenceEngine().start(program, task)


def test_a_program_is_proven_by_a_run_that_ends_until_one_fails(tmp_path: Path) -> None:
    """Its tasks share batches with those of others, and one that fails gives back the whole batch."""
    shop = Shop(tmp_path, FickleEngine())
    good, bad, other = shop.terms(1, ELF, b"1"), shop.terms(1, ELF, b"12"), shop.terms(2, FLOAT_ELF, b"1")
    assert not shop.queue.is_proven(good.program)
    for terms, is_proven in ((good, True), (bad, False), (good, False)):
        shop.want((Run(task_id=terms.task_id), terms))
        shop.until(shop.idle)
        assert shop.queue.is_proven(good.program) == is_proven
    assert not shop.queue.is_proven(other.program)
    shop.close()
