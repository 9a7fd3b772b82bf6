#pragma version 0.4.3
"""
@title Calls a contract in its own name: for tests in which the caller must be a contract
"""


@external
@payable
def __default__():
    pass


@external
@payable
def relay(target: address, message: Bytes[4096], value_wei: uint256):
    raw_call(target, message, value=value_wei)
