#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A verifier whose proofs are hashes of what they prove, in the mood that the test says
@notice Moods: 0 honest, 1 accepts everything, 2 reverts, 3 burns its gas, 4 answers 2, 5 answers two words, 6 answers nothing.
"""

SEAL_LIMIT_BYTES: constant(uint256) = 24_576

selector: public(immutable(bytes4))
mood: public(uint256)


@deploy
def __init__(selector_: bytes4):
    selector = selector_


@external
def set_mood(mood: uint256):
    self.mood = mood


@external
@view
@raw_return
def verify(key_digest: bytes32, statement: bytes32, seal: Bytes[SEAL_LIMIT_BYTES]) -> Bytes[64]:
    yes: bytes32 = convert(1, bytes32)
    mood: uint256 = self.mood
    if mood == 1:
        return concat(yes, b"")
    assert mood != 2
    if mood == 3:
        for step: uint256 in range(10**9):
            assert step != 10**9 - 1
    if mood == 4:
        return concat(convert(2, bytes32), b"")
    if mood == 5:
        return concat(yes, yes)
    if mood == 6:
        return b""
    if len(seal) != 36 or convert(slice(seal, 0, 4), bytes4) != selector:
        return concat(empty(bytes32), b"")
    if extract32(seal, 4) != keccak256(concat(key_digest, statement)):
        return concat(empty(bytes32), b"")
    return concat(yes, b"")
