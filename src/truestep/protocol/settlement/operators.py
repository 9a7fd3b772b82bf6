"""Stakes, what is locked in them, and what is known of operators (docs/protocol.md S9.1; O1 to O5)."""

from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId
from truestep.base.records import changed
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement.contracts.operators import (
    Admit,
    Admitted,
    Burned,
    Delegated,
    Deposited,
    DepositFor,
    Locked,
    Noted,
    PhaseSet,
    Publish,
    Published,
    Seize,
    Seized,
    SetDelegate,
    SetPhase,
    Unlocked,
    Withdrawn,
    WithdrawTo,
)
from truestep.protocol.settlement.ids import ALL_ROLES, NATIVE, NOBODY, Role
from truestep.protocol.settlement.messages import Stranger
from truestep.protocol.settlement.records import Stake
from truestep.protocol.settlement.refusals import require
from truestep.protocol.settlement.standing import (
    STAKE_LIMIT_WEI,
    Fact,
    Phase,
    is_admitted,
    require_cap,
)
from truestep.protocol.settlement.state import LifeCycle, Turn, with_entry

NO_STAKE = Stake()
PLEDGE = BatchId(0)
"""Stands in place of a batch for a pledge (operators O1.2)."""


def stake_of(state: LifeCycle, operator: Address) -> Stake:
    """An operator's stake; an unknown one has none."""
    return state.stakes.get(operator, NO_STAKE)


def has_role(state: LifeCycle, operator: Address, account: Address, role: Role) -> bool:
    """Whether `account` may act for the operator; the operator itself always may."""
    return account == operator or bool(state.roles.get((operator, account), 0) & role)


def deposit_for(turn: Turn, call: DepositFor) -> None:
    """Add the coins sent to a stake."""
    amount_wei = turn.message.value_wei
    require(call.operator != NOBODY, Reject.NO_ADDRESS)
    require(amount_wei != 0, Reject.WRONG_VALUE)
    turn.receive_coins(turn.state.deployment.operators)
    stake = stake_of(turn.state, call.operator)
    require(amount_wei <= STAKE_LIMIT_WEI - stake.stake_wei, Reject.STAKE_LIMIT)
    _put(turn, call.operator, _moved(stake, stake_wei=amount_wei))
    turn.emit(Deposited(operator=call.operator, sender=turn.message.sender, amount_wei=amount_wei))


def withdraw_to(turn: Turn, call: WithdrawTo) -> None:
    """Send free stake of the sender."""
    operator = turn.message.sender
    require(call.amount_wei != 0, Reject.NOTHING_TO_WITHDRAW)
    require(call.receiver != NOBODY, Reject.NO_ADDRESS)
    deployment = turn.state.deployment
    modules = (deployment.jobs, deployment.disputes, deployment.assurances, deployment.sortition)
    require(call.receiver not in modules, Reject.PAYMENT_REFUSED)  # they would keep them for nobody
    stake = stake_of(turn.state, operator)
    require(call.amount_wei <= stake.free_wei, Reject.STAKE_TOO_LOW)
    left = _moved(stake, stake_wei=-call.amount_wei)
    require_cap(deployment.admission, left.entry, turn.message.now)
    _put(turn, operator, left)
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


def set_phase(turn: Turn, call: SetPhase) -> None:
    """Move the phase forward, by the owner (operators O4.2)."""
    require(turn.message.sender == turn.state.deployment.owner, Reject.NOT_OWNER)
    require(call.phase <= Phase.OPEN, Reject.PHASE_UNKNOWN)
    require(call.phase > turn.state.phase, Reject.PHASE_BACK)
    turn.change(phase=Phase(call.phase))
    turn.emit(PhaseSet(phase=call.phase))


def admit(turn: Turn, call: Admit) -> None:
    """Put an operator on the allow-list, or take it off, by the owner (operators O4.3)."""
    require(turn.message.sender == turn.state.deployment.owner, Reject.NOT_OWNER)
    require(call.operator != NOBODY, Reject.NO_ADDRESS)
    admitted = changed(stake_of(turn.state, call.operator), is_listed=call.is_admitted)
    _put(turn, call.operator, admitted)
    turn.emit(Admitted(operator=call.operator, is_admitted=call.is_admitted))


def publish(turn: Turn, call: Publish) -> None:
    """Publish the sender's record (operators O5)."""
    operator = turn.message.sender
    require(bool(call.record), Reject.RECORD_EMPTY)
    records = with_entry(turn.state.operator_records, operator, keccak256(call.record))
    turn.change(operator_records=records)
    turn.emit(Published(operator=operator, record=call.record))


# --- what modules do ------------------------------------------------------------------------------


