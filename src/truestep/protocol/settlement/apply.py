"""One call on the life cycle: `apply(state, message, held) -> (state, effects)`, or Refused."""

from collections.abc import Callable, Mapping
from typing import Any

from truestep.base.ids import ClaimId
from truestep.protocol.settlement.assurances import Held
from truestep.protocol.settlement.calls import DepositFor, Message, SetDelegate, WithdrawTo
from truestep.protocol.settlement.effects import Effect
from truestep.protocol.settlement.ids import batch_of_claim, leaf_of_claim
from truestep.protocol.settlement.operators import deposit_for, set_delegate, withdraw_to
from truestep.protocol.settlement.records import BatchStage
from truestep.protocol.settlement.state import LifeCycle, Turn

HANDLERS: Mapping[type, Callable[[Turn, Any], None]] = {
    DepositFor: deposit_for,
    WithdrawTo: withdraw_to,
    SetDelegate: set_delegate,
}


def apply(state: LifeCycle, message: Message, held: Held) -> tuple[LifeCycle, tuple[Effect, ...]]:
    """The state after a call and its effects. Raises Refused, and then nothing has changed."""
    turn = Turn(state=state, message=message, held=held)
    HANDLERS[type(message.call)](turn, message.call)
    return turn.state, tuple(turn.effects)


def is_leaf_final(state: LifeCycle, claim_id: ClaimId) -> bool:
    """Whether the leaf's batch is FINAL and the leaf neither struck nor held (S4.8)."""
    batch = state.batches.get(batch_of_claim(claim_id))
    if batch is None or batch.stage is not BatchStage.FINAL:
        return False
    leaf_index = leaf_of_claim(claim_id)
    return leaf_index < batch.leaf_count and not (batch.struck | batch.held) >> leaf_index & 1
