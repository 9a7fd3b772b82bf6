#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A token that says no instead of reverting
"""

balanceOf: public(HashMap[address, uint256])
is_closed: public(bool)


@external
def mint(account: address, amount: uint256):
    self.balanceOf[account] += amount


@external
def close():
    self.is_closed = True


@external
def transfer(receiver: address, amount: uint256) -> bool:
    if self.is_closed:
        return False
    self._move(msg.sender, receiver, amount)
    return True


@external
def transferFrom(sender: address, receiver: address, amount: uint256) -> bool:
    if self.is_closed:
        return False
    self._move(sender, receiver, amount)
    return True


@internal
def _move(sender: address, receiver: address, amount: uint256):
    self.balanceOf[sender] -= amount
    self.balanceOf[receiver] += amount
