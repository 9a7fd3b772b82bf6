#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A token that calls somebody while it moves, and keeps what came back
"""

balanceOf: public(HashMap[address, uint256])
target: address
message: Bytes[4096]
was_refused: public(bool)
response: public(Bytes[132])


@external
def mint(account: address, amount: uint256):
    self.balanceOf[account] += amount


@external
def aim(target: address, message: Bytes[4096]):
    self.target = target
    self.message = message


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
    if self.target != empty(address):
        is_success: bool = False
        response: Bytes[132] = b""
        is_success, response = raw_call(
            self.target, self.message, max_outsize=132, revert_on_failure=False
        )
        self.was_refused = not is_success
        self.response = response
