"""One call on Disputes: `apply_dispute(disputes, life, message) -> (disputes, life, effects)`, or Refused."""

from collections.abc import Callable, Mapping
from typing import Any

from truestep.base.errors import Reject
from truestep.protocol.settlement import disputes, rewards
from truestep.protocol.settlement.assurances import Held
from truestep.protocol.settlement.contracts import disputes as contract
from truestep.protocol.settlement.disputes import Disputes, DisputeTurn, GameMessage
from truestep.protocol.settlement.effects import Effect
from truestep.protocol.settlement.refusals import require
from truestep.protocol.settlement.state import LifeCycle, Turn

HANDLERS: Mapping[type, Callable[[DisputeTurn, Any], None]] = {
    contract.Open: disputes.open_game,
    contract.Adopt: disputes.adopt,
    contract.Refute: rewards.refute,
    contract.Split: disputes.split,
    contract.Pick: disputes.pick,
    contract.Step: rewards.step_and_settle,
    contract.Descend: disputes.descend,
    contract.Reveal: disputes.reveal,
    contract.Settle: rewards.settle,
    contract.Show: rewards.show,
    contract.Reward: rewards.reward,
    contract.RewardWithoutResult: rewards.reward_without_result,
    contract.WithdrawTo: rewards.withdraw_to,
}
PAYABLE = (contract.Open, contract.Adopt)


def held_by(state: Disputes) -> Held:
    """What Disputes answers to Assurances: the leaves of a batch with an open game (S8.2)."""
    return lambda batch_id: state.held.get(batch_id, 0)


def apply_dispute(
    state: Disputes, life: LifeCycle, message: GameMessage
) -> tuple[Disputes, LifeCycle, tuple[Effect, ...]]:
    """The states after a call and its effects. Raises Refused, and then nothing has changed."""
    call = message.message.call
    require(message.message.value_wei == 0 or isinstance(call, PAYABLE), Reject.WRONG_VALUE)
    turn = DisputeTurn(
        state=state,
        life=Turn(state=life, message=message.message, held=held_by(state), effects=[]),
        base_fee_wei=message.base_fee_wei,
        proved=message.proved,
    )
    HANDLERS[type(call)](turn, call)
    return turn.state, turn.life.state, tuple(turn.life.effects)
