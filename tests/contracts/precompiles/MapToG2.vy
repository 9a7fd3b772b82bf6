#pragma version 0.4.3
"""
@title Stands for a map to the second group: what it is given, and zeros
"""


@external
@view
@raw_return
def __default__() -> Bytes[256]:
    return concat(slice(msg.data, 0, 128), empty(bytes32), empty(bytes32), empty(bytes32), empty(bytes32))
