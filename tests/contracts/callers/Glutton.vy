#pragma version 0.4.3
"""
@title Calls back while it is being paid: for tests of reentrancy
"""

target: address
message: Bytes[4096]
is_refusing: bool
last_call_succeeded: public(bool)
calls_back: public(uint256)


@external
@payable
def __default__():
    assert not self.is_refusing, "no, thank you"
    if len(self.message) != 0:
        self.calls_back += 1
        self.last_call_succeeded = raw_call(self.target, self.message, revert_on_failure=False)


@external
def plan(target: address, message: Bytes[4096], is_refusing: bool):
    """
    @notice What to do when coins arrive.
    """
    self.target = target
    self.message = message
    self.is_refusing = is_refusing


@external
@payable
def relay(target: address, message: Bytes[4096], value_wei: uint256):
    raw_call(target, message, value=value_wei)
