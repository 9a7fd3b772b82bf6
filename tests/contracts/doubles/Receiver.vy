#pragma version 0.4.3
#pragma evm-version cancun
"""
@title Somebody who calls a contract while it is paid
"""

target: address
message: Bytes[4096]
was_refused: public(bool)


@external
def aim(target: address, message: Bytes[4096]):
    self.target = target
    self.message = message


@external
@payable
def __default__():
    is_success: bool = raw_call(self.target, self.message, revert_on_failure=False)
    self.was_refused = not is_success
