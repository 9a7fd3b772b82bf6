"""Native coins and tokens: what Jobs is given, and what it owes (docs/protocol.md S9.2, S9.3)."""

from truestep.base.errors import Reject
from truestep.base.ids import Address
from truestep.protocol.settlement.contracts.jobs import Withdraw, Withdrawn
from truestep.protocol.settlement.ids import NATIVE, NOBODY
from truestep.protocol.settlement.messages import Stranger
from truestep.protocol.settlement.refusals import require
from truestep.protocol.settlement.state import Turn, with_entry


def receive(turn: Turn, asset: Address, amount: int) -> None:
    """Take an amount from the sender: as the message's coins, or a token that must arrive in full."""
    if asset == NATIVE:
        require(turn.message.value_wei == amount, Reject.WRONG_VALUE)
    else:
        require(turn.message.value_wei == 0, Reject.WRONG_VALUE)
        require(turn.message.stranger is not Stranger.REFUSES, Reject.TOKEN_REFUSED)
        is_short = turn.message.stranger is Stranger.KEEPS_A_PART and amount != 0
        require(not is_short, Reject.TOKEN_SHORT)
    turn.transfer(asset, turn.message.sender, turn.state.deployment.jobs, amount)


def credit(turn: Turn, asset: Address, account: Address, amount: int) -> None:
    """Owe an account more."""
    if amount:
        key = (asset, account)
        turn.change(credits=with_entry(turn.state.credits, key, turn.state.credits.get(key, 0) + amount))


def withdraw(turn: Turn, call: Withdraw) -> None:
    """Send all that the sender is owed."""
    account = turn.message.sender
    amount = turn.state.credits.get((call.asset, account), 0)
    require(amount != 0, Reject.NOTHING_TO_WITHDRAW)
    require(call.receiver != NOBODY, Reject.NO_ADDRESS)
    turn.change(credits=with_entry(turn.state.credits, (call.asset, account), 0))
    turn.emit(Withdrawn(asset=call.asset, account=account, receiver=call.receiver, amount=amount))
    require(turn.message.stranger is not Stranger.REFUSES, Reject.PAYMENT_REFUSED)
    turn.transfer(call.asset, turn.state.deployment.jobs, call.receiver, amount)