def lock(turn: Turn, operator: Address, batch_id: BatchId, amount_wei: int) -> None:
    """Lock free stake for a batch; for batch 0, pledge it."""
    state, stake = turn.state, stake_of(turn.state, operator)
    admission, now = state.deployment.admission, turn.message.now
    require(is_admitted(admission, state.phase, stake.entry), Reject.NOT_ADMITTED)
    require(amount_wei <= stake.free_wei, Reject.STAKE_TOO_LOW)
    pledge_wei = amount_wei if batch_id == PLEDGE else 0
    locked = _moved(stake, locked_wei=amount_wei, pledged_wei=pledge_wei)
    require_cap(admission, locked.entry, now)
    _put(turn, operator, locked)
    turn.emit(Locked(operator=operator, batch_id=batch_id, amount_wei=amount_wei))


def unlock(turn: Turn, operator: Address, batch_id: BatchId, amount_wei: int) -> None:
    """Free locked stake; for batch 0, pledged stake. Leaves no fact."""
    _put(turn, operator, _freed(turn, operator, batch_id, amount_wei))
    turn.emit(Unlocked(operator=operator, batch_id=batch_id, amount_wei=amount_wei))


def complete(turn: Turn, operator: Address, batch_id: BatchId, amount_wei: int) -> None:
    """Free the bonds of results that became final: the operator has completed them (operators O2.2)."""
    stake = _freed(turn, operator, batch_id, amount_wei)
    _put(turn, operator, _noted(turn, stake, Fact.COMPLETED))
    turn.emit(Unlocked(operator=operator, batch_id=batch_id, amount_wei=amount_wei))


def burn(turn: Turn, operator: Address, batch_id: BatchId, amount_wei: int) -> None:
    """Destroy locked stake, for a lease that was not kept; the coins stay where they are for ever."""
    _forfeit(turn, operator, batch_id, amount_wei, Fact.LATE)
    turn.change(burned_wei=turn.state.burned_wei + amount_wei)
    turn.emit(Burned(operator=operator, batch_id=batch_id, amount_wei=amount_wei))


def seize_call(turn: Turn, call: Seize) -> None:
    """`seize` as a call from outside."""
    require(turn.message.sender == turn.state.deployment.disputes, Reject.NOT_MODULE)
    seize(turn, call.operator, call.batch_id, call.amount_wei, turn.message.sender)


def seize(turn: Turn, operator: Address, batch_id: BatchId, amount_wei: int, receiver: Address) -> None:
    """Send locked stake to a module, for a leaf that was struck (S4.7)."""
    _forfeit(turn, operator, batch_id, amount_wei, Fact.STRUCK)
    turn.emit(Seized(operator=operator, batch_id=batch_id, receiver=receiver, amount_wei=amount_wei))
    turn.transfer(NATIVE, turn.state.deployment.operators, receiver, amount_wei)


def note(turn: Turn, operator: Address, fact: Fact) -> None:
    """Note a fact that comes with no bond (operators O2.3)."""
    _put(turn, operator, _noted(turn, stake_of(turn.state, operator), fact))
    turn.emit(Noted(operator=operator, fact=fact))


def _forfeit(turn: Turn, operator: Address, batch_id: BatchId, amount_wei: int, fact: Fact) -> None:
    """Take locked stake. A pledge leaves no fact by itself."""
    stake = _moved(_freed(turn, operator, batch_id, amount_wei), stake_wei=-amount_wei)
    _put(turn, operator, stake if batch_id == PLEDGE else _noted(turn, stake, fact))


def _freed(turn: Turn, operator: Address, batch_id: BatchId, amount_wei: int) -> Stake:
    stake = stake_of(turn.state, operator)
    is_pledge = batch_id == PLEDGE
    bound_wei = stake.pledged_wei if is_pledge else stake.locked_wei - stake.pledged_wei
    require(amount_wei <= bound_wei, Reject.LOCKED_TOO_LOW)
    return _moved(stake, locked_wei=-amount_wei, pledged_wei=-amount_wei if is_pledge else 0)


def _noted(turn: Turn, stake: Stake, fact: Fact) -> Stake:
    return changed(stake, facts=stake.facts.noted(fact, turn.message.now))


def _moved(stake: Stake, *, stake_wei: int = 0, locked_wei: int = 0, pledged_wei: int = 0) -> Stake:
    return changed(
        stake,
        stake_wei=stake.stake_wei + stake_wei,
        locked_wei=stake.locked_wei + locked_wei,
        pledged_wei=stake.pledged_wei + pledged_wei,
    )


def _put(turn: Turn, operator: Address, stake: Stake) -> None:
    turn.change(stakes=with_entry(turn.state.stakes, operator, stake))
