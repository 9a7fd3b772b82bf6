#pragma version 0.4.3
"""
@title Stands for a pairing: a signature is its key, the hash of the message's point, and zeros
"""


@external
@view
@raw_return
def __default__() -> Bytes[32]:
    signature: Bytes[256] = slice(msg.data, 128, 256)
    assert slice(signature, 160, 96) == concat(empty(bytes32), empty(bytes32), empty(bytes32)), "not a point"
    is_right: bool = slice(signature, 0, 128) == slice(msg.data, 384, 128)
    is_right = is_right and extract32(signature, 128) == keccak256(slice(msg.data, 512, 256))
    return abi_encode(is_right)
