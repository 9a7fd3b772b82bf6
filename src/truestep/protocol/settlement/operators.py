"""Stakes, the bonds locked in them, and delegates (docs/protocol.md S1.8, S9.1)."""

from dataclasses import replace

from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId
from truestep.protocol.settlement.contracts.operators import (
    Burned,
    Delegated,
    Deposited,
    DepositFor,
    Locked,
    Seize,
    Seized,
    SetDelegate,
    Unlocked,
    Withdrawn,
    WithdrawTo,
)
from truestep.protocol.settlement.ids import ALL_ROLES, NATIVE, NOBODY, Role
from truestep.protocol.settlement.messages import Stranger
from truestep.protocol.settlement.records import Stake
from truestep.protocol.settlement.refusals import require
from truestep.protocol.settlement.state import LifeCycle, Turn, with_entry


def stake_of(state: LifeCycle, operator: Address) -> Stake:
    """An operator's stake; an unknown one has none."""
    return state.stakes.get(operator, Stake())


def has_role(state: LifeCycle, operator: Address, account: Address, role: Role) -> bool:
    """Whether `account` may act for the operator; the operator itself always may."""
    return account == operator or bool(state.roles.get((operator, account), 0) & role)


def deposit_for(turn: Turn, call: DepositFor) -> None:
    """Add the coins sent to a stake."""
    amount_wei = turn.message.value_wei
    require(call.operator != NOBODY, Reject.NO_ADDRESS)
    require(amount_wei != 0, Reject.WRONG_VALUE)
    turn.receive_coins(turn.state.deployment.operators)
    _add(turn, call.operator, stake_wei=amount_wei)
    turn.emit(Deposited(operator=call.operator, sender=turn.message.sender, amount_wei=amount_wei))


def withdraw_to(turn: Turn, call: WithdrawTo) -> None:
    """Send free stake of the sender."""
    operator = turn.message.sender
    require(call.amount_wei != 0, Reject.NOTHING_TO_WITHDRAW)
    require(call.receiver != NOBODY, Reject.NO_ADDRESS)
    deployment = turn.state.deployment
    modules = (deployment.jobs, deployment.disputes, deployment.assurances)
    require(call.receiver not in modules, Reject.PAYMENT_REFUSED)  # they would keep them for nobody
    require(call.amount_wei <= stake_of(turn.state, operator).free_wei, Reject.STAKE_TOO_LOW)
    _add(turn, operator, stake_wei=-call.amount_wei)
    turn.emit(Withdrawn(operator=operator, receiver=call.receiver, amount_wei=call.amount_wei))
    require(turn.message.stranger is not Stranger.REFUSES, Reject.PAYMENT_REFUSED)
    turn.transfer(NATIVE, turn.state.deployment.operators, call.receiver, call.amount_wei)


def set_delegate(turn: Turn, call: SetDelegate) -> None:
    """Give a delegate its roles."""
    operator = turn.message.sender
    require(call.delegate not in (NOBODY, operator), Reject.NOT_DELEGATE)
    require(call.roles <= ALL_ROLES, Reject.ROLE_UNKNOWN)
    turn.change(roles=with_entry(turn.state.roles, (operator, call.delegate), call.roles))
    turn.emit(Delegated(operator=operator, delegate=call.delegate, roles=call.roles))


def lock(turn: Turn, operator: Address, batch_id: BatchId, amount_wei: int) -> None:
    """Lock free stake for a batch."""
    require(amount_wei <= stake_of(turn.state, operator).free_wei, Reject.STAKE_TOO_LOW)
    _add(turn, operator, locked_wei=amount_wei)
    turn.emit(Locked(operator=operator, batch_id=batch_id, amount_wei=amount_wei))


def unlock(turn: Turn, operator: Address, batch_id: BatchId, amount_wei: int) -> None:
    """Free locked stake."""
    require(amount_wei <= stake_of(turn.state, operator).locked_wei, Reject.LOCKED_TOO_LOW)
    _add(turn, operator, locked_wei=-amount_wei)
    turn.emit(Unlocked(operator=operator, batch_id=batch_id, amount_wei=amount_wei))


def burn(turn: Turn, operator: Address, batch_id: BatchId, amount_wei: int) -> None:
    """Destroy locked stake; the coins stay where they are for ever."""
    _forfeit(turn, operator, amount_wei)
    turn.change(burned_wei=turn.state.burned_wei + amount_wei)
    turn.emit(Burned(operator=operator, batch_id=batch_id, amount_wei=amount_wei))


def seize_call(turn: Turn, call: Seize) -> None:
    """`seize` as a call from outside."""
    require(turn.message.sender == turn.state.deployment.disputes, Reject.NOT_MODULE)
    seize(turn, call.operator, call.batch_id, call.amount_wei, turn.message.sender)


def seize(turn: Turn, operator: Address, batch_id: BatchId, amount_wei: int, receiver: Address) -> None:
    """Send locked stake to a module, Disputes or Assurances (S4.7)."""
    _forfeit(turn, operator, amount_wei)
    turn.emit(Seized(operator=operator, batch_id=batch_id, receiver=receiver, amount_wei=amount_wei))
    turn.transfer(NATIVE, turn.state.deployment.operators, receiver, amount_wei)


def _forfeit(turn: Turn, operator: Address, amount_wei: int) -> None:
    require(amount_wei <= stake_of(turn.state, operator).locked_wei, Reject.LOCKED_TOO_LOW)
    _add(turn, operator, stake_wei=-amount_wei, locked_wei=-amount_wei)


def _add(turn: Turn, operator: Address, *, stake_wei: int = 0, locked_wei: int = 0) -> None:
    stake = stake_of(turn.state, operator)
    changed = replace(stake, stake_wei=stake.stake_wei + stake_wei, locked_wei=stake.locked_wei + locked_wei)
    turn.change(stakes=with_entry(turn.state.stakes, operator, changed))
