#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A token that does what it is asked; every spender is allowed
"""

balanceOf: public(HashMap[address, uint256])


@external
def mint(account: address, amount: uint256):
    self.balanceOf[account] += amount


@external
def transfer(receiver: address, amount: uint256) -> bool:
    self._move(msg.sender, receiver, amount)
    return True


@external
def transferFrom(sender: address, receiver: address, amount: uint256) -> bool:
    self._move(sender, receiver, amount)
    return True


@internal
def _move(sender: address, receiver: address, amount: uint256):
    assert self.balanceOf[sender] >= amount, "not enough tokens"
    self.balanceOf[sender] -= amount
    self.balanceOf[receiver] += amount
