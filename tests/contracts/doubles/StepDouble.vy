#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A step contract whose answers the test gives, whatever the witness
"""

before: bytes32
after: bytes32
template: bytes32
rd: uint256


@external
def answer(before: bytes32, after: bytes32, template: bytes32, rd: uint256):
    self.before = before
    self.after = after
    self.template = template
    self.rd = rd


@external
@view
def step(witness: Bytes[2876]) -> (bytes32, bytes32):
    return self.before, self.after


@external
@view
def open_float(witness: Bytes[2876]) -> (bytes32, bytes32, bytes32, uint256):
    return self.before, self.after, self.template, self.rd
