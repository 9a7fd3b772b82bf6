#pragma version 0.4.3
"""
@title Native coins that the contract owes, and to whom (docs/protocol.md S9.2)
"""
from modules import coins


event Withdrawn:
    account: indexed(address)
    receiver: indexed(address)
    amount_wei: uint256


credits: public(HashMap[address, uint256])


@internal
def credit(account: address, amount_wei: uint256):
    """
    @notice Owe `amount_wei` more to `account`.
    """
    if amount_wei != 0:
        self.credits[account] += amount_wei


@external
@nonreentrant
def withdraw_to(receiver: address):
    """
    @notice Send all that the caller is owed.
    """
    assert receiver != empty(address), "no address given"
    amount_wei: uint256 = self.credits[msg.sender]
    assert amount_wei != 0, "nothing to withdraw"
    self.credits[msg.sender] = 0
    log Withdrawn(account=msg.sender, receiver=receiver, amount_wei=amount_wei)
    coins.pay(receiver, amount_wei)
