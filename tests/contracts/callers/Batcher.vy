#pragma version 0.4.3
"""
@title Makes many calls in one transaction, and says what each cost: for tests of what moves cost at least
"""


struct Call:
    target: address
    message: Bytes[4096]
    value_wei: uint256


@external
@payable
def __default__():
    pass


@external
@payable
def run(calls: DynArray[Call, 24]) -> DynArray[uint256, 24]:
    spent: DynArray[uint256, 24] = []
    for call: Call in calls:
        before: uint256 = msg.gas
        raw_call(call.target, call.message, value=call.value_wei)
        spent.append(before - msg.gas)
    return spent
