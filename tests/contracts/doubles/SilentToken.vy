#pragma version 0.4.3
#pragma evm-version cancun
"""
@title The same token as old ones are: it returns nothing, and refuses by reverting
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256


REFUSES: constant(uint256) = 1
KEEPS_A_PART: constant(uint256) = 2

mood: uint256
balanceOf: public(HashMap[address, uint256])


@external
def mint(account: address, amount: uint256):
    self.balanceOf[account] += amount


@external
def set_mood(mood: uint256):
    self.mood = mood


@external
def transfer(receiver: address, amount: uint256):
    self._move(msg.sender, receiver, amount)


@external
def transferFrom(sender: address, receiver: address, amount: uint256):
    self._move(sender, receiver, amount)


@internal
def _move(sender: address, receiver: address, amount: uint256):
    assert self.mood != REFUSES, "refused"
    kept: uint256 = 0
    if self.mood == KEEPS_A_PART and amount != 0:
        kept = 1
    self.balanceOf[sender] -= amount
    self.balanceOf[receiver] += amount - kept
    log Transfer(sender=sender, receiver=receiver, amount=amount)
