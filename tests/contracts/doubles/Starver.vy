#pragma version 0.4.3
#pragma evm-version cancun
"""
@title Somebody who sends calls with little gas
"""

was_done: public(bool)


@external
def send(target: address, message: Bytes[4096], gas_limit: uint256):
    self.was_done = raw_call(target, message, gas=gas_limit, revert_on_failure=False)
