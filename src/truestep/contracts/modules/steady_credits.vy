#pragma version 0.4.3
"""
@title Native coins that the contract owes, in words that never become zero again (docs/protocol.md S9.2)
@notice So whoever opens a challenge pays for the new word, and each answer costs the same.
"""
from modules import coins


event Withdrawn:
    account: indexed(address)
    receiver: indexed(address)
    amount_wei: uint256


words: HashMap[address, uint256]  # what is owed, plus 1; 0 if nothing ever was


@internal
def prepare(account: address):
    """
    @notice Write an account's word, if it has none.
    """
    if self.words[account] == 0:
        self.words[account] = 1


@internal
def credit(account: address, amount_wei: uint256):
    """
    @notice Owe `amount_wei` more to an account.
    """
    if amount_wei != 0:
        self.words[account] = max(self.words[account], 1) + amount_wei


@external
@view
def credits(account: address) -> uint256:
    """
    @notice What an account is owed.
    """
    return max(self.words[account], 1) - 1


@external
@nonreentrant
def withdraw_to(receiver: address):
    """
    @notice Send all that the caller is owed.
    """
    assert receiver != empty(address), "no address given"
    word: uint256 = self.words[msg.sender]
    assert word > 1, "nothing to withdraw"
    self.words[msg.sender] = 1
    log Withdrawn(account=msg.sender, receiver=receiver, amount_wei=word - 1)
    coins.pay(receiver, word - 1)
