#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A verifier that calls back what asks it, as a thief's would: Verifiers asks by a static call, so it cannot change anything
"""

selector: public(immutable(bytes4))
target: address
message: Bytes[16_384]


@deploy
def __init__(selector_: bytes4):
    selector = selector_


@external
def set_message(target: address, message: Bytes[16_384]):
    self.target = target
    self.message = message


@external
def verify(key_digest: bytes32, statement: bytes32, seal: Bytes[24_576]) -> bool:
    raw_call(self.target, self.message)
    return True
