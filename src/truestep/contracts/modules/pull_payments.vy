#pragma version 0.4.3
"""
@title Pull payments: what the contract owes to whom (docs/protocol.md P2.7)
"""
from modules import coins


event Withdrawn:
    account: indexed(address)
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
def withdraw():
    """
    @notice Send the caller all that it is owed.
    """
    amount_wei: uint256 = self.credits[msg.sender]
    assert amount_wei != 0, "nothing to withdraw"
    self.credits[msg.sender] = 0
    log Withdrawn(account=msg.sender, amount_wei=amount_wei)
    coins.pay(msg.sender, amount_wei)
