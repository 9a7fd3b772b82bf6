"""One call on the life cycle: `apply(state, message, held) -> (state, effects)`, or Refused."""

from collections.abc import Callable, Mapping
from typing import Any

from truestep.base.errors import Reject
from truestep.protocol.settlement import (
    assets,
    batches,
    jobs,
    operators,
    policies,
    programs,
    results,
    stops,
)
from truestep.protocol.settlement.assurances import Held
from truestep.protocol.settlement.contracts import assurances as assurances_contract
from truestep.protocol.settlement.contracts import jobs as jobs_contract
from truestep.protocol.settlement.contracts import operators as operators_contract
from truestep.protocol.settlement.contracts import results as results_contract
from truestep.protocol.settlement.contracts.parameters import Add
from truestep.protocol.settlement.contracts.programs import Register
from truestep.protocol.settlement.effects import Effect
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.refusals import require
from truestep.protocol.settlement.state import LifeCycle, Turn

HANDLERS: Mapping[type, Callable[[Turn, Any], None]] = {
    Add: programs.add,
    Register: programs.register,
    operators_contract.DepositFor: operators.deposit_for,
    operators_contract.WithdrawTo: operators.withdraw_to,
    operators_contract.SetDelegate: operators.set_delegate,
    operators_contract.Seize: operators.seize_call,
    operators_contract.SetPhase: operators.set_phase,
    operators_contract.Admit: operators.admit,
    operators_contract.Publish: operators.publish,
    assurances_contract.Stop: stops.stop,
    assurances_contract.Supply: policies.supply,
    assurances_contract.Strike: policies.strike,
    assurances_contract.NoteAudited: policies.note_audited,
    jobs_contract.Post: jobs.post,
    jobs_contract.TopUp: jobs.top_up,
    jobs_contract.Close: jobs.close,
    jobs_contract.Cancel: jobs.cancel,
    jobs_contract.Take: batches.take,
    jobs_contract.Claim: batches.claim,
    jobs_contract.Finalize: batches.finalize,
    jobs_contract.FinalizeLeaf: batches.finalize_leaf,
    jobs_contract.Expire: batches.expire,
    jobs_contract.Release: batches.release,
    jobs_contract.Strike: batches.strike_call,
    jobs_contract.Withdraw: assets.withdraw,
    results_contract.WriteOut: results.write_out,
    results_contract.Feed: results.feed,
    results_contract.CallBack: results.call_back,
}
PAYABLE = (operators_contract.DepositFor, jobs_contract.Post, jobs_contract.TopUp)


def apply(state: LifeCycle, message: Message, held: Held) -> tuple[LifeCycle, tuple[Effect, ...]]:
    """The state after a call and its effects. Raises Refused, and then nothing has changed."""
    require(message.value_wei == 0 or isinstance(message.call, PAYABLE), Reject.WRONG_VALUE)
    turn = Turn(state=state, message=message, held=held, effects=[])
    HANDLERS[type(message.call)](turn, message.call)
    return turn.state, tuple(turn.effects)
