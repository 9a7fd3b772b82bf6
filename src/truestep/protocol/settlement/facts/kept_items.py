"""Which items hold the data of a job, also of one that has left the facts (docs/availability.md A5)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import cast

from truestep.base.ids import BatchId, JobId
from truestep.protocol.availability.contracts import items, kept
from truestep.protocol.availability.contracts.items import Registered
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.settlement.facts.records import Logged


@dataclass(frozen=True, slots=True, kw_only=True)
class JobItems:
    """The items that a job and some of its batches have named."""

    program: Registered
    input: Registered
    outputs: tuple[tuple[BatchId, Registered | None], ...]
    """Of each batch the last item that was delivered; None if no leaf of it has an output."""


def items_of_job(logs: Iterable[Logged], job_id: JobId, batch_ids: Collection[BatchId]) -> JobItems | None:
    """The items, from the events of Items and Kept, in order, among others.

    None if the job was never supplied, or if an event is missing.
    """
    registered, supplied = dict[ItemId, Registered](), None
    delivered = dict[BatchId, ItemId]()
    for logged in logs:
        event = cast(object, logged.event)
        match event:
            case items.Registered():
                registered[event.item_id] = event
            case kept.Supplied() if event.job_id == job_id:
                supplied = event
            case kept.Delivered() if event.batch_id in batch_ids:
                delivered[event.batch_id] = event.item_id
            case _:
                pass
    if supplied is None:
        return None
    named = [supplied.program_item, supplied.input_item, *filter(None, delivered.values())]
    if not all(each in registered for each in named) or not all(each in delivered for each in batch_ids):
        return None
    return JobItems(
        program=registered[supplied.program_item],
        input=registered[supplied.input_item],
        outputs=tuple((batch_id, registered.get(delivered[batch_id])) for batch_id in batch_ids),
    )
