"""One call on availability: `apply(state, message, chain) -> (state, effects)`, or Refused."""

from collections.abc import Callable, Mapping
from typing import Any

from truestep.base.errors import Reject
from truestep.base.ids import Address
from truestep.protocol.availability import bindings, challenges, items, keepers, registration
from truestep.protocol.availability.contracts import bindings as bindings_contract
from truestep.protocol.availability.contracts import challenges as challenges_contract
from truestep.protocol.availability.contracts import items as items_contract
from truestep.protocol.availability.contracts import keepers as keepers_contract
from truestep.protocol.availability.state import Availability, Chain, Effect, Turn
from truestep.protocol.settlement.ids import NOBODY
from truestep.protocol.settlement.messages import Message, Stranger
from truestep.protocol.settlement.refusals import require
from truestep.protocol.settlement.state import with_entry

Handler = Callable[[Turn, Any], None]


def apply(state: Availability, message: Message, chain: Chain) -> tuple[Availability, tuple[Effect, ...]]:
    """The state after a call and its effects. Raises Refused, and then nothing has changed."""
    require(message.value_wei == 0 or isinstance(message.call, PAYABLE), Reject.WRONG_VALUE)
    turn = Turn(state=state, message=message, chain=chain)
    HANDLERS[type(message.call)](turn, message.call)
    return turn.state, tuple(turn.effects)


def _withdraw(contract_of: Callable[[Availability], Address], withdrawn: Callable[..., Effect]) -> Handler:
    """Send all that a contract owes the sender."""

    def handle(turn: Turn, call: Any) -> None:
        contract, account = contract_of(turn.state), turn.message.sender
        require(call.receiver != NOBODY, Reject.NO_ADDRESS)
        amount_wei = turn.state.credits.get((contract, account), 0)
        require(amount_wei != 0, Reject.NOTHING_TO_WITHDRAW)
        turn.change(credits=with_entry(turn.state.credits, (contract, account), 0))
        turn.emit(withdrawn(account=account, receiver=call.receiver, amount_wei=amount_wei))
        require(turn.message.stranger is not Stranger.REFUSES, Reject.PAYMENT_REFUSED)
        turn.pay(contract, call.receiver, amount_wei)

    return handle


HANDLERS: Mapping[type, Handler] = {
    keepers_contract.Enrol: keepers.enrol,
    keepers_contract.SetSigner: keepers.set_signer,
    keepers_contract.Retire: keepers.retire,
    keepers_contract.WithdrawShares: keepers.withdraw_shares,
    keepers_contract.WithdrawTo: _withdraw(lambda s: s.deployment.keepers, keepers_contract.Withdrawn),
    items_contract.PublishHashes: registration.publish_hashes,
    items_contract.Register: registration.register,
    items_contract.RegisterBlobs: registration.register_blobs,
    items_contract.RegisterCalldata: registration.register_calldata,
    items_contract.Assign: items.assign,
    items_contract.Acknowledge: items.acknowledge,
    items_contract.Collect: items.collect,
    items_contract.CloseItem: items.close_item,
    items_contract.WithdrawTo: _withdraw(lambda s: s.deployment.items, items_contract.Withdrawn),
    challenges_contract.OpenChallenge: challenges.open_challenge,
    challenges_contract.AnswerElement: challenges.answer_element,
    challenges_contract.AnswerBlob: challenges.answer_blob,
    challenges_contract.Settle: challenges.settle,
    challenges_contract.WithdrawTo: _withdraw(
        lambda s: s.deployment.challenges, challenges_contract.Withdrawn
    ),
    bindings_contract.StrikeMismatch: bindings.strike_mismatch,
    bindings_contract.OpenDemand: bindings.open_demand,
    bindings_contract.Give: bindings.give,
    bindings_contract.Pick: bindings.pick,
    bindings_contract.StrikeFound: bindings.strike_found,
    bindings_contract.SettleDemand: bindings.settle_demand,
    bindings_contract.WithdrawTo: _withdraw(lambda s: s.deployment.bindings, bindings_contract.Withdrawn),
}
PAYABLE = (
    keepers_contract.Enrol,
    items_contract.Register,
    items_contract.RegisterBlobs,
    challenges_contract.OpenChallenge,
    bindings_contract.OpenDemand,
)
