"""Whether outputs fit into the chain where keepers are too few, as far as a worker knows (A3.7, A5.2)."""

from collections.abc import Sequence

from truestep.base.ids import Bytes32
from truestep.base.text import counted
from truestep.base.units import coins
from truestep.protocol.availability.registration import WRITTEN_LIMIT_BYTES
from truestep.protocol.deployment.availability import POLICY as KEPT
from truestep.protocol.settlement.parameters import BPS
from truestep.roles.availability.delivery import DeliveryPolicy, fits_written, written_bytes
from truestep.roles.views import KeepingView, TaskView


def output_bytes(task: TaskView) -> int | None:
    """The size of a task's output: its own, or the largest that its program and input have had here.

    None if nothing was seen: only a run shows it.
    """
    if task.own_run is None:
        return task.output_bytes
    claimed = task.own_run.claimed
    return claimed.output_size if claimed.is_accepted else 0


def why_not_written(delivery: DeliveryPolicy, keeper_count: int, tasks: Sequence[TaskView]) -> str:
    """Why the outputs of these tasks cannot be kept where keepers are too few; empty if they can or may."""
    few = f"the network has {counted(keeper_count, 'keeper')}, too few"
    if not delivery.writes_small:
        return f"{few}; --calldata writes small outputs into the chain"
    sizes = [size for task in tasks if (size := output_bytes(task))]
    if fits_written(sizes):
        return ""
    return (
        f"{few}, and the chain takes {WRITTEN_LIMIT_BYTES:,} bytes of outputs of a batch: these have"
        f" {written_bytes(sizes):,} in {counted(len(sizes), 'task')}"
    )


def _is_to_write(keeping: KeepingView | None, delivery: DeliveryPolicy | None, batch: list[TaskView]) -> bool:
    """Whether a batch's outputs can only be written into the chain."""
    if keeping is None or delivery is None or batch[0].job.policy != KEPT:
        return False
    return delivery.seats(keeping.keeper_count) is None


def is_together(keeping: KeepingView | None, delivery: DeliveryPolicy | None, batch: list[TaskView]) -> bool:
    """Whether these tasks can be in one batch: one whose output may have any size is alone."""
    if not _is_to_write(keeping, delivery, batch):
        return True
    sizes = [output_bytes(task) for task in batch]
    return len(batch) == 1 or (None not in sizes and fits_written([size for size in sizes if size]))


def is_tried(
    keeping: KeepingView | None, delivery: DeliveryPolicy | None, task: TaskView, held: Sequence[TaskView]
) -> bool:
    """Whether a task of the same program and input is under way that will show how large such outputs are."""
    if not _is_to_write(keeping, delivery, [task]) or output_bytes(task) is not None:
        return False
    return any(_content(each) == _content(task) for each in held)


def _content(task: TaskView) -> tuple[Bytes32, Bytes32]:
    return task.program.image_root, task.job.input_root


def risk(keeping: KeepingView | None, delivery: DeliveryPolicy | None, batch: list[TaskView]) -> str:
    """What may be lost by a batch, in words: its output may turn out to be too large; empty if it cannot."""
    if not _is_to_write(keeping, delivery, batch) or all(output_bytes(task) is not None for task in batch):
        return ""
    rules = batch[0].job.parameters
    least_wei, most_wei = (
        rules.operator_bond_wei * bps // BPS for bps in (rules.release_penalty_bps, rules.lease_penalty_bps)
    )
    return (
        f"; how large its output is nobody knows before it has run: if it has more than"
        f" {WRITTEN_LIMIT_BYTES:,} bytes, too few keepers are there to keep it, and the batch is given back,"
        f" which costs {coins(least_wei)} at once, up to {coins(most_wei)} at the end of its lease"
    )
