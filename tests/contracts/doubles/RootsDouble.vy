#pragma version 0.4.3
"""
@title A verifier of roots that says what it is told to say, for sets that no prover at hand can prove
"""
answer: public(bool)


@deploy
def __init__(answer: bool):
    self.answer = answer


@external
@view
def verify_digest(key_digest: bytes32, journal_digest: bytes32, proof: Bytes[260]) -> bool:
    return self.answer
