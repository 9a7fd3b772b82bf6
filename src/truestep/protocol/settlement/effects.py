"""What a call does to the world outside the state: events, and moves of assets."""

from truestep.base.ids import Address
from truestep.base.records import record
from truestep.protocol.settlement.contracts import (
    assurances,
    disputes,
    jobs,
    operators,
    parameters,
    programs,
    results,
)


@record
class Transfer:
    """An asset moves. Contracts are accounts like others."""

    asset: Address
    sender: Address
    receiver: Address
    amount: int


Effect = (
    Transfer
    | parameters.Event
    | programs.Event
    | operators.Event
    | operators.StandingEvent
    | assurances.Event
    | jobs.Event
    | results.Event
    | disputes.Event
)
